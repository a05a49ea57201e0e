/** What a User object makes of the wakes that carry unread events: a gap is never counted over, an overlap never twice. */
import { expect, it } from 'vitest'
import { UnreadCounts } from '../../../durable-objects/user/sync/unread.ts'
import type { RoomSlice, TimelineEvent } from '../../../src/objects/room/sync.ts'
import { defaultPushRules } from '../../../src/protocol/push/push-rules.ts'

const ROOM = '!room:test.example'
const BOB = '@bob:test.example'
const ALICE = '@alice:test.example'

/** Counts that a Room's answer has brought up to position 3, with one unread event. */
function counted(): UnreadCounts {
  const counts = new UnreadCounts({
    userId: BOB,
    ruleset: () => defaultPushRules(BOB),
    ignored: () => new Set(),
  })
  const unread = { events: [{ pos: 3, thread: 'main', highlight: false }] }
  counts.learn(ROOM, { head: 3, unread } as RoomSlice)
  return counts
}

const message = (pos: number): TimelineEvent => ({
  pos,
  event: {
    event_id: `$${pos}`,
    type: 'm.room.message',
    sender: ALICE,
    content: { msgtype: 'm.text', body: 'x' },
    origin_server_ts: pos,
  },
})

/** A wake with a message at each position after `from`. */
function wake(from: number, to: number) {
  const events = Array.from({ length: to - from }, (_, index) => message(from + 1 + index))
  const push = { joined: 3, levels: { [ALICE]: 0 }, notifications: {}, threads: {}, redacted: [] }
  return { roomId: ROOM, from, to, increment: { from, to, events, members: [], push } }
}

it.each([
  ['joins on is counted', wake(3, 5), [3, 4, 5]],
  ['overlaps is counted from where the counts end', wake(1, 5), [3, 4, 5]],
  ['brings nothing new changes nothing', wake(1, 3), [3]],
  ['leaves a gap makes the counts unknown', wake(4, 5), undefined],
  ['carries no events makes the counts unknown', { roomId: ROOM, from: 3, to: 5 }, undefined],
])('a wake that %s', (_, news, positions) => {
  const counts = counted()
  counts.advance(news)
  const known = counts.known(ROOM)
  expect(known && [...known].map(({ pos }) => pos)).toEqual(positions)
  expect(counts.countedUpTo(ROOM)).toBe(positions?.at(-1))
})

it('what was known before a wake stays as it was', () => {
  const counts = counted()
  const before = counts.known(ROOM)!
  counts.advance(wake(3, 5))
  expect([...before].map(({ pos }) => pos)).toEqual([3])
  expect([...before.plus({ pos: 9, thread: 'main', highlight: true })].map(({ pos }) => pos)).toEqual([3, 9])
  expect([...counts.known(ROOM)!].map(({ pos }) => pos)).toEqual([3, 4, 5])
})

/** What a Room keeps in memory for its wakes. */
import { expect, it } from 'vitest'
import { Recent, type Seen } from '../../../durable-objects/room/tell/recent.ts'
import type { Receipt, TimelineEvent } from '../../../src/objects/room/sync.ts'

const NOTHING: Seen = { appended: [], rewritten: false, moved: false, read: [], marked: false }

const receipt = (pos: number, userId: string, threadId?: string): Receipt => ({
  pos,
  userId,
  type: 'm.read',
  eventId: `$${pos}`,
  eventPos: pos,
  ts: pos,
  ...(threadId !== undefined && { threadId }),
})
const reads = (...read: Receipt[]): Seen => ({ ...NOTHING, read })
const event = (pos: number, type: string, more = {}): TimelineEvent =>
  ({ pos, event: { event_id: `$${pos}`, type, sender: '@a:b', content: {}, ...more } }) as TimelineEvent
const appends = (...appended: TimelineEvent[]): Seen => ({ ...NOTHING, appended })
const member = (pos: number, userId: string, membership: string) =>
  event(pos, 'm.room.member', { state_key: userId, content: { membership } })

it('knows nothing of what came before it', () => {
  const recent = new Recent(10)
  expect(recent.eventsAfter(9)).toBeUndefined()
  expect(recent.receiptsAfter(9)).toBeUndefined()
  expect(recent.mayHaveMarks(9)).toBe(true)
  expect([recent.eventsAfter(10), recent.receiptsAfter(10)]).toEqual([[], []])
  expect(recent.mayHaveMarks(10)).toBe(false)
})

it('has the newest receipt of each user and thread, in the order of their positions', () => {
  const recent = new Recent(0)
  recent.took(reads(receipt(1, '@a:b'), receipt(2, '@c:d'), receipt(3, '@a:b', 'main')), 3)
  recent.took(reads(receipt(4, '@a:b')), 4)
  expect(recent.receiptsAfter(0)?.map(({ pos }) => pos)).toEqual([2, 3, 4])
  expect(recent.receiptsAfter(3)?.map(({ pos }) => pos)).toEqual([4])
})

it('has no receipts of a member that is gone', () => {
  const recent = new Recent(0)
  recent.took(reads(receipt(1, '@a:b'), receipt(2, '@c:d')), 2)
  recent.took(appends(member(3, '@a:b', 'leave')), 3)
  expect(recent.receiptsAfter(0)?.map(({ userId }) => userId)).toEqual(['@c:d'])
})

it('leaves the oldest of many receipts to the tables', () => {
  const recent = new Recent(0)
  recent.took(reads(...Array.from({ length: 600 }, (_, i) => receipt(i + 1, `@${i}:b`))), 600)
  expect(recent.receiptsAfter(0)).toBeUndefined()
  expect(recent.receiptsAfter(500)).toHaveLength(100)
})

it('leaves what was there before a rewritten event to the tables', () => {
  const recent = new Recent(0)
  recent.took(appends(event(1, 'm.room.message')), 1)
  recent.took({ ...appends(event(2, 'm.room.redaction')), rewritten: true }, 2)
  expect(recent.eventsAfter(0)).toBeUndefined()
  expect(recent.eventsAfter(1)?.map(({ pos }) => pos)).toEqual([2])
})

it('leaves everything to the tables after state that was moved', () => {
  const recent = new Recent(0)
  recent.took(appends(event(1, 'm.room.message')), 1)
  recent.took({ ...appends(event(2, 'm.room.message')), moved: true }, 2)
  expect(recent.eventsAfter(1)).toBeUndefined()
  recent.took(appends(event(3, 'm.room.message')), 3)
  expect(recent.eventsAfter(2)?.map(({ pos }) => pos)).toEqual([3])
})

it.each([
  ['a marked device', { ...NOTHING, marked: true }, true],
  ['a member event', appends(member(1, '@a:b', 'join')), true],
  ['a message', appends(event(1, 'm.room.message')), false],
  ['a receipt', reads(receipt(1, '@a:b')), false],
])('looks for marks of devices again after %s: %#', (_, change, looks) => {
  const recent = new Recent(0)
  recent.took(change, 1)
  expect(recent.mayHaveMarks(0)).toBe(looks)
})

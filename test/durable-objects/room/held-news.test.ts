/** What a Room holds in memory for the event stream: all that its log has after a position, or nothing. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Committed, HeldNews } from '../../../durable-objects/room/tell/held-news.ts'
import type { Receipt, TimelineEvent } from '../../../src/objects/room/sync.ts'

const ROOM = '!room:example.org'
const NOTHING: Committed = {
  appended: [],
  rewritten: false,
  moved: false,
  logged: false,
  receiptsMoved: false,
  read: [],
  marked: false,
  typingChanged: false,
}

const event = (pos: number, more: object = {}): TimelineEvent => ({
  pos,
  event: {
    event_id: `$${pos}`,
    type: 'm.room.message',
    sender: '@a:b',
    content: { body: `text ${pos}` },
    origin_server_ts: pos,
    ...more,
  },
})
const receipt = (pos: number): Receipt => ({
  pos,
  userId: '@c:d',
  type: 'm.read',
  eventId: '$1',
  eventPos: 1,
  ts: pos,
})
const says = (...appended: TimelineEvent[]): Committed => ({ ...NOTHING, appended })
const reads = (...read: Receipt[]): Committed => ({ ...NOTHING, read, receiptsMoved: true })

let held: HeldNews
const positions = () => held.recordsUpTo(1_000, ROOM)?.records.map(({ pos }) => pos)

beforeEach(() => {
  held = new HeldNews()
  held.took(NOTHING, 10)
  held.begin()
})

it('holds nothing before the log was read to its end', () => {
  const fresh = new HeldNews()
  fresh.took(says(event(11)), 11)
  expect([fresh.isWhole, fresh.recordsUpTo(11, ROOM)]).toEqual([false, undefined])
})

it('tells messages and public receipts in the order of their positions', () => {
  held.took(says(event(11)), 11)
  held.took(reads(receipt(12)), 12)
  held.took(says(event(13), event(14)), 14)
  const told = held.recordsUpTo(14, ROOM)
  expect(told?.records.map(({ pos, topic }) => [pos, topic])).toEqual([
    [11, 'events'],
    [12, 'receipts'],
    [13, 'events'],
    [14, 'events'],
  ])
  expect(told?.upTo).toBe(14)
  expect(JSON.parse(told?.records[0]?.body ?? '')).toEqual({
    room_id: ROOM,
    kind: 'event',
    position: 11,
    event: { ...event(11).event, room_id: ROOM },
  })
})

it('tells a receipt before the event of the same commit that came after it', () => {
  held.took({ ...reads(receipt(11)), appended: [event(12)] }, 12)
  held.took({ ...reads(receipt(13)), appended: [event(14)] }, 14)
  expect(positions()).toEqual([11, 12, 13, 14])
})

it('tells up to a position, and drops what was told', () => {
  held.took(says(event(11), event(12), event(13)), 13)
  expect(held.hasUpTo(10)).toBe(false)
  expect(held.recordsUpTo(12, ROOM)?.upTo).toBe(12)
  held.drop(12)
  expect(positions()).toEqual([13])
  held.drop(13)
  expect([held.isWhole, held.count, held.hasUpTo(1_000)]).toEqual([true, 0, false])
})

it('tells about 300,000 characters at a time', () => {
  const body = 'x'.repeat(200_000)
  held.took(says(event(11, { content: { body } }), event(12, { content: { body } }), event(13)), 13)
  expect(held.recordsUpTo(13, ROOM)?.upTo).toBe(12)
})

describe('ends with', () => {
  it.each<[string, Committed, number]>([
    ['a state event', says(event(11, { state_key: '' })), 11],
    ['a redaction', says(event(11, { type: 'm.room.redaction' })), 11],
    ['an entry of the log that is no event', { ...says(event(11)), logged: true }, 11],
    ['an event that was changed', { ...NOTHING, rewritten: true }, 10],
    ['an event by which other state was moved', { ...says(event(11)), moved: true }, 11],
    ['an event that was not accepted', NOTHING, 11],
    ['a private receipt', { ...NOTHING, receiptsMoved: true }, 11],
    ['a commit that took positions which it does not show', says(event(12)), 12],
  ])('%s', (_, change, last) => {
    held.took(change, last)
    expect([held.isWhole, held.hasUpTo(1_000), positions()]).toEqual([false, false, undefined])
    held.took(says(event(last + 1)), last + 1)
    expect(positions()).toBeUndefined()
  })

  it('more than 200 messages', () => {
    for (let pos = 11; pos <= 210; pos += 1) held.took(says(event(pos)), pos)
    expect(positions()).toHaveLength(200)
    held.took(says(event(211)), 211)
    expect(held.isWhole).toBe(false)
  })
})

it.each<[string, Committed]>([
  ['typing', { ...NOTHING, typingChanged: true }],
  ['a mark on a member', { ...NOTHING, marked: true }],
])('goes on over a position of %s, which the log has not', (_, change) => {
  held.took(says(event(11)), 11)
  held.took(change, 12)
  held.took(says(event(13)), 13)
  expect(positions()).toEqual([11, 13])
})

/** Which thread an event is in. */
import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { threadOf } from '../../../../src/protocol/events/thread.ts'

const relates = (rel_type: string, event_id: string): JsonObject => ({
  'm.relates_to': { rel_type, event_id },
})

/** A chain of references of this many hops that ends in a thread. */
function chain(hops: number): Map<string, JsonObject> {
  const events = new Map([['$0', relates('m.thread', '$root')]])
  for (let i = 1; i <= hops; i += 1) events.set(`$${i}`, relates('m.reference', `$${i - 1}`))
  return events
}

test.each([
  ['an event without relations', {}, 'main'],
  ['a relation of the wrong shape', { 'm.relates_to': { rel_type: 7, event_id: '$0' } }, 'main'],
  ['one that replies without a thread', { 'm.relates_to': { 'm.in_reply_to': { event_id: '$0' } } }, 'main'],
  ['one in the thread itself', relates('m.thread', '$root'), '$root'],
  ['a reaction in the thread', relates('m.annotation', '$0'), '$root'],
  ['one two hops away', relates('m.reference', '$1'), '$root'],
  ['one three hops away', relates('m.reference', '$2'), '$root'],
  ['one four hops away', relates('m.reference', '$3'), 'main'],
  ['a relation to an unknown event', relates('m.annotation', '$unknown'), 'main'],
])('%s', (_, content, expected) => {
  const events = chain(4)
  expect(threadOf(content as JsonObject, (eventId) => events.get(eventId))).toBe(expected)
})

/** The checked events of an answer, kept until all of it is checked. */
import { expect, it } from 'vitest'
import { PackedEvents } from '../../../src/federation/membership/packed-events.ts'
import type { ReceivedEvent } from '../../../src/objects/room/federation.ts'

const A_PART = 2_000_000

/** Of text that UTF-8 writes in one, two, three and four bytes. */
const eventOf = (index: number, length: number): ReceivedEvent => ({
  eventId: `$${index}`,
  json: JSON.stringify({ body: 'aé漢🙂'.repeat(length / 5), index }),
  isRedacted: index % 2 === 0,
})

function packed(events: readonly ReceivedEvent[]): ReceivedEvent[][] {
  const kept = new PackedEvents()
  for (const event of events) kept.add(event)
  return [...kept.parts()]
}

it('come back as they were, in their order and in parts that a call can carry', () => {
  const events = Array.from({ length: 90 }, (_, index) => eventOf(index, 50_000))
  const parts = packed(events)
  expect(parts.flat()).toEqual(events)
  expect(parts.length).toBe(3)
  for (const part of parts) {
    expect(part.length).toBeGreaterThan(0)
    expect(part.reduce((sum, { json }) => sum + json.length, 0)).toBeLessThanOrEqual(A_PART)
  }
})

it('are one part where there is little', () => {
  const events = [eventOf(1, 5), eventOf(2, 5)]
  expect(packed(events)).toEqual([events])
  expect(packed([])).toEqual([[]])
})

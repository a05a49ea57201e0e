import { describe, expect, it } from 'vitest'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { extremitiesAfter, MAX_PREV_EVENTS } from '../../../../src/protocol/events/extremities.ts'

const extremities = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ eventId: `$${index}`, depth: index }))
const eventOn = (prevEvents: string[]) => ({
  eventId: '$new',
  pdu: { prev_events: prevEvents, depth: 100 } as unknown as Pdu,
})

describe('the forward extremities', () => {
  it('of a room without forks are its newest event', () => {
    expect(extremitiesAfter(extremities(1), eventOn(['$0']))).toEqual([{ eventId: '$new', depth: 100 }])
  })

  it('keep those that an event cannot name', () => {
    const before = extremities(MAX_PREV_EVENTS + 10)
    const named = before.slice(0, MAX_PREV_EVENTS).map(({ eventId }) => eventId)
    const after = extremitiesAfter(before, eventOn(named))
    expect(after).toHaveLength(11)
    expect(after.slice(0, 10)).toEqual(before.slice(MAX_PREV_EVENTS))
  })

  it('are not removed by an event that comes beside them', () => {
    expect(extremitiesAfter(extremities(2), eventOn(['$elsewhere']))).toHaveLength(3)
  })
})

/** Forward extremities: the events that no event names as its prev_event yet. Server-Server API §PDUs. */
import type { IdentifiedPdu } from './event.ts'

export interface Extremity {
  eventId: string
  depth: number
}

/** An event names at most so many prev_events: Server-Server API §PDUs. */
export const MAX_PREV_EVENTS = 20

/** The extremities after an event: those that it does not name, and the event itself. None is ever dropped unnamed. */
export function extremitiesAfter(before: readonly Extremity[], { eventId, pdu }: IdentifiedPdu): Extremity[] {
  const named = new Set(pdu.prev_events)
  return [...before.filter((extremity) => !named.has(extremity.eventId)), { eventId, depth: pdu.depth }]
}

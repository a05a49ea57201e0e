/** What a call of `receive` finds missing, gathered as it goes and told at its end. */
import type { Need } from '../../../../src/objects/room/federation.ts'
import { MAX_PREV_EVENTS } from '../../../../src/protocol/events/extremities.ts'
import type { RoomReader } from '../../context.ts'

/** So many single events are asked for at once. */
const MOST_EVENTS = 500
/** So many states: an answer may be as large as the room. */
const MOST_STATES = 5

export class Needs {
  readonly #latest = new Map<string, number>()
  readonly #events = new Set<string>()
  readonly #states = new Set<string>()

  /** Whether no more single events can be asked for. */
  get isFull(): boolean {
    return this.#events.size === MOST_EVENTS
  }

  /** Events behind this one. */
  missing(eventId: string, depth: number): void {
    if (this.#latest.size < MAX_PREV_EVENTS) this.#latest.set(eventId, depth)
  }

  event(eventId: string): void {
    if (this.#events.size < MOST_EVENTS) this.#events.add(eventId)
  }

  stateBefore(eventId: string): void {
    if (this.#states.size < MOST_STATES) this.#states.add(eventId)
  }

  /** `minDepth`: nothing older than the oldest extremity is missing behind newer events. */
  told({ store }: RoomReader): Need[] {
    const needs: Need[] = []
    if (this.#latest.size > 0) {
      const earliest = store.extremities.slice(0, MAX_PREV_EVENTS)
      const depths = [...earliest.map(({ depth }) => depth), ...this.#latest.values()]
      needs.push({
        kind: 'missing',
        latest: [...this.#latest.keys()],
        earliest: earliest.map(({ eventId }) => eventId),
        minDepth: Math.max(0, Math.min(...depths)),
      })
    }
    for (const eventId of this.#states) needs.push({ kind: 'state', eventId })
    if (this.#events.size > 0) needs.push({ kind: 'events', eventIds: [...this.#events] })
    return needs
  }
}

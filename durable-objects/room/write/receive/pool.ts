/** The events that one call of `receive` works on: what has come, what was fetched, and what was staged before. */
import type { ReceivedEvent } from '../../../../src/objects/room/federation.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import type { StagedEvent } from '../../rows/federation/staged.ts'

export interface PooledEvent {
  eventId: string
  json: string
  pdu: Pdu
  isRedacted: boolean
  /** The server that sent it. */
  origin: string
  /** It is in the table already. */
  isStaged: boolean
  /** It is asked for with its place in the graph: an event that was fetched may serve as part of a state alone. */
  isWanted: boolean
  /** A wanted event builds on its place in the graph: this one was fetched for that, and was sent by nobody. */
  isNeeded: boolean
}

/** An event as it came, opened. */
export function opened(
  { eventId, json, isRedacted }: ReceivedEvent,
  { origin, isStaged, isWanted }: Pick<PooledEvent, 'origin' | 'isStaged' | 'isWanted'>,
): PooledEvent {
  const pdu = JSON.parse(json) as Pdu
  return { eventId, json, isRedacted, pdu, origin, isStaged, isWanted, isNeeded: false }
}

export class Pool {
  readonly #events = new Map<string, PooledEvent>()

  addStaged(events: readonly StagedEvent[]): void {
    for (const event of events) this.#add(event, { ...event, isStaged: true })
  }

  add(events: readonly ReceivedEvent[], origin: string, isWanted: boolean): void {
    for (const event of events) this.#add(event, { origin, isStaged: false, isWanted })
  }

  get(eventId: string): PooledEvent | undefined {
    return this.#events.get(eventId)
  }

  get all(): PooledEvent[] {
    return [...this.#events.values()]
  }

  #add(event: ReceivedEvent, how: Pick<PooledEvent, 'origin' | 'isStaged' | 'isWanted'>): void {
    const known = this.#events.get(event.eventId)
    if (known === undefined) {
      this.#events.set(event.eventId, opened(event, how))
      return
    }
    known.isWanted ||= how.isWanted
    known.isStaged ||= how.isStaged
  }
}

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

  remove(eventId: string): void {
    this.#events.delete(eventId)
  }

  get all(): PooledEvent[] {
    return [...this.#events.values()]
  }

  #add(
    { eventId, json, isRedacted }: ReceivedEvent,
    { origin, isStaged, isWanted }: Pick<PooledEvent, 'origin' | 'isStaged' | 'isWanted'>,
  ): void {
    const known = this.#events.get(eventId)
    if (known !== undefined) {
      known.isWanted ||= isWanted
      known.isStaged ||= isStaged
      return
    }
    this.#events.set(eventId, {
      eventId,
      json,
      isRedacted,
      pdu: JSON.parse(json) as Pdu,
      origin,
      isStaged,
      isWanted,
      isNeeded: false,
    })
  }
}

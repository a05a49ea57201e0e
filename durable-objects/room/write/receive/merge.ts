/**
 * What a mutation's events of branches make of the room's current state, worked out once for all of them: each
 * resolution reads all that the branches differ in.
 */
import type { IdentifiedPdu } from '../../../../src/protocol/events/event.ts'
import type { Extremity } from '../../../../src/protocol/events/extremities.ts'
import type { RoomReader, RoomWriter } from '../../context.ts'
import { cancelForState } from '../../rows/events/delayed-store.ts'
import { type JudgedRow, judgedEvent } from '../../rows/events/judged-events.ts'
import type { StatePlace } from '../../rows/federation/state-groups.ts'
import {
  changesToCurrent,
  identifiedEvent,
  placeAfter,
  resolvePlaces,
  sameStates,
} from '../../rows/federation/states.ts'
import { changeState, type StateChange } from '../place.ts'

interface Pending {
  /** The states after the extremities before the first of the events. */
  from: readonly StatePlace[]
  /** The newest of the events. The state moves at its position. */
  cause: IdentifiedPdu
  pos: number
  eventIds: Set<string>
}

export class Merge {
  readonly #room: RoomWriter
  #pending: Pending | undefined

  constructor(room: RoomWriter) {
    this.#room = room
  }

  /** Notes an event that does not follow on all extremities. `before`: the extremities without it. */
  note(cause: IdentifiedPdu, pos: number, before: readonly Extremity[]): void {
    const eventIds = this.#pending?.eventIds ?? new Set()
    const from = this.#pending?.from ?? placesAfter(this.#room, before)
    this.#pending = { from, cause, pos, eventIds: eventIds.add(cause.eventId) }
  }

  /** The current state is from now on what follows from all extremities. */
  settle(): void {
    const pending = this.#pending
    if (pending === undefined) return
    this.#pending = undefined
    const room = this.#room
    const { sql, extremities } = room.store
    const places = placesAfter(room, extremities)
    if (sameStates(pending.from, places)) return
    const changes = changesToCurrent(sql, resolvePlaces(room.store, places)).map(
      ({ type, stateKey, eventId }): StateChange => [
        type,
        stateKey,
        identifiedEvent(sql, eventId ?? '') ?? null,
      ],
    )
    if (changes.length === 0) return
    changeState(room, changes, pending)
    for (const [, , event] of changes)
      if (event !== null && pending.eventIds.has(event.eventId)) cancelForState(room, event.pdu)
    if (changes.some(([, , event]) => event?.eventId !== pending.cause.eventId)) room.moved = true
  }
}

function placesAfter({ store }: RoomReader, extremities: readonly Extremity[]): StatePlace[] {
  return extremities
    .map(({ eventId }) => judgedEvent(store.sql, eventId))
    .filter((row): row is JudgedRow => row !== undefined)
    .map(placeAfter)
}

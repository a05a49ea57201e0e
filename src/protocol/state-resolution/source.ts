/** What resolution reads of a room: its state events by id, and its chain cover. */
import type { IdentifiedPdu } from '../events/event.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'
import type { AuthChains } from './auth-chains.ts'

export interface StateEvent extends IdentifiedPdu {
  /**
   * The event failed the checks of its receipt: it never enters a state and authorises nothing. A soft-failed event is
   * not rejected, and takes part like any other.
   */
  rejected?: boolean
}

export interface ResolutionSource {
  /** A state event as it was received, also where it has been redacted since: other servers judge it by that. */
  event(eventId: string): StateEvent | undefined
  chains: AuthChains
}

/** Reads each event once, however often it is asked for. */
export class KnownEvents {
  readonly chains: AuthChains
  readonly #rules: RoomVersionRules
  readonly #source: ResolutionSource
  readonly #events = new Map<string, StateEvent | undefined>()

  constructor(rules: RoomVersionRules, source: ResolutionSource) {
    this.chains = source.chains
    this.#rules = rules
    this.#source = source
  }

  get(eventId: string): StateEvent | undefined {
    if (this.#events.has(eventId)) return this.#events.get(eventId)
    const event = this.#source.event(eventId)
    this.#events.set(eventId, event)
    return event
  }

  /** The events that an event cites, but for those that are not known. From version 12 on the room id cites the create event. */
  *citedBy({ pdu }: IdentifiedPdu): Generator<StateEvent> {
    for (const eventId of pdu.auth_events) {
      const event = this.get(eventId)
      if (event !== undefined) yield event
    }
    if (!this.#rules.roomIdIsCreateHash || pdu.room_id === undefined) return
    const create = this.get(`$${pdu.room_id.slice(1)}`)
    if (create !== undefined) yield create
  }

  /** The event of a type with the empty state key that an event cites. */
  cited(event: IdentifiedPdu, type: string): StateEvent | undefined {
    for (const cited of this.citedBy(event)) {
      if (cited.pdu.type === type && cited.pdu.state_key === '') return cited
    }
    return undefined
  }
}

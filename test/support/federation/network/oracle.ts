/** What a room's graph alone says of its events: verdicts and states, worked out over whole states from the first event on. */
import { checkAuthEvents } from '../../../../src/protocol/auth/event-auth.ts'
import { refusalIn, refusalOf } from '../../../../src/protocol/auth/received-auth.ts'
import type { IdentifiedPdu, Pdu, StateMap } from '../../../../src/protocol/events/event.ts'
import { ChainCover } from '../../../../src/protocol/state-resolution/chain-cover.ts'
import type { ResolutionSource, StateEvent } from '../../../../src/protocol/state-resolution/source.ts'
import { rulesOf } from '../../auth-room.ts'
import { keyOf, resolved, type StateIds } from '../../resolution/dag.ts'

export class Oracle implements ResolutionSource {
  readonly chains = new ChainCover()
  readonly #rules
  readonly #events = new Map<string, StateEvent>()
  readonly #after = new Map<string, StateIds>()
  readonly #createId: string

  /** @param events all events of the room, as they were signed. Those of which something is missing are left out. */
  constructor(version: string, events: ReadonlyMap<string, Pdu>) {
    this.#rules = rulesOf(version)
    const creates = [...events].filter(([, { type }]) => type === 'm.room.create')
    this.#createId = creates[0]![0]
    const open = new Map(events)
    for (let settled = -1; settled !== open.size; ) {
      settled = open.size
      for (const [eventId, pdu] of open) {
        if (![...pdu.prev_events, ...pdu.auth_events].every((named) => this.#events.has(named))) continue
        this.#judge({ eventId, pdu })
        open.delete(eventId)
      }
    }
  }

  event(eventId: string): StateEvent | undefined {
    return this.#events.get(eventId)
  }

  get rejected(): Set<string> {
    return new Set(
      [...this.#events.values()].filter(({ rejected }) => rejected).map(({ eventId }) => eventId),
    )
  }

  has(eventId: string): boolean {
    return this.#events.has(eventId)
  }

  /** All events that these follow on, and they themselves, but for those that the rules refuse. */
  behind(eventIds: readonly string[]): string[] {
    const found = new Set(eventIds)
    for (const eventId of found)
      for (const prev of this.#events.get(eventId)!.pdu.prev_events) found.add(prev)
    return [...found].filter((eventId) => this.#events.get(eventId)?.rejected !== true)
  }

  after(eventId: string): StateIds {
    return this.#after.get(eventId)!
  }

  afterAll(eventIds: readonly string[]): StateIds {
    return resolved(
      this.#rules,
      eventIds.map((eventId) => this.after(eventId)),
      this,
    )
  }

  #judge(event: IdentifiedPdu): void {
    const { eventId, pdu } = event
    const before = pdu.prev_events.length === 0 ? new Map<string, string>() : this.afterAll(pdu.prev_events)
    const isCreate = eventId === this.#createId
    const rejected = !isCreate && this.#refusal(pdu, before) !== undefined
    this.#events.set(eventId, { eventId, pdu, rejected })
    if (pdu.state_key !== undefined) this.chains.add(eventId, pdu.auth_events)
    const counts = pdu.state_key !== undefined && !rejected
    this.#after.set(eventId, counts ? new Map(before).set(keyOf(pdu.type, pdu.state_key!), eventId) : before)
  }

  #refusal(pdu: Pdu, before: StateIds): string | undefined {
    const cited = pdu.auth_events.map((eventId) => this.#events.get(eventId)!)
    if (cited.some(({ rejected }) => rejected)) return 'it cites a rejected event'
    const byKey = new Map(
      cited.map(({ eventId, pdu: { type, state_key } }) => [keyOf(type, state_key!), eventId]),
    )
    if (this.#rules.roomIdIsCreateHash) byKey.set(keyOf('m.room.create', ''), this.#createId)
    return (
      refusalOf(() => checkAuthEvents(this.#rules, pdu, cited)) ??
      refusalIn(this.#rules, pdu, this.#mapOf(byKey)) ??
      refusalIn(this.#rules, pdu, this.#mapOf(before))
    )
  }

  #mapOf(state: StateIds): StateMap {
    return {
      get: (type, stateKey) => this.#events.get(state.get(keyOf(type, stateKey)) ?? ''),
    }
  }
}

/** The iterative auth checks: events enter a state one after the other, each if what stands there by then allows it. */
import { refusalIn } from '../auth/received-auth.ts'
import type { StateMap } from '../events/event.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'
import type { KnownEvents, StateEvent } from './source.ts'
import { StateKeyMap } from './state-keys.ts'

/** A state in the making: what has been resolved so far, over what the resolution starts from. */
export class PartialState {
  readonly #resolved = new StateKeyMap<StateEvent>()
  readonly #base: (type: string, stateKey: string) => StateEvent | undefined

  constructor(base: (type: string, stateKey: string) => StateEvent | undefined) {
    this.#base = base
  }

  get(type: string, stateKey: string): StateEvent | undefined {
    return this.#resolved.get(type, stateKey) ?? this.#base(type, stateKey)
  }

  /** What the checks let in at this key. */
  resolved(type: string, stateKey: string): StateEvent | undefined {
    return this.#resolved.get(type, stateKey)
  }

  allResolved(): ReturnType<StateKeyMap<StateEvent>['entries']> {
    return this.#resolved.entries()
  }

  enter(event: StateEvent): void {
    const { type, state_key: stateKey } = event.pdu
    if (stateKey !== undefined) this.#resolved.set(type, stateKey, event)
  }
}

/**
 * "If there is a (event_type, state_key) key that is required for checking the authorization rules and is not present in
 * the state, then the appropriate state event from the event's auth_events is used if the auth event is not rejected."
 *
 * A rejected event stays out whatever the state would allow, as other servers have it.
 */
export function checkInTurn(
  rules: RoomVersionRules,
  sorted: Iterable<StateEvent>,
  state: PartialState,
  events: KnownEvents,
): void {
  for (const event of sorted) {
    if (event.rejected === true) continue
    if (refusalIn(rules, event.pdu, stateFor(event, state, events)) === undefined) state.enter(event)
  }
}

function stateFor(event: StateEvent, state: PartialState, events: KnownEvents): StateMap {
  return {
    get(type, stateKey) {
      const standing = state.get(type, stateKey)
      if (standing !== undefined && standing.rejected !== true) return standing
      for (const cited of events.citedBy(event)) {
        const isIt = cited.pdu.type === type && cited.pdu.state_key === stateKey
        if (isIt && cited.rejected !== true) return cited
      }
      return undefined
    },
  }
}

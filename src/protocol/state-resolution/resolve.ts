/** State resolution v2 and v2.1: the one state that follows from the states of a fork. Room Versions 2 and 12. */
import type { RoomVersionRules } from '../rooms/room-version.ts'
import { checkInTurn, PartialState } from './auth-checks.ts'
import { authDifference } from './auth-difference.ts'
import { type Conflict, conflictOf, type StateSide } from './conflict.ts'
import { conflictedSubgraph } from './conflicted-subgraph.ts'
import { mainlineOrder } from './mainline.ts'
import { powerOrder } from './power-order.ts'
import { KnownEvents, type ResolutionSource, type StateEvent } from './source.ts'
import { remembered, type StateKey } from './state-keys.ts'

/** A key that the sides did not agree on, with the event that holds it from now on; undefined where none does. */
export interface ResolvedKey extends StateKey {
  eventId: string | undefined
}

/**
 * Resolves the states of a fork. Answers the keys at which they differ, and those that none of them had; the state at
 * all other keys is the one that they share.
 *
 * Neither the order of the sides nor that of their keys matters. What is read grows with what differs and with the auth
 * chains of it, and not with the room.
 *
 * @throws UnplacedEvent where the auth events of a conflicted event are not there yet
 */
export function resolveState(
  rules: RoomVersionRules,
  sides: readonly StateSide[],
  source: ResolutionSource,
): ResolvedKey[] {
  const conflict = conflictOf(sides)
  if (conflict.keys.length === 0) return []
  const events = new KnownEvents(rules, source)
  const conflicted = fullConflictedSet(rules, conflict, events)
  // Each event is checked against the same few.
  const shared = remembered((type, stateKey) => {
    const eventId = conflict.shared(type, stateKey)
    return eventId === undefined ? undefined : events.get(eventId)
  })
  // v2.1: "the iterative auth checks algorithm starts from an empty set of resolved state".
  const state = new PartialState(rules.resolvesFromEmpty ? () => undefined : shared)

  const powerEvents = powerOrder(rules, conflicted, events)
  checkInTurn(rules, powerEvents, state, events)
  const others = new Map(conflicted)
  for (const { eventId } of powerEvents) others.delete(eventId)
  const ordered = mainlineOrder(others.values(), state.get('m.room.power_levels', ''), events)
  checkInTurn(rules, ordered, state, events)
  return resolvedKeys(conflict, state)
}

/** "The full conflicted set is the union of the conflicted state set and the auth difference", and v2.1's subgraph. */
function fullConflictedSet(
  rules: RoomVersionRules,
  conflict: Conflict,
  events: KnownEvents,
): Map<string, StateEvent> {
  const isShared = (eventId: string): boolean => {
    const event = events.get(eventId)
    if (event?.pdu.state_key === undefined) return false
    return conflict.shared(event.pdu.type, event.pdu.state_key) === eventId
  }
  const conflicted = conflict.eventsBySide.flat()
  const ids = new Set(conflicted)
  for (const eventId of authDifference(events.chains, conflict.eventsBySide, isShared)) ids.add(eventId)
  if (rules.resolvesFromEmpty) {
    for (const eventId of conflictedSubgraph(events.chains, conflicted)) ids.add(eventId)
  }
  const set = new Map<string, StateEvent>()
  for (const eventId of ids) {
    const event = events.get(eventId)
    if (event !== undefined) set.set(eventId, event)
  }
  return set
}

/** "Update the result by replacing any event with the event with the same key from the unconflicted state map, if such an event exists." */
function resolvedKeys(conflict: Conflict, state: PartialState): ResolvedKey[] {
  const resolved: ResolvedKey[] = conflict.keys.map(({ type, stateKey }) => ({
    type,
    stateKey,
    eventId: state.resolved(type, stateKey)?.eventId,
  }))
  const listed = new Set(resolved.map(({ eventId }) => eventId))
  for (const { type, stateKey, value } of state.allResolved()) {
    if (listed.has(value.eventId) || conflict.shared(type, stateKey) !== undefined) continue
    resolved.push({ type, stateKey, eventId: value.eventId })
  }
  return resolved
}

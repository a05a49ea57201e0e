/** The room's states as its graph has them: before and after any event, and what follows from several of them. */
import type { IdentifiedPdu, Pdu, StateMap } from '../../../../src/protocol/events/event.ts'
import type { RoomVersionRules } from '../../../../src/protocol/rooms/room-version.ts'
import {
  conflictOf,
  type StateDelta,
  type StateSide,
  sideOfDeltas,
} from '../../../../src/protocol/state-resolution/conflict.ts'
import { resolveState } from '../../../../src/protocol/state-resolution/resolve.ts'
import { StateKeyMap } from '../../../../src/protocol/state-resolution/state-keys.ts'
import type { SqlReader } from '../../../sqlite.ts'
import { type JudgedRow, judgedEvent } from '../events/judged-events.ts'
import { currentStateId, stateRowAt } from '../state/state.ts'
import { ForkKeys } from './fork-keys.ts'
import { ReadAhead } from './read-ahead.ts'
import type { ResolutionLoad } from './resolution-load.ts'
import { deltaAt, deltasOf, type StatePlace } from './state-groups.ts'

/** A state as it was worked out: a stored one, and what differs from it. */
export interface WorkedState {
  base: StatePlace
  deltas: readonly StateDelta[]
}

/** A room whose forks are resolved. */
type Resolving = { sql: SqlReader; rules: RoomVersionRules; load: ResolutionLoad }

/** The state before an event. */
export function placeBefore({ pos, state_pos, state_group }: JudgedRow): StatePlace {
  return state_pos === null ? { pos: pos - 1, group: null } : { pos: state_pos, group: state_group }
}

/** The state after an event. */
export function placeAfter({ pos, state_pos, after_group }: JudgedRow): StatePlace {
  return state_pos === null ? { pos, group: null } : { pos: state_pos, group: after_group }
}

/** The id of the event that holds a key in a state. */
export function eventIdAt(
  sql: SqlReader,
  { pos, group }: StatePlace,
  type: string,
  stateKey: string,
): string | undefined {
  const delta = group === null ? undefined : deltaAt(sql, group, type, stateKey)
  return delta === undefined ? stateRowAt(sql, type, stateKey, pos)?.event_id : delta.eventId
}

/** A worked-out state, as the authorisation rules read it. */
export function stateMapOf(sql: SqlReader, { base, deltas }: WorkedState): StateMap {
  const changed = new StateKeyMap<string | undefined>()
  for (const { type, stateKey, eventId } of deltas) changed.set(type, stateKey, eventId)
  return {
    get(type, stateKey) {
      const eventId = changed.has(type, stateKey)
        ? changed.get(type, stateKey)
        : eventIdAt(sql, base, type, stateKey)
      return eventId === undefined ? undefined : identifiedEvent(sql, eventId)
    },
  }
}

/** An event as the rules judge by it. */
export function identifiedEvent(sql: SqlReader, eventId: string): IdentifiedPdu | undefined {
  const row = judgedEvent(sql, eventId)
  return row && { eventId, pdu: JSON.parse(row.pdu) as Pdu }
}

/**
 * The one state that follows from several: "the resolution of the states after its prev_events". Reads what lies between
 * the positions that they stand on, and what their groups change.
 */
export function resolvePlaces({ sql, rules, load }: Resolving, places: readonly StatePlace[]): WorkedState {
  const different = distinct(places)
  const [newest] = different.toSorted((a, b) => b.pos - a.pos)
  if (newest === undefined) throw new Error('There is no state of no event')
  if (different.length === 1) return { base: newest, deltas: [] }
  const keys = new ForkKeys(sql, different, newest.pos)
  const sides = different.map((place) => sideOf(sql, place, keys))
  const side = sides[different.indexOf(newest)]!
  const source = new ReadAhead(sql, conflictedIn(sides))
  // Where all sides agree, the newest has it.
  const deltas = resolveState(rules, sides, source).filter(
    ({ type, stateKey, eventId }) => side.get(type, stateKey) !== eventId,
  )
  load.note(source.read)
  return { base: newest, deltas }
}

/** The state before an event that follows on these, which are all there. */
export function stateAfterAll(room: Resolving, eventIds: readonly string[]): WorkedState {
  const { sql } = room
  const rows = eventIds.map((eventId) => judgedEvent(sql, eventId)).filter((row) => row !== undefined)
  return resolvePlaces(room, rows.map(placeAfter))
}

function sideOf(sql: SqlReader, place: StatePlace, keys: ForkKeys): StateSide {
  const standing = keys.at(place.pos)
  const base = (type: string, stateKey: string) =>
    standing.has(type, stateKey)
      ? standing.get(type, stateKey)
      : stateRowAt(sql, type, stateKey, place.pos)?.event_id
  return sideOfDeltas(base, deltasOf(sql, place), [...standing.entries()])
}

/** The events at the keys at which the sides differ. */
function conflictedIn(sides: readonly StateSide[]): string[] {
  return conflictOf(sides).eventsBySide.flat()
}

function distinct(places: readonly StatePlace[]): StatePlace[] {
  const known = new Map(places.map((place) => [`${place.pos} ${place.group}`, place]))
  return [...known.values()]
}

/** Whether these are the same states, however often each. */
export function sameStates(some: readonly StatePlace[], others: readonly StatePlace[]): boolean {
  const [a, b] = [distinct(some), distinct(others)]
  return (
    a.length === b.length && a.every(({ pos, group }) => b.some((o) => o.pos === pos && o.group === group))
  )
}

/** What must change in the room's current state for it to be this one. */
export function changesToCurrent(sql: SqlReader, { base, deltas }: WorkedState): StateDelta[] {
  const keys = new ForkKeys(sql, [base], Number.MAX_SAFE_INTEGER)
  const wanted = new StateKeyMap<string | undefined>()
  for (const { type, stateKey, value } of keys.at(base.pos).entries()) wanted.set(type, stateKey, value)
  const standing = keys.at(Number.MAX_SAFE_INTEGER)
  for (const { type, stateKey, eventId } of [...deltasOf(sql, base), ...deltas])
    wanted.set(type, stateKey, eventId)
  const now = (type: string, stateKey: string) =>
    standing.has(type, stateKey) ? standing.get(type, stateKey) : currentStateId(sql, type, stateKey)
  return [...wanted.entries()]
    .map(({ type, stateKey, value }) => ({ type, stateKey, eventId: value }))
    .filter(({ type, stateKey, eventId }) => now(type, stateKey) !== eventId)
}

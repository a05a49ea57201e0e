/** A state that another server told as a list of events. */

import type { StateDelta } from '../../../../src/protocol/state-resolution/conflict.ts'
import { StateKeyMap } from '../../../../src/protocol/state-resolution/state-keys.ts'
import type { RoomReader } from '../../context.ts'
import { FLAGS } from '../../rows/events/flags.ts'
import { standingOf } from '../../rows/events/judged-events.ts'
import type { WorkedState } from '../../rows/federation/states.ts'
import { currentStateIds } from '../../rows/state/state.ts'

/** Events that are looked up at once. */
const AT_ONCE = 500

/** The ids of the state events of a list, by their keys. A rejected event is in no state, and a key has one event. */
export function keysOf({ store }: RoomReader, eventIds: readonly string[]): StateKeyMap<string> {
  const listed = new StateKeyMap<string>()
  for (let from = 0; from < eventIds.length; from += AT_ONCE) {
    const ids = eventIds.slice(from, from + AT_ONCE)
    const rows = standingOf(store.sql, ids)
    for (const eventId of ids) {
      const row = rows.get(eventId)
      if (row === undefined || row.state_key === null || row.flags === FLAGS.rejected) continue
      if (!listed.has(row.type, row.state_key)) listed.set(row.type, row.state_key, eventId)
    }
  }
  return listed
}

/**
 * The list as what differs from the room's current state, so that the common part is not stored again. Undefined where
 * it is no state of this room. All its events must be there.
 */
export function listedState(room: RoomReader, eventIds: readonly string[]): WorkedState | undefined {
  const { store } = room
  const listed = keysOf(room, eventIds)
  if (listed.get('m.room.create', '') !== store.createEvent?.eventId) return undefined
  const deltas: StateDelta[] = []
  const same = new StateKeyMap<true>()
  for (const { type, state_key: stateKey, event_id } of currentStateIds(store.sql)) {
    const eventId = listed.get(type, stateKey)
    if (eventId === event_id) same.set(type, stateKey, true)
    else if (eventId === undefined) deltas.push({ type, stateKey, eventId: undefined })
  }
  for (const { type, stateKey, value } of listed.entries())
    if (!same.has(type, stateKey)) deltas.push({ type, stateKey, eventId: value })
  return { base: { pos: store.positions.last, group: null }, deltas }
}

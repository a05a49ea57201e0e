/** The state before an event, and auth chains, for other servers. Server-Server API §Retrieving state, §Event authorization. */
import type { StateIds, StateIdsRequest } from '../../../../src/objects/room/for-servers.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { heroesFor, needsHeroes } from '../../../../src/protocol/rooms/heroes.ts'
import { type ChainPlace, placesOf, reachOf } from '../../../../src/protocol/state-resolution/auth-chains.ts'
import { StateKeyMap } from '../../../../src/protocol/state-resolution/state-keys.ts'
import type { SqlReader } from '../../../sqlite.ts'
import type { RoomReader } from '../../context.ts'
import { FLAGS } from '../../rows/events/flags.ts'
import { judgedEvent } from '../../rows/events/judged-events.ts'
import { deltasOf, type StatePlace } from '../../rows/federation/state-groups.ts'
import { placeBefore } from '../../rows/federation/states.ts'
import type { RowReader } from '../../rows/reader.ts'
import { StoredChains } from '../../rows/state/auth-chain.ts'
import { stateIdsAt } from '../../rows/state/state.ts'
import { heroCandidates } from '../heroes.ts'
import { noSuchEvent } from './pdus.ts'
import { requireInRoom } from './requester.ts'

const MEMBER = 'm.room.member'

/** @throws MatrixError M_FORBIDDEN to servers outside the room; M_NOT_FOUND where no state is known of the event */
export function stateIdsFor(room: RoomReader, { origin, eventId, forJoiner }: StateIdsRequest): StateIds {
  requireInRoom(room, origin)
  const { sql } = room.store
  const row = judgedEvent(sql, eventId)
  if (row === undefined || row.flags === FLAGS.outlier) throw noSuchEvent()
  const state = wholeState(sql, placeBefore(row))
  const members = forJoiner === undefined ? undefined : namingMembers(room, forJoiner)
  const pduIds = [...state.entries()]
    .filter(({ type, stateKey }) => type !== MEMBER || members === undefined || members.has(stateKey))
    .map(({ value }) => value)
  // Of a join also its own chain: the state that is told may lack the member that vouches for it.
  const from = forJoiner === undefined ? pduIds : [...pduIds, eventId]
  return { pduIds, authChainIds: authChain(room.store, from) }
}

/** Server-Server API §GET /event_auth: the event's own auth chain. @throws MatrixError M_FORBIDDEN, M_NOT_FOUND */
export function authChainFor(room: RoomReader, origin: string, eventId: string): string[] {
  requireInRoom(room, origin)
  if (judgedEvent(room.store.sql, eventId) === undefined) throw noSuchEvent()
  return authChain(room.store, [eventId])
}

/** "The server SHOULD include the member events of the heroes" of a room that would otherwise have no name. */
function namingMembers({ store }: RoomReader, userId: string): ReadonlySet<string> {
  const heroes = needsHeroes(store) ? heroesFor(heroCandidates(store), userId) : []
  return new Set([...heroes, userId])
}

function wholeState(sql: SqlReader, place: StatePlace): StateKeyMap<string> {
  const state = new StateKeyMap<string>()
  for (const { type, state_key, event_id } of stateIdsAt(sql, place.pos)) state.set(type, state_key, event_id)
  for (const { type, stateKey, eventId } of deltasOf(sql, place)) {
    if (eventId === undefined) state.delete(type, stateKey)
    else state.set(type, stateKey, eventId)
  }
  return state
}

/** All that these events rely on, directly or through others; an event is not in its own auth chain. */
function authChain({ sql, rules, roomId }: RowReader, eventIds: readonly string[]): string[] {
  const chains = new StoredChains(sql)
  const starts = eventIds.flatMap((eventId) => [...reliedOn(sql, chains, eventId)])
  const reach = reachOf(chains, starts)
  const found = new Set([...reach].flatMap(([chain, to]) => [...chains.eventsIn({ chain, from: 1, to })]))
  // From version 12 on the room's id cites the create event.
  const create = `$${roomId.slice(1)}`
  if (rules.roomIdIsCreateHash && eventIds.some((eventId) => eventId !== create)) found.add(create)
  return [...found]
}

/** A place of the cover says what the event relies on, without reading the event. Only state events have one. */
function* reliedOn(sql: SqlReader, chains: StoredChains, eventId: string): Generator<ChainPlace> {
  const place = chains.placeOf(eventId)
  if (place === undefined) {
    const row = judgedEvent(sql, eventId)
    if (row !== undefined) yield* placesOf(chains, (JSON.parse(row.pdu) as Pdu).auth_events)
    return
  }
  const { chain, seq } = place
  if (seq > 1) yield { chain, seq: seq - 1 }
  for (const { to } of chains.linksFrom({ chain, from: seq, to: seq })) yield to
}

/** A room of other servers that a local user joins: made from what send_join answered, whole or not at all. */
import type { ReceivedEvent, RemoteJoin } from '../../../../src/objects/room/federation.ts'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { type RoomVersionRules, roomVersion } from '../../../../src/protocol/rooms/room-version.ts'
import type { RoomWriter } from '../../context.ts'
import { FLAGS } from '../../rows/events/flags.ts'
import { flagsOf } from '../../rows/events/judged-events.ts'
import { noteApart } from '../../rows/federation/apart.ts'
import { tellServersFrom } from '../../rows/federation/servers.ts'
import { isAnyStaged, OWN_JOIN, stage, unstageAll } from '../../rows/federation/staged.ts'
import { identifiedEvent } from '../../rows/federation/states.ts'
import { joinedFrom } from '../../rows/members/members.ts'
import { changeState } from '../place.ts'
import { JoinedEvents } from './joined-events.ts'
import { keysOf, listedState } from './listed-state.ts'
import { Merge } from './merge.ts'
import { followedBy, openGaps, placeReceived } from './place-received.ts'
import { Pool, type PooledEvent } from './pool.ts'
import { Settler } from './settler.ts'
import { judge } from './verdict.ts'

/**
 * Takes a part of the answer, inside the caller's transaction; with the last one, makes the room. A room that is
 * there already goes on from the state that came with the join.
 * @throws MatrixError M_UNSUPPORTED_ROOM_VERSION; M_BAD_STATE or M_FORBIDDEN where the join does not stand: nothing is
 * changed then
 */
export function joinRemote(room: RoomWriter, roomId: string, part: RemoteJoin): void {
  const { store } = room
  const rules = roomVersion(part.roomVersion)
  if (rules === undefined) {
    const sentence = `Room version ${part.roomVersion} is not supported`
    throw new MatrixError('M_UNSUPPORTED_ROOM_VERSION', sentence)
  }
  if (part.finish === undefined) {
    for (const event of part.events) stage(store.sql, { ...event, origin: OWN_JOIN, isWanted: false })
    return
  }
  const events = new JoinedEvents(store.sql, part.events)
  const { join, stateIds } = part.finish
  if (store.exists) rejoin(room, events, { join, stateIds })
  else make(room, events, { roomId, rules, join, stateIds })
  if (isAnyStaged(store.sql)) unstageAll(store.sql)
}

/** Keys of the state: the archive takes several batches for more. */
const MOST_AWAITED = 200

interface Joining {
  join: ReceivedEvent
  stateIds: readonly string[]
}

function make(
  room: RoomWriter,
  events: JoinedEvents,
  { roomId, rules, join, stateIds }: Joining & { roomId: string; rules: RoomVersionRules },
): void {
  const { store } = room
  store.initialise(roomId, rules.version)
  requireCreate(events, stateIds, { roomId, rules })
  storeOutliers(room, events)
  const pos = store.positions.next()
  const cause = pooled(join)
  room.isLarge = stateIds.length > MOST_AWAITED
  for (const { type, stateKey, value } of keysOf(room, stateIds).entries()) {
    const event = events.get(value)
    if (event !== undefined) changeState(room, [[type, stateKey, event]], { pos, cause })
  }
  placeJoin(room, cause)
  // The server that answered the join tells the others of it.
  tellServersFrom(store.sql, store.positions.last)
  room.moved = true
}

/** A state of the room is there, and may be old. What came with the join is the newer one. */
function rejoin(room: RoomWriter, events: JoinedEvents, { join, stateIds }: Joining): void {
  const { store } = room
  storeOutliers(room, events)
  const flags = flagsOf(store.sql, [join.eventId]).get(join.eventId)
  if (flags !== undefined && flags !== FLAGS.outlier) return
  const cause = pooled(join)
  const known = flagsOf(store.sql, stateIds)
  const there = stateIds.filter((eventId) => known.has(eventId))
  const before = listedState(room, there)
  if (before === undefined) throw unsound('its state is of another room')
  if (joinedFrom(store.sql, room.serverName, 1).length > 0) {
    receiveJoin(room, cause, there)
    return
  }
  // The extremities do not follow from the events any more.
  noteApart(room)
  // What happened while nobody here was in the room belongs between the two.
  openGaps(room, followedBy(room, cause).missing)
  room.isLarge = before.deltas.length > MOST_AWAITED
  const pos = store.positions.next()
  for (const { type, stateKey, eventId } of before.deltas) {
    const event = identifiedEvent(store.sql, eventId ?? '') ?? null
    changeState(room, [[type, stateKey, event]], { pos, cause })
  }
  store.setExtremities([])
  placeJoin(room, cause)
  room.moved = true
}

/** The room here is no older than elsewhere: the join is one event more. */
function receiveJoin(room: RoomWriter, join: PooledEvent, pduIds: string[]): void {
  const pool = new Pool()
  pool.add([join], OWN_JOIN, true)
  const states = [{ eventId: join.eventId, pduIds, authChainIds: [] }]
  const settler = new Settler(room, pool, { states }, { isBounded: false })
  settler.settle(pool.all[0]!)
  settler.merge.settle()
  const error = settler.done.get(join.eventId)?.error
  if (error !== undefined) throw new MatrixError('M_FORBIDDEN', `The join does not stand here: ${error}`)
}

/** The join stands on the state that came with it, which is the room's own by now. */
function placeJoin(room: RoomWriter, join: PooledEvent): void {
  const { pdu } = join
  const { roomId } = room.store
  const isJoin = pdu.type === 'm.room.member' && pdu.content.membership === 'join'
  if (pdu.room_id !== roomId || !isJoin || !room.isLocal(pdu.sender))
    throw unsound('the join is of another room')
  const { verdict, reason } = judge(room, pdu, undefined)
  if (verdict !== 'accepted') {
    throw new MatrixError(
      'M_FORBIDDEN',
      `The join does not follow from the state that came with it: ${reason}`,
    )
  }
  placeReceived(room, join, undefined, { verdict: 'accepted', merge: new Merge(room) })
}

/** Stores each event after its auth events, and the create event first. Events that cannot be judged are left out. */
function storeOutliers(room: RoomWriter, events: JoinedEvents): void {
  const settler = new Settler(room, events, {}, { isBounded: false })
  for (const event of events.creates()) settler.settleOutlier(event)
  for (const event of events.each()) settler.settleOutlier(event)
}

/** Takes out what else calls itself the create event. @throws MatrixError M_BAD_STATE without the right one */
function requireCreate(
  events: JoinedEvents,
  stateIds: readonly string[],
  { roomId, rules }: { roomId: string; rules: RoomVersionRules },
): void {
  const ids = new Set(stateIds)
  const isIt = ({ eventId, pdu }: PooledEvent) =>
    ids.has(eventId) &&
    pdu.state_key === '' &&
    (rules.roomIdIsCreateHash ? roomId === `!${eventId.slice(1)}` : pdu.room_id === roomId) &&
    (pdu.content.room_version ?? '1') === rules.version
  for (const event of events.creates()) {
    if (!isIt(event)) continue
    events.takeAsCreate(event.eventId)
    return
  }
  throw unsound('its create event is missing, or of another version')
}

function unsound(why: string): MatrixError {
  return new MatrixError('M_BAD_STATE', `The room cannot be joined through this server: ${why}`)
}

function pooled(event: ReceivedEvent): PooledEvent {
  const pdu = JSON.parse(event.json) as Pdu
  return { ...event, pdu, origin: OWN_JOIN, isStaged: false, isWanted: true, isNeeded: false }
}

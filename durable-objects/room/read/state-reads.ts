/** Reading the room's state, as far as the viewer may see it: in slices, since a room may have more than a call carries. */
import type {
  JoinedMembersSlice,
  StateCursor,
  StateRequest,
  StateSlice,
} from '../../../src/objects/room/state.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { type ClientEvent, clientEvent, type Pdu } from '../../../src/protocol/events/event.ts'
import { stringField } from '../../../src/protocol/json-fields.ts'
import { matchesRoomEvent } from '../../../src/protocol/matching/filter.ts'
import type { RoomReader } from '../context.ts'
import { requireJoined } from '../outsiders.ts'
import type { EventRow } from '../rows/events/events.ts'
import type { RowReader } from '../rows/reader.ts'
import type { StateRow } from '../rows/state/state.ts'
import { Budget, PART_LENGTH } from './budget.ts'
import { inFederationFormat } from './reading.ts'
import { parsePlaceToken } from './timeline.ts'
import { Viewer } from './visibility.ts'

const MEMBER = 'm.room.member'
/** Events read at once. */
const BATCH = 50
const BEFORE_ALL = -Number.MAX_SAFE_INTEGER

/** Which of the state's entries are wanted. */
interface Wanted {
  at: number
  /** Only what came into force after this position, but for `members`. */
  since?: number
  only?: string
  /** Of member events, only those of these users. */
  members?: readonly string[]
}

/** An event, and the position at which it came into force. */
interface Placed {
  row: EventRow
  from_pos: number
}

/** The entries in force just after a position, in the order in which they came into force. */
function entriesAt(
  store: RowReader,
  { at, since, only, members }: Wanted,
): Pick<StateRow, 'from_pos' | 'event_id'>[] {
  const entries = store.stateEntries({
    ...(at < store.head && { at }),
    since,
    only,
    ...(members !== undefined && { without: MEMBER }),
  })
  const named = (members ?? []).map((userId) => store.stateRowAt(MEMBER, userId, at))
  const found = named.filter((entry) => entry !== undefined)
  return [...entries, ...found].sort(inOrder)
}

/** All that a join of another server's room brought, or a resolution, came into force at one position. */
function inOrder(
  a: Pick<StateRow, 'from_pos' | 'event_id'>,
  b: Pick<StateRow, 'from_pos' | 'event_id'>,
): number {
  return a.from_pos - b.from_pos || (a.event_id < b.event_id ? -1 : Number(a.event_id > b.event_id))
}

/** The state events in force just after a position, one after another, read only as far as the caller looks. */
export function* stateAt(
  store: RowReader,
  wanted: Wanted,
  { after = BEFORE_ALL, afterEvent }: Omit<StateCursor, 'at'> = {},
): Generator<Placed> {
  const entries = entriesAt(store, wanted).filter(
    ({ from_pos, event_id }) =>
      from_pos > after || (from_pos === after && afterEvent !== undefined && event_id > afterEvent),
  )
  for (let start = 0; start < entries.length; start += BATCH) {
    const batch = entries.slice(start, start + BATCH)
    const rows = store.stateEvents(batch.map(({ event_id }) => event_id))
    for (const { event_id, from_pos } of batch) {
      const row = rows.get(event_id)
      if (row !== undefined) yield { row, from_pos }
    }
  }
}

/** A state event for a client: what it replaced is of no use there. */
export function stateEvent(row: Pick<EventRow, 'event_id' | 'pdu'>, roomId?: string): ClientEvent {
  return clientEvent(row.event_id, JSON.parse(row.pdu) as Pdu, roomId)
}

const stateEventOf = (row: EventRow) => stateEvent(row)

/** A slice of the state, without asking who may see it. */
export function sliceState(
  room: RoomReader,
  request: Omit<StateRequest, 'viewer' | 'at' | 'cursor'>,
  { at, ...from }: StateCursor,
  length = PART_LENGTH,
): StateSlice {
  const { store } = room
  const { filter, membership, notMembership, since, only, members } = request
  const slice: StateSlice = { events: [] }
  if (filter?.types?.length === 0) return slice
  const budget = new Budget(length)
  const except = new Set(request.except)
  let place = from
  for (const { row, from_pos } of stateAt(store, { at, since, only, members }, from)) {
    const bare = store.recall.viewOf(row, 'state', stateEventOf)
    const event = request.format === undefined ? { ...bare, room_id: store.roomId } : bare
    const isWanted =
      !except.has(row.event_id) &&
      (membership === undefined || event.content.membership === membership) &&
      (notMembership === undefined || event.content.membership !== notMembership) &&
      (filter === undefined || matchesRoomEvent(filter, event, store.roomId))
    if (isWanted) {
      if (!budget.takes(row.pdu.length)) {
        slice.next = { at, ...place }
        return slice
      }
      slice.events.push(
        request.format === 'federation' ? inFederationFormat({ pos: row.pos, event }, row).event : event,
      )
    }
    place = { after: from_pos, afterEvent: row.event_id }
  }
  return slice
}

/**
 * Client-Server API §GET /rooms/{roomId}/state and /members: the state now for members, the state at their leave for
 * users that left.
 * @throws MatrixError M_FORBIDDEN outside the room
 */
export function stateFor(room: RoomReader, request: StateRequest): StateSlice {
  const limit = new Viewer(room.store, request.viewer).stateLimit(room.store.head)
  const { cursor } = request
  if (cursor !== undefined) return sliceState(room, request, { ...cursor, at: Math.min(limit, cursor.at) })
  const at = request.at === undefined ? limit : stateBefore(room, parsePlaceToken(request.at))
  return sliceState(room, request, { at: Math.min(limit, at) })
}

/**
 * The position whose state a place stands for. A timeline that begins with the room has a `prev_batch` too, and other
 * servers answer members for it. Before all events there are none, so it stands for the room as its creator came in.
 */
function stateBefore({ store }: RoomReader, place: number): number {
  const at = place - 1
  if (store.stateRowAt('m.room.create', '', at) !== undefined) return at
  const creator = store.stateEvent(store.stateHistory('m.room.create', '')[0]?.event_id ?? '')?.sender
  return creator === undefined ? at : (store.stateHistory(MEMBER, creator)[0]?.from_pos ?? at)
}

/** @throws MatrixError M_FORBIDDEN outside the room, M_NOT_FOUND where the state has no such entry */
export function stateEventFor(room: RoomReader, userId: string, type: string, stateKey: string): ClientEvent {
  const { store } = room
  const limit = new Viewer(store, userId).stateLimit(store.head)
  const entry = store.stateRowAt(type, stateKey, limit)
  const row = entry && store.stateEvent(entry.event_id)
  if (row === undefined) throw new MatrixError('M_NOT_FOUND', 'No such state event')
  return stateEvent(row, store.roomId)
}

/** Client-Server API §GET /rooms/{roomId}/joined_members, a slice of it: for those in the room. */
export function joinedMembersFor(room: RoomReader, userId: string, cursor?: StateCursor): JoinedMembersSlice {
  const { store } = room
  requireJoined(store, userId)
  const { events, next } = stateFor(room, { viewer: userId, only: MEMBER, membership: 'join', cursor })
  const joined = Object.fromEntries(
    events.map((event) => [event.state_key ?? '', shownProfile(event.content)]),
  )
  return { joined, next }
}

/** Null for a field that is not set: other servers always answer both keys, and clients were made against them. */
function shownProfile({ displayname, avatar_url }: ClientEvent['content']) {
  return { display_name: stringField(displayname) ?? null, avatar_url: stringField(avatar_url) ?? null }
}

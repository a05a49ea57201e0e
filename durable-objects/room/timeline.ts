/** Reading the room: its history, single events, its state and its members, each cut to what the viewer may see. */
import type { MessagesAnswer, MessagesRequest, Session } from '../../src/ports.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { type ClientEvent, clientEvent, type Pdu } from '../../src/protocol/event.ts'
import { matchesRoomEvent, type RoomEventFilter } from '../../src/protocol/filter.ts'
import type { RoomContext } from './context.ts'
import type { ShownRow } from './erasure.ts'
import { type Reading, readingOf, shownEvent } from './reading.ts'
import type { EventRow, RoomStore } from './store.ts'
import { Viewer } from './visibility.ts'

/** Rows read at once, and at most in one request: a filter that matches nothing must not read a whole room. */
const LARGEST_BATCH = 100
const SMALLEST_BATCH = 16
const SCAN_LIMIT = 2_000

/** `p<position>`: a place just before the position. */
export function placeToken(pos: number): string {
  return `p${pos}`
}

/** @throws MatrixError M_INVALID_PARAM */
export function parsePlaceToken(token: string): number {
  const pos = /^p(-?\d{1,15})$/.exec(token)?.[1]
  if (pos === undefined) throw new MatrixError('M_INVALID_PARAM', 'Unknown pagination token')
  return Number(pos)
}

export interface Scan {
  rows: ShownRow[]
  /** The place the scan came to, from which to go on; undefined: nothing is left that way. */
  next: number | undefined
}

/** Visible, matching events from a place on, at most `limit`. */
export function scan(
  store: RoomStore,
  viewer: Viewer,
  options: {
    dir: 'f' | 'b'
    from: number
    /** Exclusive (f: pos < to) or inclusive (b: pos >= to) end. */
    to: number
    limit: number
    filter?: RoomEventFilter
    /** Whose messages are left out; "servers must still send state events sent by ignored users". */
    ignored?: readonly string[]
  },
): Scan {
  const rows: ShownRow[] = []
  let place = options.from
  // One more than is wanted tells whether there is more.
  const size = Math.min(LARGEST_BATCH, Math.max(SMALLEST_BATCH, options.limit + 1))
  for (let read = 0; read < SCAN_LIMIT; read += size) {
    const batch =
      options.dir === 'b'
        ? store.eventsBetween(options.to, place, 'newest', size)
        : store.eventsBetween(place, options.to, 'oldest', size)
    for (const row of batch) {
      if (rows.length >= options.limit) return { rows, next: place }
      place = options.dir === 'b' ? row.pos : row.pos + 1
      if (isIgnored(options.ignored, row)) continue
      const shown = viewer.shown(row)
      if (shown !== undefined && matches(options.filter, shown, store.roomId)) rows.push(shown)
    }
    if (batch.length < size) return { rows, next: undefined }
  }
  return { rows, next: place }
}

/** Whether an event is a message of someone whom the viewer ignores. */
export function isIgnored(
  ignored: readonly string[] | undefined,
  event: Pick<EventRow, 'state_key' | 'sender'>,
): boolean {
  return ignored !== undefined && event.state_key === null && ignored.includes(event.sender)
}

function matches(filter: RoomEventFilter | undefined, row: EventRow, roomId: string): boolean {
  if (filter === undefined) return true
  const content = (JSON.parse(row.pdu) as Pdu).content
  return matchesRoomEvent(filter, { type: row.type, sender: row.sender, content }, roomId)
}

/** Client-Server API §GET /rooms/{roomId}/messages. */
export function messages(room: RoomContext, request: MessagesRequest): MessagesAnswer {
  const { store } = room
  const reading = readingOf(room, request.viewer, request.ignored)
  const { viewer, ignored } = reading
  if (!viewer.mayLook(store.head)) throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
  const { dir, limit, filter } = request
  const backwards = dir === 'b'
  const from =
    request.from === undefined ? (backwards ? store.head + 1 : firstPlace()) : parsePlaceToken(request.from)
  const to = request.to === undefined ? (backwards ? firstPlace() : lastPlace()) : parsePlaceToken(request.to)
  const { rows, next } = scan(store, viewer, { dir, from, to, limit, filter, ignored })
  const chunk = rows.map((row) => shownEvent(reading, row))
  const answer: MessagesAnswer = { chunk, start: placeToken(from) }
  if (next !== undefined) answer.end = placeToken(next)
  if (filter?.lazy_load_members) answer.state = sendersOf(reading, rows)
  return answer
}

/** Below every position that backfill will ever give, and above every one that an event will. */
export function firstPlace(): number {
  return -999_999_999_999
}
export function lastPlace(): number {
  return 999_999_999_999
}

/**
 * The member events of those who sent `rows`, as they stood at the newest of these. Always all of them: servers may
 * send what a client has already, and so need not know what that is.
 */
function sendersOf({ room, viewer }: Reading, rows: readonly EventRow[]): ClientEvent[] {
  const { store } = room
  const newest = Math.max(...rows.map((row) => row.pos))
  const at = Math.min(newest, viewer.stateEnd(store.head) ?? newest)
  const senders = new Set(rows.map((row) => row.sender))
  return membersAt(room, senders, at).map((row) => stateEvent(row, store.roomId))
}

/** The member events of these users just after a position. */
export function membersAt(room: RoomContext, userIds: ReadonlySet<string>, pos: number): EventRow[] {
  return [...userIds]
    .map((userId) => room.store.stateRowAt('m.room.member', userId, pos))
    .map((entry) => entry && room.store.event(entry.event_id))
    .filter((row) => row !== undefined)
}

/** A current state event in the form clients see. */
export function currentState(room: RoomContext, type: string, stateKey: string): ClientEvent | undefined {
  const event = room.store.get(type, stateKey)
  return event && clientEvent(event.eventId, event.pdu, room.store.roomId)
}

/** One event; what the viewer may not see is not found (Client-Server API §GET /rooms/{roomId}/event). */
export function eventFor(
  room: RoomContext,
  session: Session,
  eventId: string,
  ignored?: readonly string[],
): ClientEvent {
  const reading = readingOf(room, session, ignored)
  const stored = room.store.event(eventId)
  const row = stored && reading.viewer.shown(stored)
  if (row === undefined) throw new MatrixError('M_NOT_FOUND', 'Event not found')
  return shownEvent(reading, row)
}

/** All state events in force just after a position. */
export function stateAt(store: RoomStore, pos: number, types?: { only?: string; not?: string }): EventRow[] {
  const where =
    types?.only !== undefined ? 'AND s.type = ?' : types?.not !== undefined ? 'AND s.type != ?' : ''
  const bindings = [types?.only ?? types?.not].filter((type) => type !== undefined)
  const inForce =
    pos >= store.head ? 's.to_pos IS NULL' : 's.from_pos <= ? AND (s.to_pos IS NULL OR s.to_pos > ?)'
  const places = pos >= store.head ? [] : [pos, pos]
  return store.sql
    .exec<EventRow>(
      `SELECT e.pos, e.event_id, e.type, e.state_key, e.sender, e.ts, e.depth, e.txn, e.pdu
       FROM state s JOIN events e ON e.event_id = s.event_id WHERE ${inForce} ${where} ORDER BY e.pos`,
      ...places,
      ...bindings,
    )
    .toArray()
}

/** A state event for a client: what it replaced is of no use there. */
export function stateEvent(row: EventRow, roomId?: string): ClientEvent {
  return clientEvent(row.event_id, JSON.parse(row.pdu) as Pdu, roomId)
}

/** Client-Server API §GET /rooms/{roomId}/state: now for members, as it was for those who left. */
export function stateFor(room: RoomContext, userId: string): ClientEvent[] {
  const { store } = room
  const limit = new Viewer(store, userId).stateLimit(store.head)
  return stateAt(store, limit).map((row) => stateEvent(row, store.roomId))
}

/** @throws MatrixError M_FORBIDDEN outside the room, M_NOT_FOUND where the state has no such entry */
export function stateEventFor(
  room: RoomContext,
  userId: string,
  type: string,
  stateKey: string,
): ClientEvent {
  const { store } = room
  const limit = new Viewer(store, userId).stateLimit(store.head)
  const entry = store.stateRowAt(type, stateKey, limit)
  const row = entry && store.event(entry.event_id)
  if (row === undefined) throw new MatrixError('M_NOT_FOUND', 'No such state event')
  return stateEvent(row, store.roomId)
}

/** Client-Server API §GET /rooms/{roomId}/members. */
export function membersFor(
  room: RoomContext,
  userId: string,
  query: { at?: string; membership?: string; notMembership?: string },
): ClientEvent[] {
  const { store } = room
  const limit = new Viewer(store, userId).stateLimit(store.head)
  const at = query.at === undefined ? limit : Math.min(limit, parsePlaceToken(query.at) - 1)
  return stateAt(store, at, { only: 'm.room.member' })
    .map((row) => stateEvent(row, store.roomId))
    .filter(({ content }) => query.membership === undefined || content.membership === query.membership)
    .filter(({ content }) => query.notMembership === undefined || content.membership !== query.notMembership)
}

/** Client-Server API §GET /rooms/{roomId}/joined_members: for those in the room. */
export function joinedMembersFor(
  room: RoomContext,
  userId: string,
): Record<string, { display_name?: string; avatar_url?: string }> {
  const { store } = room
  if (store.member(userId)?.membership !== 'join') {
    // Asking for the rules first tells a room that does not exist from one the user is not in.
    void store.rules
    throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
  }
  const joined: Record<string, { display_name?: string; avatar_url?: string }> = {}
  for (const event of membersFor(room, userId, { membership: 'join' })) {
    const { displayname, avatar_url } = event.content
    const profile: { display_name?: string; avatar_url?: string } = {}
    if (typeof displayname === 'string') profile.display_name = displayname
    if (typeof avatar_url === 'string') profile.avatar_url = avatar_url
    joined[event.state_key ?? ''] = profile
  }
  return joined
}

/** Reading the room: its history, single events, its state and its members, each cut to what the viewer may see. */
import type { MessagesAnswer, MessagesRequest } from '../../../src/objects/room/timeline.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { type ClientEvent, clientEvent, type Pdu } from '../../../src/protocol/events/event.ts'
import { matchesRoomEvent, type RoomEventFilter } from '../../../src/protocol/matching/filter.ts'
import type { RoomReader } from '../context.ts'
import type { EventRow } from '../rows/events/events.ts'
import { gapsBetween } from '../rows/federation/gaps.ts'
import type { RowReader } from '../rows/reader.ts'
import { Budget, shownWithin } from './budget.ts'
import type { ShownRow } from './erasures.ts'
import { type Reading, readingOf } from './reading.ts'
import { shownEvent } from './shown-event.ts'
import type { Viewer } from './visibility.ts'

/** Rows read at once, and at most in one request: a filter that matches nothing must not read a whole room. */
const LARGEST_BATCH = 100
const SMALLEST_BATCH = 16
const SCAN_LIMIT = 2_000
/** Events that one request for history names. */
const MOST_MISSING = 10

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

/** Visible, matching events from a place on, at most `limit`, and no more than an answer holds. */
export function scan(
  store: RowReader,
  viewer: Viewer,
  options: {
    dir: 'f' | 'b'
    from: number
    /** Exclusive (f: pos < to) or inclusive (b: pos >= to) end. */
    to: number
    limit: number
    filter?: RoomEventFilter
    /** Characters of the rows together; one row at least. */
    length?: number
    /** The users whose messages are left out; "servers must still send state events sent by ignored users". */
    ignored?: readonly string[]
  },
): Scan {
  const rows: ShownRow[] = []
  const budget = new Budget(options.length)
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
      const shown = isIgnored(options.ignored, row) ? undefined : viewer.shown(row)
      if (shown !== undefined && matches(options.filter, shown, store)) {
        if (!budget.takes(row.pdu.length)) return { rows, next: place }
        rows.push(shown)
      }
      place = options.dir === 'b' ? row.pos : row.pos + 1
    }
    if (batch.length < size) return { rows, next: undefined }
  }
  return { rows, next: place }
}

/** Whether an event is a message of a user that the viewer ignores. */
export function isIgnored(
  ignored: readonly string[] | undefined,
  event: Pick<EventRow, 'state_key' | 'sender'>,
): boolean {
  return ignored !== undefined && event.state_key === null && ignored.includes(event.sender)
}

function matches(filter: RoomEventFilter | undefined, row: EventRow, store: RowReader): boolean {
  if (filter === undefined) return true
  const { content } = store.recall.viewOf(row, 'parsed', parsed)
  return matchesRoomEvent(filter, { type: row.type, sender: row.sender, content }, store.roomId)
}

const parsed = (row: EventRow) => JSON.parse(row.pdu) as Pdu

/**
 * Client-Server API §GET /rooms/{roomId}/messages. A page may be shorter than was asked for, and says by its `end`
 * where to go on; only an empty page at the end of all has none.
 */
export function messages(room: RoomReader, request: MessagesRequest): MessagesAnswer {
  return messagesIn(readingOf(room, request.viewer, request.ignored), request)
}

/** As `messages`, for a request that has begun to read. */
export function messagesIn(reading: Reading, request: Omit<MessagesRequest, 'viewer'>): MessagesAnswer {
  const { store } = reading.room
  const { viewer, ignored } = reading
  viewer.requireLook(store.head)
  const { dir, limit, filter } = request
  const backwards = dir === 'b'
  const start =
    request.from === undefined ? (backwards ? lastPlace() : firstPlace()) : parsePlaceToken(request.from)
  const from = Math.min(start, store.head + 1)
  const to = request.to === undefined ? (backwards ? firstPlace() : lastPlace()) : parsePlaceToken(request.to)
  const { rows, next } = scan(store, viewer, { dir, from, to, limit, filter, ignored })
  const shown = shownWithin(rows, (row) => shownEvent(reading, row))
  const members = filter?.lazy_load_members ? sendersOf(reading, rows.slice(0, shown.length)) : undefined
  const chunk = shown.slice(0, members?.rows ?? shown.length)
  const answer: MessagesAnswer = { chunk, start: placeToken(from) }
  const last = rows[chunk.length - 1]
  const isWhole = chunk.length === rows.length
  const end = isWhole && next !== undefined ? next : last && (backwards ? last.pos : last.pos + 1)
  if (end !== undefined) answer.end = placeToken(end)
  if (members !== undefined) answer.state = members.events
  const lowest = isWhole && next === undefined ? to : (end ?? to)
  const missing = backwards ? missingIn(store, lowest, from) : []
  if (missing.length > 0) answer.missing = missing
  return answer
}

/** What all of the room's history lacks, as far as one request to another server names it. */
export function missingHistory({ store }: RoomReader): string[] {
  return store.exists ? missingIn(store, firstPlace(), lastPlace()) : []
}

/** What a page of history lacks, as far as one request to another server names it. */
function missingIn(store: RowReader, from: number, to: number): string[] {
  return store.hasGaps ? gapsBetween(store.sql, from, to, MOST_MISSING) : []
}

/** Below every position that backfill will ever give, and above every one that an event will. */
export function firstPlace(): number {
  return -999_999_999_999
}
export function lastPlace(): number {
  return 999_999_999_999
}

/**
 * The member events of the senders of `rows`, as they stood at the newest row, and for how many rows an answer holds
 * them. All of them each time: servers may repeat what a client has, so they need not know what that is.
 */
function sendersOf(
  { room, viewer }: Reading,
  rows: readonly EventRow[],
): { events: ClientEvent[]; rows: number } {
  const { store } = room
  const newest = Math.max(...rows.map((row) => row.pos))
  const at = Math.min(newest, viewer.stateEnd(store.head) ?? newest)
  const budget = new Budget()
  const seen = new Set<string>()
  const events: ClientEvent[] = []
  for (const [index, { sender }] of rows.entries()) {
    if (seen.has(sender)) continue
    seen.add(sender)
    for (const member of membersAt(room, [sender], at)) {
      if (!budget.takes(member.pdu.length)) return { events, rows: index }
      events.push(clientEvent(member.event_id, JSON.parse(member.pdu) as Pdu, store.roomId))
    }
  }
  return { events, rows: rows.length }
}

/** The member events of these users just after a position. */
export function membersAt(room: RoomReader, userIds: Iterable<string>, pos: number): EventRow[] {
  return [...userIds]
    .map((userId) => room.store.stateRowAt('m.room.member', userId, pos))
    .map((entry) => entry && room.store.stateEvent(entry.event_id))
    .filter((row) => row !== undefined)
}

/** A current state event in the form clients see. */
export function currentState(room: RoomReader, type: string, stateKey: string): ClientEvent | undefined {
  const event = room.store.get(type, stateKey)
  return event && clientEvent(event.eventId, event.pdu, room.store.roomId)
}

/** One event; what the viewer may not see is not found (Client-Server API §GET /rooms/{roomId}/event). */
export function eventFor(
  room: RoomReader,
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

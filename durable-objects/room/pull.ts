/** A room's part of one user's sync: everything they may see after the position their token stands at. */
import type { PullRequest, RoomSlice } from '../../src/ports.ts'
import type { ClientEvent } from '../../src/protocol/event.ts'
import { hidesState, matchesRoomEvent, type RoomEventFilter } from '../../src/protocol/filter.ts'
import { heroesFor, needsHeroes, SUMMARY_TYPES } from '../../src/protocol/heroes.ts'
import { first } from '../sqlite.ts'
import type { RoomContext } from './context.ts'
import { deviceMarksFor } from './device-marks.ts'
import type { ShownRow } from './erasure.ts'
import { heroCandidates } from './heroes.ts'
import { inFederationFormat, readingOf, viewedEvent } from './reading.ts'
import { receiptsFor } from './receipts.ts'
import type { EventRow, RoomStore } from './store.ts'
import { membersAt, placeToken, scan, stateAt, stateEvent } from './timeline.ts'
import type { Typing } from './typing.ts'
import { unreadFor } from './unread.ts'
import { Viewer } from './visibility.ts'

/** The answer to one pull; reads only. */
export function pull(room: RoomContext, typing: Typing, asked: PullRequest): RoomSlice {
  const { store } = room
  // A place that was never given here is of a room that was restored since: what the client has does not join on.
  const isGap = asked.since > store.positions.last
  const request = isGap ? { ...asked, since: 0, fullState: true } : asked
  const member = store.member(request.userId)
  const membership = member?.membership ?? null
  const joined = membership === 'join'
  const head = joined ? Math.max(store.head, typing.pos) : (member?.sincePos ?? 0)
  const slice: RoomSlice = { membership, head, events: [], limited: false, state: [] }
  if (member === undefined) return slice
  const rows = readTimeline(room, request, head, slice)
  if (isGap) slice.limited = true
  if (joined) readSummary(room, request, slice)
  readState(room, request, head, rows, slice)
  if (joined && typing.pos > request.since) slice.typing = typing.users()
  if (joined) readReceipts(room, request, slice)
  const devices = deviceMarksFor(store, request, { joined, head })
  if (devices !== undefined) slice.devices = devices
  return slice
}

/** Receipts that are news, and what they leave unread. */
function readReceipts(room: RoomContext, request: PullRequest, slice: RoomSlice): void {
  const { userId, since, unread } = request
  const receipts = receiptsFor(room.store, userId, request.fullState ? 0 : since)
  if (receipts.length > 0) slice.receipts = receipts
  if (unread !== undefined && unread.counted !== slice.head) slice.unread = unreadFor(room, request, unread)
}

function readTimeline(room: RoomContext, request: PullRequest, head: number, slice: RoomSlice): ShownRow[] {
  const { store } = room
  // Events inside aggregations show no transaction id: no device is known here.
  const reading = readingOf(room, { userId: request.userId, deviceId: '' }, request.ignored)
  const { rows: found, next } = scan(store, reading.viewer, {
    dir: 'b',
    from: head + 1,
    to: request.since + 1,
    limit: request.timelineLimit,
    filter: request.filter?.timeline,
    ignored: request.ignored,
  })
  found.reverse()
  const rows = behindHiddenState(store, reading.viewer, found)
  // The scan stops at the limit before it knows whether anything visible is left.
  slice.limited = rows.length < found.length || (next !== undefined && hasMore(room, request, next))
  // Without a gap the client has all children itself.
  const viewed = rows.map((row) => viewedEvent(reading, row, slice.limited))
  slice.events = request.federationFormat
    ? viewed.map((event, i) => inFederationFormat(event, rows[i] as ShownRow))
    : viewed
  const firstPos = rows[0]?.pos ?? head + 1
  if (slice.limited || rows.length > 0) slice.prevBatch = placeToken(firstPos)
  return rows
}

/**
 * The part of a member's timeline that follows on the state given before it. History from before the join may have
 * holes: what state was set in one, such as the room's encryption, no timeline across it would tell.
 */
function behindHiddenState(store: RoomStore, viewer: Viewer, rows: ShownRow[]): ShownRow[] {
  const start = rows[0]?.pos
  const joinedAt = viewer.lastStayFrom
  if (start === undefined || joinedAt === undefined || start >= joinedAt) return rows
  const hidden = store.sql
    .exec<Pick<EventRow, 'pos' | 'type' | 'state_key'>>(
      `SELECT from_pos AS pos, type, state_key FROM state WHERE from_pos > ? AND from_pos < ?
       ORDER BY from_pos DESC`,
      start,
      joinedAt,
    )
    .toArray()
    // How the member's own standing was between, their join tells.
    .find((entry) => !isOwnMembership(entry, viewer.userId) && !viewer.maySee(entry))
  return hidden === undefined ? rows : rows.filter((row) => row.pos > hidden.pos)
}

function isOwnMembership({ type, state_key }: Pick<EventRow, 'type' | 'state_key'>, userId: string): boolean {
  return type === 'm.room.member' && state_key === userId
}

function hasMore(room: RoomContext, request: PullRequest, place: number): boolean {
  const { rows, next } = scan(room.store, new Viewer(room.store, request.userId), {
    dir: 'b',
    from: place,
    to: request.since + 1,
    limit: 1,
    filter: request.filter?.timeline,
    ignored: request.ignored,
  })
  return rows.length > 0 || next !== undefined
}

/**
 * State from before the timeline: all of it at first sight, else what changed in the part the timeline leaves out.
 * With `stateAfter`, the same up to the timeline's end.
 */
function readState(
  room: RoomContext,
  request: PullRequest,
  head: number,
  timeline: readonly EventRow[],
  slice: RoomSlice,
): void {
  const { store } = room
  const limit = new Viewer(store, request.userId).stateEnd(head)
  if (limit === undefined) return
  const start = timeline[0]?.pos
  const upToEnd = request.stateAfter || start === undefined || hidesState(request.filter?.timeline)
  const end = Math.min(limit, upToEnd ? head : start - 1)
  const filter = request.filter?.state
  const rows = request.fullState
    ? fullState(room, request, end, timeline)
    : [...changedState(room, request.since, end), ...lazyMembers(room, request, timeline, slice, end)]
  const seen = new Set(request.stateAfter ? [] : timeline.map((row) => row.event_id))
  for (const row of rows) {
    if (seen.has(row.event_id)) continue
    seen.add(row.event_id)
    const event = stateEvent(row)
    if (!matchesState(filter, event, store.roomId)) continue
    slice.state.push(
      request.federationFormat ? inFederationFormat({ pos: row.pos, event }, row).event : event,
    )
  }
}

function matchesState(filter: RoomEventFilter | undefined, event: ClientEvent, roomId: string): boolean {
  return filter === undefined || matchesRoomEvent(filter, event, roomId)
}

/** Lazy loading keeps the members of the timeline's senders, of the heroes, and the viewer's own (FLT1). */
function fullState(
  room: RoomContext,
  request: PullRequest,
  end: number,
  timeline: readonly EventRow[],
): EventRow[] {
  if (!request.filter?.state?.lazy_load_members) return stateAt(room.store, end)
  const wanted = new Set([
    request.userId,
    ...heroesOf(room.store, request.userId),
    ...timeline.map((event) => event.sender),
  ])
  return [...stateAt(room.store, end, { not: 'm.room.member' }), ...membersAt(room, wanted, end)]
}

function lazyMembers(
  room: RoomContext,
  request: PullRequest,
  timeline: readonly EventRow[],
  { heroes = [] }: RoomSlice,
  end: number,
): EventRow[] {
  if (!request.filter?.state?.lazy_load_members) return []
  return membersAt(room, new Set([...timeline.map((event) => event.sender), ...heroes]), end)
}

/** Entries that came into force in (since, end] and still stand at `end`. */
function changedState(room: RoomContext, since: number, end: number): EventRow[] {
  return room.store.sql
    .exec<EventRow>(
      `SELECT e.pos, e.event_id, e.type, e.state_key, e.sender, e.ts, e.depth, e.txn, e.pdu
       FROM state s JOIN events e ON e.event_id = s.event_id
       WHERE s.from_pos > ? AND s.from_pos <= ? AND (s.to_pos IS NULL OR s.to_pos > ?) ORDER BY s.from_pos`,
      since,
      end,
      end,
    )
    .toArray()
}

/** Counts and heroes when they may have changed (Client-Server API §GET /sync, RoomSummary). */
function readSummary({ store }: RoomContext, request: PullRequest, slice: RoomSlice): void {
  if (!request.fullState && !summaryChanged(store.sql, request.since)) return
  slice.counts = store.counts
  if (needsHeroes(store)) slice.heroes = heroesOf(store, request.userId)
}

function summaryChanged(sql: SqlStorage, since: number): boolean {
  const types = JSON.stringify([...SUMMARY_TYPES])
  const query =
    'SELECT 1 AS changed FROM state WHERE from_pos > ? AND type IN (SELECT value FROM json_each(?)) LIMIT 1'
  return first(sql, query, since, types) !== undefined
}

function heroesOf(store: RoomStore, userId: string): string[] {
  return needsHeroes(store) ? heroesFor(heroCandidates(store), userId) : []
}

/** A room's part of one user's sync: everything they may see after the position their token stands at. */
import type { PullRequest, RoomSlice } from '../../src/ports.ts'
import type { ClientEvent } from '../../src/protocol/event.ts'
import { matchesRoomEvent, type RoomEventFilter } from '../../src/protocol/filter.ts'
import { timelineEvent } from './client-events.ts'
import type { RoomContext } from './context.ts'
import type { EventRow } from './store.ts'
import { placeToken, scan, stateAt, stateEvent } from './timeline.ts'
import type { Typing } from './typing.ts'
import { Viewer } from './visibility.ts'

/** Client-Server API §Room Summary: at most five heroes. */
const HEROES = 5

/** The answer to one pull; reads only. */
export function pull(room: RoomContext, typing: Typing, request: PullRequest): RoomSlice {
  const { store } = room
  const member = store.member(request.userId)
  const membership = member?.membership ?? null
  const joined = membership === 'join'
  const head = joined ? Math.max(store.head, typing.pos) : (member?.sincePos ?? 0)
  const slice: RoomSlice = { membership, head, events: [], limited: false, state: [] }
  if (member === undefined) return slice
  const rows = readTimeline(room, request, head, slice)
  readState(room, request, head, rows, slice)
  if (joined && typing.pos > request.since) slice.typing = typing.users()
  if (joined) readSummary(room, request, slice)
  return slice
}

function readTimeline(room: RoomContext, request: PullRequest, head: number, slice: RoomSlice): EventRow[] {
  const { store } = room
  const { rows, next } = scan(store, new Viewer(store, request.userId), {
    dir: 'b',
    from: head + 1,
    to: request.since + 1,
    limit: request.timelineLimit,
    filter: request.filter?.timeline,
  })
  rows.reverse()
  slice.events = rows.map((row) => timelineEvent(store, row))
  // The scan stops at the limit before it knows whether anything visible is left.
  slice.limited = next !== undefined && hasMore(room, request, next)
  const firstPos = rows[0]?.pos ?? head + 1
  if (slice.limited || rows.length > 0) slice.prevBatch = placeToken(firstPos)
  return rows
}

function hasMore(room: RoomContext, request: PullRequest, place: number): boolean {
  const { rows, next } = scan(room.store, new Viewer(room.store, request.userId), {
    dir: 'b',
    from: place,
    to: request.since + 1,
    limit: 1,
    filter: request.filter?.timeline,
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
  const end = Math.min(limit, request.stateAfter || start === undefined ? head : start - 1)
  const filter = request.filter?.state
  const rows = request.fullState
    ? fullState(room, request, end, timeline)
    : [...changedState(room, request.since, end), ...lazyMembers(room, request, timeline, end)]
  const seen = new Set<string>()
  for (const row of rows) {
    if (seen.has(row.event_id)) continue
    seen.add(row.event_id)
    const event = stateEvent(row)
    if (matchesState(filter, event, store.roomId)) slice.state.push(event)
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
  const wanted = new Set([request.userId, ...heroes(room, request.userId), ...timeline.map((e) => e.sender)])
  return [...stateAt(room.store, end, { not: 'm.room.member' }), ...membersAt(room, wanted, end)]
}

function lazyMembers(
  room: RoomContext,
  request: PullRequest,
  timeline: readonly EventRow[],
  end: number,
): EventRow[] {
  if (!request.filter?.state?.lazy_load_members) return []
  return membersAt(room, new Set(timeline.map((event) => event.sender)), end)
}

function membersAt(room: RoomContext, userIds: ReadonlySet<string>, pos: number): EventRow[] {
  return [...userIds]
    .map((userId) => room.store.stateRowAt('m.room.member', userId, pos))
    .map((entry) => entry && room.store.event(entry.event_id))
    .filter((row) => row !== undefined)
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
function readSummary(room: RoomContext, request: PullRequest, slice: RoomSlice): void {
  const changed = slice.events.some(({ event }) => event.type === 'm.room.member')
  if (!request.fullState && !changed && !slice.limited) return
  slice.counts = room.store.counts
  slice.heroes = heroes(room, request.userId)
}

function heroes(room: RoomContext, userId: string): string[] {
  const { store } = room
  const present = [...store.membersWith('join', HEROES + 1), ...store.membersWith('invite', HEROES + 1)]
  const gone = () => [...store.membersWith('leave', HEROES + 1), ...store.membersWith('ban', HEROES + 1)]
  const others = present.filter((other) => other !== userId)
  return (others.length > 0 ? others : gone().filter((other) => other !== userId)).slice(0, HEROES)
}

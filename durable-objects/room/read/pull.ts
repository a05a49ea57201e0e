/** A room's part of one user's sync: everything they may see after the position their token stands at. */
import type { StateRequest } from '../../../src/objects/room/state.ts'
import type { PullRequest, RoomSlice, TimelineEvent } from '../../../src/objects/room/sync.ts'
import type { ClientEvent } from '../../../src/protocol/events/event.ts'
import { hidesState, matchesRoomEvent } from '../../../src/protocol/matching/filter.ts'
import { heroesFor, needsHeroes, SUMMARY_TYPES } from '../../../src/protocol/rooms/heroes.ts'
import { StateKeyMap } from '../../../src/protocol/state-resolution/state-keys.ts'
import type { RoomReader } from '../context.ts'
import type { EventRow } from '../rows/events/events.ts'
import { highestGap } from '../rows/federation/gaps.ts'
import { deviceMarksFor } from '../rows/members/device-marks.ts'
import { profileMarksFor } from '../rows/members/profile-marks.ts'
import { receiptsFor } from '../rows/members/receipts.ts'
import type { Typing } from '../rows/members/typing.ts'
import type { RowReader } from '../rows/reader.ts'
import { isAnySetAfter, membersSetBetween, stateSetBetween } from '../rows/state/state.ts'
import { SYNC_PART_LENGTH, shownWithin } from './budget.ts'
import { cardOf } from './card.ts'
import type { ShownRow } from './erasures.ts'
import { heroCandidates } from './heroes.ts'
import { inFederationFormat, type Reading, readingOf } from './reading.ts'
import { viewedEvent } from './shown-event.ts'
import { sliceState, stateEvent } from './state-reads.ts'
import { placeToken, scan } from './timeline.ts'
import { unreadFor } from './unread.ts'
import type { Viewer } from './visibility.ts'

/** The answer to one pull; reads only. */
export function pull(room: RoomReader, typing: Typing, asked: PullRequest): RoomSlice {
  const { store } = room
  // A place that was never given here is from before the room was restored: what the client has does not join on.
  const isGap = asked.since > store.positions.last
  const request = isGap ? { ...asked, since: 0, fullState: true } : asked
  const member = store.member(request.userId)
  const membership = member?.membership ?? null
  const joined = membership === 'join'
  const head = joined ? Math.max(store.head, typing.pos) : (member?.sincePos ?? 0)
  const prevBatch = placeToken(head + 1)
  const slice: RoomSlice = { membership, head, events: [], limited: false, prevBatch, state: [] }
  if (member === undefined) return slice
  // Events inside aggregations show no transaction id: no device is known here.
  const reading = readingOf(room, { userId: request.userId, deviceId: '' }, request.ignored)
  const rows = readTimeline(reading, request, head, slice)
  if (isGap) slice.limited = true
  if (joined) readSummary(room, request, slice)
  readState(reading, request, head, rows, slice)
  if (!joined) addOwnMembership(room, request, member.eventId, slice)
  if (joined && typing.pos > request.since) slice.typing = typing.users()
  if (joined) readReceipts(room, request, slice)
  const devices = deviceMarksFor(store, request, { joined, head })
  if (devices !== undefined) slice.devices = devices
  const profiles = joined ? profileMarksFor(store, request, head) : undefined
  if (profiles !== undefined) slice.profiles = profiles
  if (request.card) slice.card = cardOf(room)
  return slice
}

/** Receipts that are news, and what they leave unread. */
function readReceipts(room: RoomReader, request: PullRequest, slice: RoomSlice): void {
  const { userId, since, unread } = request
  const receipts = receiptsFor(room.store, userId, request.fullState ? 0 : since)
  if (receipts.length > 0) slice.receipts = receipts
  if (unread !== undefined && unread.counted !== slice.head) slice.unread = unreadFor(room, request, unread)
}

function readTimeline(reading: Reading, request: PullRequest, head: number, slice: RoomSlice): ShownRow[] {
  const { store } = reading.room
  const start = timelineStart(request)
  const { rows: found, next } = scan(store, reading.viewer, {
    dir: 'b',
    from: head + 1,
    to: start,
    limit: request.timelineLimit,
    filter: request.filter?.timeline,
    ignored: request.ignored,
    length: SYNC_PART_LENGTH,
  })
  found.reverse()
  // A timeline has no holes: it begins after a gap, and the client fetches from there what is missing.
  const newest = found.at(-1)?.pos
  const gap = newest === undefined || !store.hasGaps ? undefined : highestGap(store.sql, start, newest - 1)
  const joined = gap === undefined ? found : found.filter(({ pos }) => pos > gap)
  const whole = behindHiddenState(store, reading.viewer, joined)
  const rows = request.stateAfter ? whole : behindLostState(store, whole)
  // The scan stops at the limit before it knows whether anything visible is left.
  slice.limited =
    gap !== undefined || rows.length < found.length || (next !== undefined && hasMore(reading, request, next))
  slice.events = viewedEvents(reading, request, rows, slice.limited)
  if (slice.events.length < rows.length) {
    slice.limited = true
    slice.events = viewedEvents(reading, request, rows, true)
  }
  const shown = rows.slice(rows.length - slice.events.length)
  if (shown[0] !== undefined) slice.prevBatch = placeToken(shown[0].pos)
  return shown
}

/** The newest of these events, as many as an answer holds. Without a gap the client has all children itself. */
function viewedEvents(
  reading: Reading,
  { federationFormat }: PullRequest,
  rows: readonly ShownRow[],
  limited: boolean,
): TimelineEvent[] {
  const view = (row: ShownRow) => {
    const viewed = viewedEvent(reading, row, limited)
    return federationFormat ? inFederationFormat(viewed, row) : viewed
  }
  return shownWithin(rows.toReversed(), view, SYNC_PART_LENGTH).reverse()
}

/**
 * The part of a member's timeline that follows on the state given before it. History from before the join may have
 * holes: a timeline across one would not tell of state that was set in it, such as the room's encryption. */
function behindHiddenState(store: RowReader, viewer: Viewer, rows: ShownRow[]): ShownRow[] {
  const start = rows[0]?.pos
  const joinedAt = viewer.lastStayFrom
  if (start === undefined || joinedAt === undefined || start >= joinedAt) return rows
  const hidden = stateSetBetween(store.sql, start, joinedAt)
    // The member's own membership in between is told by their join.
    .find((entry) => !isOwnMembership(entry, viewer.userId) && !viewer.maySee(entry))
  return hidden === undefined ? rows : rows.filter((row) => row.pos > hidden.pos)
}

/**
 * The part of a timeline after which the state is what a client makes of its events. A client takes each state event for
 * what stands from then on, and one that a resolution refused, or took back, does not stand.
 */
function behindLostState(store: RowReader, rows: ShownRow[]): ShownRow[] {
  if (!store.isBranched) return rows
  const seen = new StateKeyMap<true>()
  const lost = rows.findLastIndex(({ type, state_key: key, event_id }) => {
    if (key === null || seen.has(type, key)) return false
    seen.set(type, key, true)
    return store.get(type, key)?.eventId !== event_id
  })
  return rows.slice(lost + 1)
}

function isOwnMembership({ type, state_key }: Pick<EventRow, 'type' | 'state_key'>, userId: string): boolean {
  return type === 'm.room.member' && state_key === userId
}

function timelineStart({ since, timelineSince = since }: PullRequest): number {
  return timelineSince + 1
}

function hasMore({ room, viewer }: Reading, request: PullRequest, place: number): boolean {
  const { rows, next } = scan(room.store, viewer, {
    dir: 'b',
    from: place,
    to: timelineStart(request),
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
  { room, viewer }: Reading,
  request: PullRequest,
  head: number,
  timeline: readonly ShownRow[],
  slice: RoomSlice,
): void {
  const { userId, filter, stateAfter, fullState, federationFormat } = request
  const limit = viewer.stateEnd(head)
  if (limit === undefined) return
  const start = timeline[0]?.pos
  const upToEnd = stateAfter || start === undefined || hidesState(filter?.timeline)
  const end = Math.min(limit, upToEnd ? head : start - 1)
  const wanted: StateRequest = {
    viewer: userId,
    filter: filter?.state,
    format: federationFormat ? 'federation' : 'sync',
    ...(!fullState && { since: request.since }),
    ...(!stateAfter && { except: timeline.map((row) => row.event_id) }),
    ...(filter?.state?.lazy_load_members && { members: lazyMembers(room, request, timeline, slice, end) }),
  }
  const { events, next } = sliceState(room, wanted, { at: end }, SYNC_PART_LENGTH)
  /** Adds the state that a resolution moved: no event of the timeline tells of it. */
  const withMoved = (before: ClientEvent[]): ClientEvent[] => {
    const moved = sliceState(room, { ...wanted, since: end }, { at: Math.min(limit, head) }, SYNC_PART_LENGTH)
    const keys = new StateKeyMap<true>()
    for (const { type, state_key: key = '' } of moved.events) keys.set(type, key, true)
    return [...before.filter(({ type, state_key: key = '' }) => !keys.has(type, key)), ...moved.events]
  }
  slice.state = upToEnd || !room.store.isBranched ? events : withMoved(events)
  if (next !== undefined) slice.rest = { ...wanted, cursor: next }
}

/**
 * The viewer's membership in a room that they are not in. The state always tells it, whatever hides the timeline, and
 * also to viewers that were never shown the state; but state from before the timeline does not repeat the timeline.
 */
function addOwnMembership(room: RoomReader, request: PullRequest, eventId: string, slice: RoomSlice): void {
  const row = room.store.stateEvent(eventId)
  const isTold = !request.stateAfter && slice.events.some(({ event }) => event.event_id === eventId)
  if (row === undefined || isTold) return
  const event = stateEvent(row)
  if (!matchesRoomEvent(request.filter?.state, event, room.store.roomId)) return
  // Where the membership is newer than the state that is shown, as after a ban has ended, the older one is left out.
  slice.state = slice.state.filter(
    ({ type, state_key }) => type !== event.type || state_key !== event.state_key,
  )
  slice.state.push(request.federationFormat ? inFederationFormat({ pos: row.pos, event }, row).event : event)
}

/**
 * Lazy loading keeps the members of the timeline's senders, of the heroes, and at first sight the viewer's own (FLT1);
 * later also those that changed. The user's object knows which of these a device has already.
 */
function lazyMembers(
  room: RoomReader,
  { userId, fullState, since, members = [] }: PullRequest,
  timeline: readonly ShownRow[],
  { heroes = [] }: RoomSlice,
  end: number,
): string[] {
  const senders = timeline.map((row) => row.sender)
  const others = fullState
    ? [userId, ...members, ...heroesOf(room.store, userId)]
    : [...heroes, ...membersSetBetween(room.store.sql, since, end)]
  return [...new Set([...senders, ...others])]
}

/** Counts and heroes when they may have changed (Client-Server API §GET /sync, RoomSummary). */
function readSummary({ store }: RoomReader, request: PullRequest, slice: RoomSlice): void {
  if (!request.fullState && !isAnySetAfter(store.sql, SUMMARY_TYPES, request.since)) return
  slice.counts = store.counts
  if (needsHeroes(store)) slice.heroes = heroesOf(store, request.userId)
}

function heroesOf(store: RowReader, userId: string): string[] {
  return needsHeroes(store) ? heroesFor(heroCandidates(store), userId) : []
}

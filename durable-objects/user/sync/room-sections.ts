/** One room's part of a sync answer, from a Room's slice or from the increments that wakes brought. */
import type { Increment, RoomSlice, TimelineEvent, UnreadEvent } from '../../../src/objects/room/sync.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { ClientEvent } from '../../../src/protocol/events/event.ts'
import { objectField } from '../../../src/protocol/json-fields.ts'
import {
  eventWithFields,
  type Filter,
  hidesState,
  matchesRoomEvent,
  timelineLimit,
} from '../../../src/protocol/matching/filter.ts'
import { heroesFor } from '../../../src/protocol/rooms/heroes.ts'
import { isIgnored } from '../../../src/protocol/rooms/ignored-users.ts'
import { forViewer } from '../../for-viewer.ts'
import { ephemeralEvents } from './ephemeral.ts'
import { unreadFields } from './unread.ts'

/** What a sync asks for, the same for every room. */
export interface SyncQuery {
  session: Session
  filter: Filter | undefined
  fullState: boolean
  stateAfter: boolean
  /** Whose messages and typing are not shown. */
  ignored?: ReadonlySet<string>
}

/** The news of joined increments after `since`, as the Room itself would have answered a pull. */
export function sliceOf(
  increments: readonly Increment[],
  since: number,
  query: SyncQuery,
  roomId: string,
): RoomSlice {
  const room = query.filter?.room
  const events = increments.flatMap((increment) => increment.events).filter((event) => event.pos > since)
  const matching = events.filter(
    ({ event }) => matchesRoomEvent(room?.timeline, event, roomId) && !isIgnored(query.ignored, event),
  )
  const limit = timelineLimit(query.filter)
  const timeline = limit === 0 ? [] : matching.slice(-limit)
  const slice: RoomSlice = {
    membership: 'join',
    head: increments.at(-1)?.to ?? since,
    events: timeline,
    limited: timeline.length < matching.length,
    prevBatch: '',
    state: [],
  }
  const firstPos = timeline[0]?.pos
  slice.prevBatch = `p${firstPos ?? slice.head + 1}`
  const upToEnd = query.stateAfter || firstPos === undefined || hidesState(room?.timeline)
  const stateEnd = upToEnd ? slice.head : firstPos - 1
  addSummary(increments, query, slice)
  const lazy = room?.state?.lazy_load_members === true
  const inTimeline = new Set(query.stateAfter ? [] : timeline.map(({ event }) => event.event_id))
  slice.state = stateOf(increments, events, stateEnd, slice, lazy)
    .filter((event) => matchesRoomEvent(room?.state, event, roomId) && !inTimeline.has(event.event_id))
    .map(withoutUnsigned)
  const typing = increments.findLast((increment) => increment.typing !== undefined)?.typing
  if (typing !== undefined) slice.typing = typing
  slice.receipts = increments.flatMap(({ receipts = [] }) => receipts).filter(({ pos }) => pos > since)
  const marks = increments.flatMap(({ devices = [] }) => devices)
  slice.devices = {
    changed: marks.flatMap(({ changed }) => changed).filter(({ pos }) => pos > since),
    left: marks.flatMap(({ left }) => left).filter(({ pos }) => pos > since),
  }
  return slice
}

function addSummary(increments: readonly Increment[], { session }: SyncQuery, slice: RoomSlice): void {
  const last = increments.findLast((increment) => increment.counts !== undefined)
  if (last?.counts === undefined) return
  slice.counts = last.counts
  if (last.heroes !== undefined) slice.heroes = heroesFor(last.heroes, session.userId)
}

/** State events up to `end`, the newest of each key; with lazy loading also the timeline's senders, and the heroes. */
function stateOf(
  increments: readonly Increment[],
  events: readonly TimelineEvent[],
  end: number,
  { events: timeline, heroes = [] }: RoomSlice,
  lazy: boolean,
): ClientEvent[] {
  const newest = new Map<string, ClientEvent>()
  for (const { event, pos } of events) {
    if (event.state_key !== undefined && pos <= end) newest.set(`${event.type}\n${event.state_key}`, event)
  }
  if (!lazy) return [...newest.values()]
  const wanted = new Set([...timeline.map(({ event }) => event.sender), ...heroes])
  const inTimeline = new Set(timeline.map(({ event }) => event.event_id))
  for (const member of increments.flatMap((increment) => increment.members)) {
    const key = `${member.type}\n${member.state_key}`
    if (wanted.has(member.state_key ?? '') && !newest.has(key) && !inTimeline.has(member.event_id)) {
      newest.set(key, member)
    }
  }
  return [...newest.values()]
}

function withoutUnsigned({ unsigned: _, ...event }: ClientEvent): ClientEvent {
  return event
}

/**
 * A room under `rooms.join` or `rooms.leave` (Client-Server API §GET /sync).
 * @returns undefined where nothing in it would be news
 */
export function roomSection(
  slice: RoomSlice,
  query: SyncQuery,
  now: number,
  options: {
    roomId: string
    first: boolean
    accountData: JsonObject[]
    unread?: readonly UnreadEvent[] | undefined
  },
): JsonObject | undefined {
  const { filter, session } = query
  const select = (event: ClientEvent) => eventWithFields(event, filter?.event_fields)
  const timeline: JsonObject = {
    events: slice.events.map((event) => select(forViewer(event, session, now))),
    limited: slice.limited,
    prev_batch: slice.prevBatch,
  }
  const passing = ephemeralEvents(slice, query, options.roomId)
  // A receipt of the user's own changes the counts, even where the client does not want to see receipts.
  const hasRead = slice.receipts?.some(({ userId }) => userId === session.userId) === true
  const accountData = wantedData(options.accountData, query, options.roomId)
  const hasNews =
    options.first ||
    slice.events.length > 0 ||
    slice.limited ||
    slice.state.length > 0 ||
    passing.length > 0 ||
    hasRead
  if (!hasNews) return ownDataSection(accountData, slice.prevBatch, options.unread, filter)
  const state = { events: slice.state.map(select) }
  const section: JsonObject = { timeline }
  if (query.stateAfter) {
    // MSC4222: stable since 1.16, but today's clients read the unstable name.
    section.state_after = state
    section['org.matrix.msc4222.state_after'] = state
  } else {
    section.state = state
  }
  section.account_data = { events: accountData }
  if (slice.membership !== 'join') return section
  section.ephemeral = { events: passing }
  section.summary = summary(slice)
  return { ...section, ...unreadFields(options.unread, filter) }
}

/** A room in which nothing but the user's own data has changed; undefined where that has not either. */
export function ownDataSection(
  accountData: JsonObject[],
  prevBatch: string,
  unread: readonly UnreadEvent[] | undefined,
  filter: Filter | undefined,
): JsonObject | undefined {
  if (accountData.length === 0) return undefined
  // Clients page back from `prev_batch` wherever a room is shown.
  const timeline = { events: [], limited: false, prev_batch: prevBatch }
  return { timeline, account_data: { events: accountData }, ...unreadFields(unread, filter) }
}

/** The account data of a room that a client wants. */
export function wantedData(
  events: JsonObject[],
  { filter, session }: SyncQuery,
  roomId: string,
): JsonObject[] {
  return events.filter((event) =>
    matchesRoomEvent(filter?.room?.account_data, ownData(event, session.userId), roomId),
  )
}

/** Account data has no sender: it counts as the user's own. */
function ownData({ type, content }: JsonObject, sender: string) {
  return { type: String(type), sender, content: objectField(content) ?? {} }
}

function summary({ counts, heroes }: RoomSlice): JsonObject {
  const result: JsonObject = {}
  if (counts !== undefined) {
    result['m.joined_member_count'] = counts.joined
    result['m.invited_member_count'] = counts.invited
  }
  if (heroes !== undefined) result['m.heroes'] = heroes
  return result
}

/** One room's part of a sync answer, from a Room's slice or from the increments that wakes brought. */
import type { Increment, RoomSlice, Session, TimelineEvent } from '../../src/ports.ts'
import type { JsonObject } from '../../src/protocol/canonical-json.ts'
import type { ClientEvent } from '../../src/protocol/event.ts'
import {
  type Filter,
  matchesEvent,
  matchesRoomEvent,
  selectEventFields,
  timelineLimit,
} from '../../src/protocol/filter.ts'
import { forViewer } from '../for-viewer.ts'

/** What a sync asks for, the same for every room. */
export interface SyncQuery {
  session: Session
  filter: Filter | undefined
  fullState: boolean
  stateAfter: boolean
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
  const matching = events.filter(({ event }) => matchesRoomEvent(room?.timeline, event, roomId))
  const limit = timelineLimit(query.filter)
  const timeline = limit === 0 ? [] : matching.slice(-limit)
  const slice: RoomSlice = {
    membership: 'join',
    head: increments.at(-1)?.to ?? since,
    events: timeline,
    limited: timeline.length < matching.length,
    state: [],
  }
  const firstPos = timeline[0]?.pos
  if (firstPos !== undefined) slice.prevBatch = `p${firstPos}`
  else if (slice.limited) slice.prevBatch = `p${slice.head + 1}`
  const stateEnd = query.stateAfter || firstPos === undefined ? slice.head : firstPos - 1
  slice.state = stateOf(increments, events, stateEnd, timeline, room?.state?.lazy_load_members === true)
    .filter((event) => matchesRoomEvent(room?.state, event, roomId))
    .map(withoutUnsigned)
  const typing = increments.findLast((increment) => increment.typing !== undefined)?.typing
  if (typing !== undefined) slice.typing = typing
  const counts = increments.findLast((increment) => increment.counts !== undefined)?.counts
  if (counts !== undefined) slice.counts = counts
  return slice
}

/** State events up to `end`, the newest of each key; with lazy loading also the timeline's senders. */
function stateOf(
  increments: readonly Increment[],
  events: readonly TimelineEvent[],
  end: number,
  timeline: readonly TimelineEvent[],
  lazy: boolean,
): ClientEvent[] {
  const newest = new Map<string, ClientEvent>()
  for (const { event, pos } of events) {
    if (event.state_key !== undefined && pos <= end) newest.set(`${event.type}\n${event.state_key}`, event)
  }
  if (!lazy) return [...newest.values()]
  const senders = new Set(timeline.map(({ event }) => event.sender))
  const inTimeline = new Set(timeline.map(({ event }) => event.event_id))
  for (const member of increments.flatMap((increment) => increment.members)) {
    const key = `${member.type}\n${member.state_key}`
    if (senders.has(member.state_key ?? '') && !newest.has(key) && !inTimeline.has(member.event_id)) {
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
  options: { roomId: string; first: boolean; accountData: JsonObject[] },
): JsonObject | undefined {
  const { filter, session } = query
  const select = (event: ClientEvent) => selectEventFields(event, filter?.event_fields) as JsonObject
  const timeline: JsonObject = {
    events: slice.events.map((event) => select(forViewer(event, session, now))),
    limited: slice.limited,
  }
  if (slice.prevBatch !== undefined) timeline.prev_batch = slice.prevBatch
  const typing = ephemeral(slice, query, options.roomId)
  const accountData = options.accountData.filter((event) =>
    matchesEvent(filter?.room?.account_data, event as { type: string }),
  )
  const hasNews =
    options.first ||
    slice.events.length > 0 ||
    slice.limited ||
    slice.state.length > 0 ||
    typing.length > 0 ||
    accountData.length > 0
  if (!hasNews) return undefined
  const state = { events: slice.state.map(select) }
  const section: JsonObject = { timeline }
  if (query.stateAfter) {
    // MSC4222: stable since 1.16, but today's clients read the unstable name.
    section.state_after = state
    section['org.matrix.msc4222.state_after'] = state
  } else {
    section.state = state
  }
  if (slice.membership !== 'join') return section
  section.ephemeral = { events: typing }
  section.account_data = { events: accountData }
  section.summary = summary(slice)
  return section
}

function ephemeral(slice: RoomSlice, query: SyncQuery, roomId: string): JsonObject[] {
  if (slice.typing === undefined) return []
  const event = { type: 'm.typing', content: { user_ids: slice.typing } }
  const wanted = matchesRoomEvent(query.filter?.room?.ephemeral, { ...event, sender: '' }, roomId)
  return wanted ? [event] : []
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

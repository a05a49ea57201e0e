/** A room's events and state after a position, made from the increments that wakes brought. */
import type { Increment, RoomSlice, TimelineEvent } from '../../../../src/objects/room/sync.ts'
import type { ClientEvent } from '../../../../src/protocol/events/event.ts'
import { hidesState, matchesRoomEvent, timelineLimit } from '../../../../src/protocol/matching/filter.ts'
import { heroesFor } from '../../../../src/protocol/rooms/heroes.ts'
import { isIgnored } from '../../../../src/protocol/rooms/ignored-users.ts'
import type { SyncQuery } from '../query.ts'
import { deviceMarks } from './device-lists.ts'
import { profileMarks } from './profiles.ts'
import { receipts } from './receipts.ts'
import type { RoomPart } from './stream.ts'
import { typing } from './typing.ts'

/** What a room tells besides its events. */
const PARTS: readonly RoomPart[] = [typing, receipts, deviceMarks, profileMarks]

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
  for (const part of PARTS) part.take(increments, since, slice)
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

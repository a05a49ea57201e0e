/** The rooms that one sync asks for, and where each stands. */
import type { Increment, PullRequest } from '../../../../src/objects/room/sync.ts'
import { type Filter, wantsRoom } from '../../../../src/protocol/matching/filter.ts'
import { isRemoved } from '../../standing.ts'
import type { Heads } from '../heads/heads.ts'
import type { Memberships, UserRoom } from '../memberships.ts'
import type { SyncQuery } from '../query.ts'
import type { SyncToken } from '../sync-token.ts'
import type { UnreadCounts } from '../unread.ts'
import { isInitial, type Span } from './stream.ts'

/** One room of a sync: where it stands, and how its part is got. */
export interface Task {
  room: UserRoom
  since: number
  /** First sight, or all state again. */
  full: boolean
  /** First sight in this chain of tokens: shown even when empty. */
  first: boolean
  /** The client may have been told of it already, where its token does not say how far: shown as `limited`. */
  gap?: boolean
  /** Everybody in the room counts as changed, or as left: the user may have come or gone since the token. */
  everyone?: boolean
  /**
   * The filter leaves the room out: nothing of it is shown, but the devices of its members are the client's concern.
   * `device_lists` is no part of what a filter can name (Client-Server API §Filtering).
   */
  hidden?: boolean
  /** Given where wakes have brought everything already. */
  increments?: Increment[]
  /** What of the room is wanted, where that differs by room. */
  filter?: Filter
  /** The timeline goes back to before `since`, to the event after this position. */
  timelineSince?: number
  /** The place of the room's marks, where it is another than `since`. */
  devicesSince?: number
  /** Members that come with all state, whatever they send. */
  members?: string[]
  /** Which marks of profiles are wanted. */
  profiles?: PullRequest['profiles']
  /** Sliding sync. */
  slide?: SlideTask
}

/** What sliding sync says of a room beside its news. */
export interface SlideTask {
  /** The connection was not told of the room before. */
  unsent: boolean
  /** Events after this position have just happened. */
  live: number
  /** The client wants more of the latest events than it was given. */
  grows?: boolean
  /** The client wants other state than it was given. */
  widens?: boolean
}

/** What a sync asks for. */
export interface RoomsPlan {
  tasks: Task[]
  /** Where rooms stand that are not asked, for their places in the token. */
  looked?: ReadonlyMap<number, number>
  /** Characters of the rooms in one answer. */
  length?: number
}

/** Plans one sync. */
export type Plan = (parts: PlanParts, query: SyncQuery, span: Span) => RoomsPlan

export interface PlanParts {
  memberships: Memberships
  heads: Heads
  unread: UnreadCounts
}

/** What asks a Room for nothing but its members' devices. */
export const DEVICES_ONLY: Filter = { room: { timeline: { limit: 0, types: [] }, state: { types: [] } } }

/** The rooms that may have something to tell in a span. */
export function planRooms(parts: PlanParts, query: SyncQuery, span: Span): RoomsPlan {
  const tasks: Task[] = []
  const { token } = span
  const everyone = !isInitial(span)
  for (const room of parts.memberships.all()) {
    if (room.forgotten) continue
    const hidden = !wantsRoom(query.filter?.room, room.roomId)
    const shown = hidden ? { ...query, filter: DEVICES_ONLY, fullState: false } : query
    const isJoined = room.membership === 'join'
    const task = isJoined
      ? joinedTask(parts, shown, { token, hidden }, room)
      : leftTask(shown, { ...span, hidden }, room)
    if (task !== undefined) tasks.push({ ...withPosition(parts, task, token), everyone, hidden })
  }
  return { tasks }
}

function joinedTask(
  { heads, unread }: PlanParts,
  query: SyncQuery,
  { token, hidden }: { token: SyncToken | undefined; hidden: boolean },
  room: UserRoom,
): Task | undefined {
  if (token === undefined) return { room, since: 0, full: true, first: true }
  const { epochs } = heads
  const since = hidden ? epochs.reach(token, room.no) : epochs.position(token, room.no)
  // Joined since, and perhaps again: then the client has a part of what it is shown.
  if (room.own > token.own) return { room, since: 0, full: true, first: true, gap: true }
  // Not reached by the first answer, or by that after an absence: the client may have seen it long ago.
  if (since === 0) return { room, since: 0, full: true, first: true, gap: true }
  if (query.fullState) return { room, since, full: true, first: true }
  const news = heads.newsOf(token, room.no, since)
  if (news === undefined) return undefined
  if (news === 'unknown') return { room, since, full: false, first: false }
  // A Room is asked where nothing here knows what is unread: after an eviction.
  const counted = hidden || unread.at(room.roomId, news) !== undefined
  const increments = counted ? heads.between(room.no, since, news) : undefined
  return { room, since, full: false, first: false, increments }
}

/** Whether rooms were left that the answer of this token did not show, since they were not reached. */
export function owesRooms(token: SyncToken, memberships: Memberships): boolean {
  for (const no of token.tail.keys()) {
    const room = memberships.byNo(no)
    if (room !== undefined && isOwed(token, room)) return true
  }
  return false
}

/** A token names a room that had been left before it only where the leave is still to be shown. */
function isOwed(token: SyncToken, room: UserRoom): boolean {
  return room.membership !== 'join' && !room.forgotten && room.own <= token.own && token.tail.has(room.no)
}

function withPosition({ heads }: PlanParts, task: Task, token: SyncToken | undefined): Task {
  if (task.room.membership === 'join' || token === undefined) return task
  const since = heads.epochs.position(token, task.room.no)
  // A token says nothing of rooms that had been left before it: the client may know what comes again.
  return { ...task, since, gap: since === 0 }
}

/**
 * Rooms left since the token: shown up to the leave (SYNC9). Those left before are shown in an initial sync, and only to
 * clients that ask for "rooms that the user has left". A user who was kicked or banned has not left by themselves: other
 * servers show these rooms to every client, as sliding sync does.
 */
function leftTask(
  query: SyncQuery,
  { hidden, ...span }: Span & { hidden: boolean },
  room: UserRoom,
): Task | undefined {
  if (room.membership !== 'leave' && room.membership !== 'ban') return undefined
  const initial = isInitial(span)
  const isPast = query.filter?.room?.include_leave === true || isRemoved(room)
  const asked = initial ? isPast && !hidden : room.own > span.since
  const wanted = asked || (span.token !== undefined && isOwed(span.token, room))
  return wanted ? { room, since: 0, full: initial, first: true } : undefined
}

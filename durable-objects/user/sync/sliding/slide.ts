/** The rooms that one answer of sliding sync asks for, and where each stands. */
import {
  filterOf,
  isLazy,
  namedMembers,
  type RoomConfig,
} from '../../../../src/protocol/sliding/room-config.ts'
import type { Heads } from '../heads/heads.ts'
import type { Memberships, UserRoom } from '../memberships.ts'
import type { PlanParts, RoomsPlan, Task } from '../streams/room-plan.ts'
import type { Span } from '../streams/stream.ts'
import type { SyncToken } from '../sync-token.ts'
import type { RoomOrder } from './room-order.ts'
import { hasRequired, type SentRooms } from './sent-rooms.ts'
import type { WantedRoom, Windows } from './windows.ts'

/** From what an answer is made, besides what all syncs have. */
export interface Slide {
  windows: Windows
  sent: SentRooms
  order: RoomOrder
  /** Changes of devices, and who shares no room any more, are wanted. */
  devices: boolean
  /** Changes of profiles are wanted. */
  profiles: boolean
  /** What the poll began with: what has come since has just happened, though the rooms were looked at meanwhile. */
  begun: SyncToken | undefined
}

/** Rooms outside the windows that one answer asks where they stand; the others are asked by the next ones. */
export const LOOKED_UP = 100
/** Characters of the rooms in one answer, after which it ends: the client asks again at once. */
const ANSWER_LENGTH = 4_000_000

/** Asks the rooms that are wanted; of the others, where they stand, since they may have become the newest. */
export function planSlide(parts: PlanParts, slide: Slide, span: Span): RoomsPlan {
  const at = atOf(parts, slide, span.token)
  const shown: Task[] = []
  const others: UserRoom[] = []
  for (const room of parts.memberships.all()) {
    const wanted = slide.windows.wanted.get(room.no)
    const task = wanted === undefined ? leaveTask(at, room) : wantedTask(at, wanted)
    if (task !== undefined) shown.push(withIncrements(parts, task))
    else if (wanted === undefined) others.push(room)
  }
  // While a list grows, the client has not asked for the others yet.
  const grows = shown.some((task) => task.slide?.unsent === true)
  const hidden = lookTasks(parts, at, others, span.token === undefined || grows ? 0 : LOOKED_UP)
  const departed = slide.devices ? others.filter((room) => hasLeftSince(span, room)).map(goneTask) : []
  const looked = span.token === undefined ? placesOf(slide.order, others) : undefined
  return { tasks: [...shown, ...departed, ...hidden], ...(looked && { looked }), length: ANSWER_LENGTH }
}

/** What is asked of rooms outside the windows; at most so many Rooms. */
function lookTasks(parts: PlanParts, at: At, rooms: readonly UserRoom[], most: number): Task[] {
  const tasks: Task[] = []
  let left = most
  for (const room of rooms) {
    const look = room.membership === 'join' ? lookTask(at, room) : undefined
    if (look === undefined) continue
    const task = withIncrements(parts, look)
    if (task.increments === undefined) left -= 1
    if (task.increments !== undefined || left >= 0) tasks.push(task)
  }
  return tasks
}

/** Where rooms stand, as far as that is certain. */
function placesOf(order: RoomOrder, rooms: readonly UserRoom[]): ReadonlyMap<number, number> {
  const places = new Map<number, number>()
  for (const { no, membership } of rooms) {
    const place = membership === 'join' ? order.placeOf(no) : undefined
    if (place !== undefined) places.set(no, place)
  }
  return places
}

interface At {
  heads: Heads
  sent: SentRooms
  devices: boolean
  profiles: boolean
  token: SyncToken | undefined
  widest: RoomConfig
  begun: SyncToken | undefined
}

function atOf({ heads }: Pick<At, 'heads'>, slide: Slide, token: At['token']): At {
  const { windows, sent, devices, profiles, begun } = slide
  return { heads, sent, devices, profiles, token, widest: windows.widest, begun }
}

/** A task, and up to where there is news of it. */
type Slid = Task & { news?: number | 'unknown' }

const filters = new WeakMap<RoomConfig, Pick<Task, 'filter' | 'members'>>()

/** What is asked of a Room: the same for all rooms of one config. */
function filtered(config: RoomConfig): Pick<Task, 'filter' | 'members'> {
  const known = filters.get(config) ?? { filter: filterOf(config), members: namedMembers(config) }
  filters.set(config, known)
  return known
}

/** A room in a window, or subscribed to. */
function wantedTask(at: At, { room, config }: WantedRoom): Slid | undefined {
  const { heads, sent, devices, token } = at
  if (room.membership === 'invite' || room.membership === 'knock') return undefined
  if (room.membership !== 'join') return leaveTask(at, room, config)
  const known = sent.get(room.no)
  const position = token === undefined ? 0 : heads.epochs.position(token, room.no)
  const reach = token === undefined ? 0 : heads.epochs.reach(token, room.no)
  const isNew = token !== undefined && room.own > token.own
  const common = {
    room,
    ...filtered(config),
    ...(at.profiles && { profiles: 'changed' as const }),
    devicesSince: isNew ? 0 : reach,
    everyone: devices && isNew,
  }
  if (known === undefined || position === 0 || known.own < room.own) {
    const live = isNew ? room.pos - 1 : liveAfter(at, room.no)
    // "When a room enters this subset", people come with it; "with lazy loading" those that the answer names.
    const profiles = at.profiles && !isLazy(config) ? ({ profiles: 'everyone' } as const) : {}
    return { ...common, ...profiles, since: 0, full: true, first: true, slide: { unsent: true, live } }
  }
  const grows = known.limit < config.limit
  const widens = !hasRequired(known, config)
  const slide = { unsent: false, live: position, grows, widens }
  const again = { ...common, since: position, full: widens, first: false, slide }
  if (grows) return { ...again, timelineSince: 0 }
  if (widens) return again
  const news =
    token === undefined || reach > position
      ? (heads.head(room.no) ?? 'unknown')
      : heads.newsOf(token, room.no, position)
  return news === undefined ? undefined : { ...again, news }
}

/** After which position events of a room have just happened; none have in a room that was never looked at. */
function liveAfter({ heads, begun }: At, no: number): number {
  const reach = begun !== undefined && heads.epochs.lives(begun) ? heads.epochs.reach(begun, no) : 0
  return reach === 0 ? Number.POSITIVE_INFINITY : reach
}

/** A room that the client has and the user has left; with a config, one that lists name all the same. */
function leaveTask(
  { heads, sent, token, widest }: At,
  room: UserRoom,
  config?: RoomConfig,
): Slid | undefined {
  if (room.membership !== 'leave' && room.membership !== 'ban') return undefined
  const known = sent.get(room.no)
  if (known?.own === room.own || (known === undefined && (config === undefined || room.forgotten)))
    return undefined
  const since = token === undefined ? 0 : heads.epochs.position(token, room.no)
  const first = known === undefined
  const slide = { unsent: first, live: since }
  return { room, ...filtered(config ?? widest), since, full: first, first, slide }
}

/** A room outside the windows: only where it stands, and its members' devices. */
function lookTask({ heads, token, devices, profiles }: At, room: UserRoom): Slid | undefined {
  if (token === undefined) return undefined
  const wanted = profiles ? ({ profiles: 'changed' } as const) : {}
  const common = { room, full: false, first: false, hidden: true, ...wanted }
  if (room.own > token.own) return { ...common, since: 0, everyone: devices, news: 'unknown' }
  const since = heads.epochs.reach(token, room.no)
  const news = heads.newsOf(token, room.no, since)
  return news === undefined ? undefined : { ...common, since, news }
}

/** Asks where a room stands. */
export function lookAt(room: UserRoom): Task {
  return { room, since: 0, full: false, first: false, hidden: true }
}

/** Of a room that was left the users that share no room any more. */
function goneTask(room: UserRoom): Task {
  return { room, since: 0, full: false, first: false, hidden: true, everyone: true }
}

function hasLeftSince({ token }: Span, { own, was, forgotten }: UserRoom): boolean {
  return token !== undefined && own > token.own && was === 'join' && !forgotten
}

function withIncrements({ heads, unread }: Pick<PlanParts, 'heads' | 'unread'>, slid: Slid): Task {
  const { news, ...task } = slid
  const { room, since, hidden } = task
  if (typeof news !== 'number') return task
  const counted = hidden || unread.at(room.roomId, news) !== undefined
  return counted ? { ...task, increments: heads.between(room.no, since, news) } : task
}

/**
 * Whether a waiting client may lack something of the rooms: one that is wanted is not told, or one is not looked at.
 * Asked at each wake: no storage.
 */
export function isSlideBehind(
  { heads, memberships }: { heads: Heads; memberships: Memberships },
  slide: Slide,
  token: SyncToken,
): boolean {
  const { windows } = slide
  const at = atOf({ heads }, slide, token)
  for (const no of memberships.joined()) {
    if (windows.wanted.has(no)) continue
    const reach = heads.epochs.reach(token, no)
    const head = heads.head(no)
    if (reach === 0 || (head === undefined ? heads.movedIn(no) >= token.epoch : head > reach)) return true
  }
  for (const wanted of windows.wanted.values()) if (wantedTask(at, wanted) !== undefined) return true
  return false
}

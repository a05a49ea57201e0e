/**
 * Composes sync answers by the contract of decision 3: which rooms may have moved, what they answer, and the token
 * that stands for it. An increment writes nothing.
 */
import type { RestOfState, RoomSlice } from '../../../src/objects/room/sync.ts'
import type { Clock } from '../../../src/ports/system.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { ClientEvent } from '../../../src/protocol/events/event.ts'
import { type Filter, matchesEvent, wantsRoom } from '../../../src/protocol/matching/filter.ts'
import type { Presence } from '../presence/presence.ts'
import type { Inbox } from '../to-device/inbox.ts'
import type { DeviceListChanges, DeviceListsBody, DeviceNews } from './device-news.ts'
import { placeOfDevices } from './heads/epochs.ts'
import type { LazyMembers } from './lazy-members.ts'
import type { Memberships, UserRoom } from './memberships.ts'
import { ownDataSection, roomSection, type SyncQuery, wantedData } from './room-sections.ts'
import { Sections } from './sections.ts'
import { issueToken } from './sync-issue.ts'
import { isInitial, owedRooms, type Plan, planSync, type Task } from './sync-plan.ts'
import { type PullParts, Pulls, takeIncrements } from './sync-pull.ts'
import type { SyncToken } from './sync-token.ts'

/** Account data as sync shows it. */
export interface AccountDataChange {
  roomId: string | null
  type: string
  content: JsonObject
}

export interface SyncParts extends PullParts {
  clock: Clock
  memberships: Memberships
  presence: Presence
  devices: DeviceNews
  inbox: Inbox
  lazy: LazyMembers
  /** The newest position of the user's own log. */
  own: () => number
  /** Account data changed after a position of the own log; undefined: all of it. */
  accountData: (since: number | undefined) => AccountDataChange[]
  /** Whose messages are not shown. */
  ignored: () => ReadonlySet<string>
  /** Whether an invite that is there is not shown. */
  hidesInvite: (room: UserRoom) => boolean
}

export interface SyncAnswer {
  /** The whole answer, `next_batch` included. */
  body: JsonObject
  token: string
  /** Whether it holds anything but a token. */
  news: boolean
  /** State that belongs into it besides. */
  rest: RestOfState[]
}

/** The fields of an answer that are worth waking a client for. */
const NEWS = ['rooms', 'to_device', 'device_lists', 'account_data', 'presence']

export class Sync {
  readonly #parts: SyncParts
  readonly #pulls: Pulls

  constructor(parts: SyncParts) {
    this.#parts = parts
    this.#pulls = new Pulls(parts)
  }

  /** Answers what lies after `token`, asking the Rooms that may have moved. */
  async answer(asked: SyncQuery, token: SyncToken | undefined): Promise<SyncAnswer> {
    const query = this.#asOfNow(asked)
    const plan = planSync(this.#parts, query, token)
    const slices = new Map<Task, RoomSlice>()
    const unanswered = plan.tasks.filter((task) => !takeIncrements(query, task, slices))
    await this.#pulls.run(query, unanswered, slices)
    const alive = plan.token === undefined || this.#parts.heads.epochs.lives(plan.token)
    if (!alive) return this.answer(query, token)
    const lists = await this.#parts.devices.lists(this.#deviceChanges(plan, slices))
    return this.#compose(query, plan, slices, lists)
  }

  /** As `answer`, but only from what is at hand; undefined where a Room must be asked. */
  answerAtOnce(asked: SyncQuery, token: SyncToken): SyncAnswer | undefined {
    const query = this.#asOfNow(asked)
    const plan = planSync(this.#parts, query, token)
    const slices = new Map<Task, RoomSlice>()
    if (!plan.tasks.every((task) => takeIncrements(query, task, slices))) return undefined
    const devices = this.#parts.devices.listsAtOnce(this.#deviceChanges(plan, slices))
    return devices && this.#compose(query, plan, slices, devices.lists)
  }

  #deviceChanges(plan: Plan, slices: ReadonlyMap<Task, RoomSlice>): DeviceListChanges {
    return this.#parts.devices.gather(isInitial(plan) ? undefined : plan, slices.values())
  }

  /** Whether a waiting client with this token may be missing something. */
  behind(token: SyncToken, deviceId: string): boolean {
    const { heads, inbox, memberships } = this.#parts
    if (inbox.newest(deviceId) > token.toDevice) return true
    if (this.#parts.presence.latest > (token.presence ?? 0)) return true
    if (this.#parts.own() > token.own || !heads.epochs.lives(token)) return true
    return owedRooms(token, memberships).length > 0 || heads.behind(token)
  }

  /** A waiting client's query may be older than what the user has ignored since. */
  #asOfNow(query: SyncQuery): SyncQuery {
    return { ...query, ignored: this.#parts.ignored() }
  }

  // ------------------------------------------------------------ composing

  #compose(
    query: SyncQuery,
    plan: Plan,
    slices: ReadonlyMap<Task, RoomSlice>,
    deviceLists: DeviceListsBody | undefined,
  ): SyncAnswer {
    const now = this.#parts.clock.now()
    const rooms = new Sections()
    const positions = new Map<number, number>()
    const owed = new Set<number>()
    const initial = isInitial(plan)
    const unchanged = !initial && plan.since >= plan.own
    const accountData = unchanged ? [] : this.#parts.accountData(initial ? undefined : plan.since)
    const byRoom = Map.groupBy(accountData, (change) => change.roomId)
    // What was set for a room before it was joined passed the client by: it comes with the room.
    const found = initial ? [] : [...slices.keys()].filter(isNew)
    if (found.length > 0) {
      const all = Map.groupBy(this.#parts.accountData(undefined), (change) => change.roomId)
      for (const { room } of found) byRoom.set(room.roomId, all.get(room.roomId) ?? [])
    }
    const stays = new Map<string, ClientEvent[]>()
    const rest: RestOfState[] = []
    for (const [task, slice] of slices) {
      const { room } = task
      if (room.membership === 'join')
        positions.set(task.hidden ? placeOfDevices(room.no) : room.no, slice.head)
      if (task.hidden) continue
      if (plan.absent || task.gap) slice.limited = true
      if (loadsLazily(query.filter)) stays.set(stayOf(room), this.#withoutKnownMembers(query, task, slice))
      const section = roomSection(slice, query, now, {
        roomId: room.roomId,
        first: task.first,
        accountData: (byRoom.get(room.roomId) ?? []).map(asEvent),
        unread: slice.unread?.events ?? this.#parts.unread.known(room.roomId),
      })
      byRoom.delete(room.roomId)
      if (section === undefined) continue
      const kind = room.membership === 'join' ? 'join' : 'leave'
      rooms.add(kind, room.roomId, section)
      const fields = query.filter?.event_fields
      if (slice.rest !== undefined) rest.push({ kind, roomId: room.roomId, request: slice.rest, fields })
    }
    this.#addAccountData(query, plan, rooms, byRoom)
    this.#addListed(query, plan, rooms)
    const own = (byRoom.get(null) ?? []).map(asEvent)
    const global = own.filter((event) => matchesEvent(query.filter?.account_data, event))
    const presence = this.#parts.presence
      .eventsAfter(plan.token?.presence, now)
      .filter((event) => matchesEvent(query.filter?.presence, event))
    const messages = this.#parts.inbox.batch(query.session.deviceId)
    for (const { room, since } of plan.tasks.filter((task) => !slices.has(task)))
      if (room.membership !== 'join') owed.add(room.no)
      else if (since === 0) positions.set(room.no, 0)
    const token = issueToken(this.#parts, plan, { moved: positions, owed }, messages.last)
    if (loadsLazily(query.filter)) this.#parts.lazy.give(query.session.deviceId, token, { initial, stays })
    const body: JsonObject = { next_batch: token, ...this.#parts.devices.counts(query.session.deviceId) }
    if (deviceLists !== undefined) body.device_lists = deviceLists
    if (messages.events.length > 0) body.to_device = { events: messages.events }
    if (presence.length > 0) body.presence = { events: presence }
    if (global.length > 0) body.account_data = { events: global }
    if (!rooms.empty) body.rooms = rooms.byKind
    return { body, token, rest, news: NEWS.some((field) => field in body) }
  }

  /** Takes the members from the state that the device has already. Answers what the room's part then holds. */
  #withoutKnownMembers(
    { session, filter, fullState }: SyncQuery,
    task: Task,
    slice: RoomSlice,
  ): ClientEvent[] {
    const { lazy } = this.#parts
    const stay = stayOf(task.room)
    const wantsAll = task.first || fullState || filter?.room?.state?.include_redundant_members === true
    const speakers = new Set([
      ...slice.events.map(({ event }) => event.sender),
      ...(slice.heroes ?? []),
      session.userId,
    ])
    // Behind a gap, only the timeline's senders are named, and members whose name the client may show as it was.
    const isWanted = (event: ClientEvent) =>
      event.type !== 'm.room.member' ||
      !slice.limited ||
      speakers.has(event.state_key ?? '') ||
      lazy.mayKnow(session.deviceId, stay, event)
    if (!wantsAll)
      slice.state = slice.state.filter((event) => !lazy.has(session.deviceId, stay, event) && isWanted(event))
    return [...slice.state, ...slice.events.map(({ event }) => event)]
  }

  /** Rooms in which only the user's own data changed. */
  #addAccountData(
    query: SyncQuery,
    { token }: Plan,
    rooms: Sections,
    byRoom: ReadonlyMap<string | null, AccountDataChange[]>,
  ): void {
    for (const [roomId, changes] of byRoom) {
      const room = roomId === null ? undefined : this.#parts.memberships.byId(roomId)
      if (roomId === null || room?.membership !== 'join') continue
      if (!wantsRoom(query.filter?.room, roomId)) continue
      const events = wantedData(changes.map(asEvent), query, roomId)
      const told = token === undefined ? 0 : this.#parts.heads.epochs.position(token, room.no)
      const unread = this.#parts.unread.known(roomId)
      const section = ownDataSection(events, `p${told + 1}`, unread, query.filter)
      if (section !== undefined) rooms.add('join', roomId, section)
    }
  }

  /** What the user's own list of rooms tells: nothing else is asked for it. */
  #addListed(query: SyncQuery, plan: Plan, rooms: Sections): void {
    for (const room of this.#parts.memberships.all()) {
      if (room.own <= plan.since || room.own > plan.own || !wantsRoom(query.filter?.room, room.roomId))
        continue
      if (room.forgotten) this.#addForgotten(plan, room, rooms)
      else if (isOffered(room) && !this.#parts.hidesInvite(room)) {
        rooms.add(room.membership, room.roomId, { [`${room.membership}_state`]: { events: room.stripped } })
      }
    }
  }

  /**
   * "Forgotten rooms should not appear in responses": nothing of them does. But the user's other devices must learn
   * that the room was left, however soon it was forgotten, or they would show it for ever.
   */
  #addForgotten(plan: Plan, { roomId, pos }: UserRoom, rooms: Sections): void {
    if (isInitial(plan)) return
    const timeline = { events: [], limited: false, prev_batch: `p${pos + 1}` }
    rooms.add('leave', roomId, { timeline })
  }
}

function isOffered(room: UserRoom): room is UserRoom & { membership: 'invite' | 'knock' } {
  return room.membership === 'invite' || room.membership === 'knock'
}

/** Whether a room is new to the client, which may have been told nothing of it. */
function isNew({ room, gap }: Task): boolean {
  return room.membership === 'join' && gap === true
}

function asEvent({ type, content }: AccountDataChange): { type: string; content: JsonObject } {
  return { type, content }
}

/** The federation format has no event ids to know members by. */
function loadsLazily(filter: Filter | undefined): boolean {
  return filter?.room?.state?.lazy_load_members === true && filter.event_format !== 'federation'
}

/** The user's stay in a room, from one change of their membership to the next. */
export function stayOf({ no, own }: UserRoom): string {
  return `${no}.${own}`
}

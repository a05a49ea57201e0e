/**
 * Reads the streams of a sync: what lies after a token, and whether anything does. An increment writes nothing, and
 * what wakes have brought is read without waiting for anything.
 */
import type { Clock } from '../../../src/ports/system.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { Presence } from '../presence/presence.ts'
import type { Inbox } from '../to-device/inbox.ts'
import { MAX_TAIL } from './heads/epochs.ts'
import type { Told } from './heads/heads.ts'
import type { SyncQuery } from './query.ts'
import { type AccountDataNews, type AccountDataParts, AccountDataStream } from './streams/account-data.ts'
import { type DeviceListsBody, type DeviceListsParts, DeviceListsStream } from './streams/device-lists.ts'
import { type ListedParts, ListedStream } from './streams/listed.ts'
import type { RoomData, RoomNews, SyncNews } from './streams/news.ts'
import { PresenceStream } from './streams/presence.ts'
import { marksOf } from './streams/profiles.ts'
import type { Plan, Task } from './streams/room-plan.ts'
import { type Asked, type RoomsParts, RoomsStream } from './streams/rooms.ts'
import { isInitial, type Span, type Stream } from './streams/stream.ts'
import { ToDeviceStream } from './streams/to-device.ts'
import { UnreadList } from './streams/unread-list.ts'
import { formatSyncToken, type SyncToken } from './sync-token.ts'

export interface SyncParts extends RoomsParts, AccountDataParts, DeviceListsParts, ListedParts {
  clock: Clock
  presence: Presence
  inbox: Inbox
  /** Users whose messages are not shown. */
  ignored: () => ReadonlySet<string>
}

/** All that a sync reads. Those that are cheap to ask whether they are behind come first. */
function streamsOf(parts: SyncParts) {
  return {
    toDevice: new ToDeviceStream(parts.inbox),
    presence: new PresenceStream(parts.presence),
    accountData: new AccountDataStream(parts),
    deviceLists: new DeviceListsStream(parts),
    listed: new ListedStream(parts),
    rooms: new RoomsStream(parts),
  } satisfies { [name: string]: Stream }
}

export class Sync {
  readonly #parts: SyncParts
  readonly #streams: ReturnType<typeof streamsOf>
  readonly #all: readonly Stream[]

  constructor(parts: SyncParts) {
    this.#parts = parts
    this.#streams = streamsOf(parts)
    this.#all = Object.values(this.#streams)
  }

  /** Whether the user has presence to be told of after a token. */
  presenceBehind(token: SyncToken): boolean {
    return this.#streams.presence.behind(token)
  }

  /** Whether a waiting client with this token may be missing something. */
  behind(token: SyncToken, deviceId: string): boolean {
    return this.#all.some((stream) => stream.behind(token, deviceId))
  }

  /** What lies after `token`, asking the Rooms that may have moved; undefined: an initial sync. */
  async read(asked: SyncQuery, token: SyncToken | undefined, plan?: Plan): Promise<SyncNews> {
    const query = this.#asOfNow(asked)
    const span = this.#spanFrom(token)
    const rooms = await this.#streams.rooms.after(query, span, plan)
    // The token's epoch went while Rooms were asked: the answer is that after a long absence.
    if (span.token !== undefined && !this.#parts.heads.epochs.lives(span.token))
      return this.read(query, token, plan)
    return this.#fold(query, span, rooms, await this.#streams.deviceLists.after(span, rooms.slices.values()))
  }

  /** As `read`, but only from what is at hand; undefined where a Room or another user's object must be asked. */
  readAtOnce(asked: SyncQuery, token: SyncToken, plan?: Plan): SyncNews | undefined {
    const query = this.#asOfNow(asked)
    const span = this.#spanFrom(token)
    const rooms = this.#streams.rooms.atOnce(query, span, plan)
    const devices = rooms && this.#streams.deviceLists.atOnce(span, rooms.slices.values())
    return rooms && devices && this.#fold(query, span, rooms, devices.lists)
  }

  /** Asks Rooms for what is known of them from then on; what they answer is told to nobody. */
  async lookUp(query: SyncQuery, tasks: Task[]): Promise<void> {
    await this.#streams.rooms.after(query, this.#spanFrom(undefined), () => ({ tasks }))
  }

  /** A waiting client's query may be older than what the user has ignored since. */
  #asOfNow(query: SyncQuery): SyncQuery {
    return { ...query, ignored: this.#parts.ignored() }
  }

  #spanFrom(token: SyncToken | undefined): Span {
    const absent = token !== undefined && !this.#parts.heads.epochs.lives(token)
    return { token: absent ? undefined : token, absent, since: token?.own ?? 0, own: this.#parts.own() }
  }

  #fold(
    query: SyncQuery,
    span: Span,
    { slices, told }: Asked,
    deviceLists: DeviceListsBody | undefined,
  ): SyncNews {
    const now = this.#parts.clock.now()
    const found = isInitial(span) ? [] : [...slices.keys()].filter(isNew).map(({ room }) => room.roomId)
    const data = this.#streams.accountData.after(span, found)
    const { events: toDevice, last } = this.#streams.toDevice.after(query.session.deviceId)
    return {
      query,
      span,
      now,
      rooms: this.#roomNews(span, slices, data),
      roomData: this.#roomData(span, slices, data),
      listed: this.#streams.listed.after(span, query),
      accountData: data.get(null) ?? [],
      toDevice,
      deviceLists,
      presence: this.#streams.presence.after(span, now),
      profiles: marksOf(slices),
      token: this.#tokenAfter(span, told, last),
    }
  }

  #roomNews({ absent }: Span, slices: Asked['slices'], data: AccountDataNews): RoomNews[] {
    const news: RoomNews[] = []
    for (const [task, slice] of slices) {
      const { room, first, hidden, gap } = task
      if (hidden) continue
      if (absent || gap) slice.limited = true
      const unread = slice.unread ? UnreadList.of(slice.unread.events) : this.#parts.unread.known(room.roomId)
      news.push({ room, slice, first, data: data.get(room.roomId) ?? [], unread, task })
    }
    return news
  }

  /** Joined rooms in which only the user's own data changed. */
  #roomData({ token }: Span, slices: Asked['slices'], data: AccountDataNews): RoomData[] {
    const { heads, memberships, unread } = this.#parts
    if (data.size === 0) return []
    const shown = new Set([...slices.keys()].filter(({ hidden }) => !hidden).map(({ room }) => room.roomId))
    const news: RoomData[] = []
    for (const [roomId, changes] of data) {
      const room = roomId === null || shown.has(roomId) ? undefined : memberships.byId(roomId)
      if (room?.membership !== 'join') continue
      const told = token === undefined ? 0 : heads.epochs.position(token, room.no)
      news.push({ roomId: room.roomId, place: told + 1, data: changes, unread: unread.known(room.roomId) })
    }
    return news
  }

  /**
   * The token of an answer.
   * @param lastMessage the last to-device message that it contains
   * @throws MatrixError M_UNKNOWN where more rooms are owed than a token names
   */
  #tokenAfter(span: Span, told: Told, lastMessage: number | undefined): string {
    if (told.owed.size > MAX_TAIL)
      throw new MatrixError('M_UNKNOWN', 'Too many rooms could not be reached; try again', { status: 503 })
    return formatSyncToken({
      ...this.#parts.heads.placeAfter(span.token, told),
      own: span.own,
      toDevice: lastMessage ?? span.token?.toDevice ?? 0,
      presence: this.#streams.presence.placeAfter(span),
    })
  }
}

/** Whether a room is new to the client, which may have been told nothing of it. */
function isNew({ room, gap, slide }: Task): boolean {
  return room.membership === 'join' && (gap === true || slide?.unsent === true)
}

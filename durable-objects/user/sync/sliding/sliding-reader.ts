/** A poll of sliding sync (MSC4186), on one connection of a device. */
import type { Session } from '../../../../src/objects/user/session.ts'
import { PROFILES, type SlidingAsked, THREADS } from '../../../../src/objects/user/sliding.ts'
import type { RoomActivity } from '../../../../src/ports/archive.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { ClientEvent } from '../../../../src/protocol/events/event.ts'
import type { Inbox } from '../../to-device/inbox.ts'
import type { SyncAnswer } from '../codecs/codec.ts'
import { extensionsOf } from '../codecs/sliding/extensions.ts'
import { bodyOf, encodeSliding } from '../codecs/sliding/sliding.ts'
import type { SlidingView } from '../codecs/sliding/view.ts'
import type { Heads } from '../heads/heads.ts'
import type { KeyCounts } from '../key-counts.ts'
import { type LazyMembers, stayOf } from '../lazy-members.ts'
import type { Memberships } from '../memberships.ts'
import type { PollReader } from '../poll-reader.ts'
import type { SyncQuery } from '../query.ts'
import type { SyncNews } from '../streams/news.ts'
import type { Plan } from '../streams/room-plan.ts'
import type { Sync } from '../sync.ts'
import { formatPos, parseSyncToken, placeOfPos, type SyncToken } from '../sync-token.ts'
import type { Connections } from './connections.ts'
import {
  askedOwners,
  type DueProfiles,
  dueProfiles,
  owesProfiles,
  type ProfilesParts,
  type ToldProfiles,
  tellProfiles,
} from './profiles.ts'
import type { RoomOrder } from './room-order.ts'
import { NOTHING_SENT, type Sent } from './sent-rooms.ts'
import { isSlideBehind, LOOKED_UP, lookAt, planSlide, type Slide } from './slide.ts'
import { toldThreads } from './threads.ts'
import { unknownPos } from './unknown-pos.ts'
import { directRooms, type ListedRooms, type Windows, windowsOf } from './windows.ts'

export interface ReaderParts {
  sync: Sync
  heads: Heads
  memberships: Memberships
  inbox: Inbox
  keys: KeyCounts
  order: RoomOrder
  listed: ListedRooms
  connections: Connections
  lazy: LazyMembers
  /** The newest position of the user's own log. */
  own: () => number
  /** The user's own fields of the profile that changed after a place of that log, and up to another. */
  ownFields: ProfilesParts['ownFields']
  sql: SqlStorage
  /** What the archive has of these rooms, if it answers soon. */
  activity: (roomIds: string[]) => Promise<RoomActivity[]>
  /** These users' profiles, or of these fields, in their order; undefined for one that was not reached. */
  profiles: (userIds: string[], fields: string[] | undefined) => Promise<(JsonObject | undefined)[]>
}

/** Which connection a poll came by, and what it asked for. */
export interface SlidingCall {
  session: Session
  conn: string
  /** The connection's random name. */
  name: string
  asked: SlidingAsked
  /** Where the client stands in its to-device messages. */
  toDevice?: number | undefined
  txnId?: string | undefined
}

/** From what the profiles and the body of an answer are made, beside its news. */
interface Seen {
  sent: Sent
  windows: Windows
}

const NO_PROFILES: ToldProfiles = { users: {}, sent: undefined }

/** Rooms that the archive is asked about. */
const MOST_HINTED = 5_000

/** Messages for a device in one answer, unless the client wants fewer. */
const TO_DEVICE = 100

export class SlidingReader implements PollReader {
  readonly #parts: ReaderParts
  readonly #call: SlidingCall
  readonly #query: SyncQuery
  #windows: { key: string; made: Windows } | undefined
  /** The token that the poll began with. */
  #begun: SyncToken | undefined

  constructor(parts: ReaderParts, call: SlidingCall) {
    this.#parts = parts
    this.#call = call
    this.#query = { session: call.session, filter: undefined, fullState: false, stateAfter: true }
  }

  async read(pos: string | undefined): Promise<SyncAnswer> {
    const sent = this.#sentBy(pos)
    const token = pos === undefined ? undefined : parseSyncToken(pos)
    this.#begun ??= token
    if (token === undefined) await this.#lookUp()
    const { plan, windows } = this.#planFrom(sent)
    const news = await this.#parts.sync.read(this.#query, token, plan)
    const seen = { sent, windows: windows() }
    return this.#answer(news, pos, { ...seen, profiles: await this.#askProfiles(news, seen) })
  }

  readAtOnce(pos: string): SyncAnswer | undefined {
    const sent = this.#sentBy(pos)
    const token = parseSyncToken(pos)
    this.#begun ??= token
    const { plan, windows } = this.#planFrom(sent)
    const news = this.#parts.sync.readAtOnce(this.#query, token, plan)
    if (news === undefined) return undefined
    const seen = { sent, windows: windows() }
    const profiles = this.#profilesAtOnce(news, seen)
    return profiles && this.#answer(news, pos, { ...seen, profiles })
  }

  behind(pos: string): boolean {
    const { heads, memberships, own, inbox, sync } = this.#parts
    const { asked, session, toDevice } = this.#call
    const token = parseSyncToken(pos)
    const sent = this.#parts.connections.sentBy(pos)
    // A connection that is gone is behind: its client is told so.
    if (sent === undefined || !heads.epochs.lives(token) || own() > token.own) return true
    const { to_device, presence, [PROFILES]: profiles } = asked.extensions
    if (profiles !== undefined && owesProfiles(sent.profiles, profiles)) return true
    if (to_device !== undefined && inbox.newest(session.deviceId) > (toDevice ?? 0)) return true
    if (presence !== undefined && sync.presenceBehind(token)) return true
    return isSlideBehind({ heads, memberships }, this.#slide(sent.rooms), token)
  }

  empty(): JsonObject {
    const { asked } = this.#call
    const nothing = { deviceLists: undefined, accountData: [], rooms: [], roomData: [], presence: [] }
    const news = { query: this.#query, ...nothing } as unknown as SyncNews
    const windows = this.#currentWindows()
    const toDevice = { events: [], next: String(this.#call.toDevice ?? 0) }
    const view = { isSent: () => true }
    const parts = { news, windows, keys: this.#keys(), toDevice, profiles: {}, threads: undefined, view }
    return bodyOf({ windows, txnId: this.#call.txnId }, {}, extensionsOf(parts, asked.extensions).extensions)
  }

  // ------------------------------------------------------------ inside

  /** @throws MatrixError M_UNKNOWN_POS where the connection does not know what the client has */
  #sentBy(pos: string | undefined): Sent {
    const sent = pos === undefined ? NOTHING_SENT : this.#parts.connections.sentBy(pos)
    if (sent === undefined) throw unknownPos()
    return sent
  }

  /** Before a first answer: where the rooms stand of which that is not known. If they are too many, the archive is asked. */
  async #lookUp(): Promise<void> {
    const { memberships, order, sync } = this.#parts
    const doubtful = [...memberships.all()].filter(
      ({ no, membership }) => membership === 'join' && order.placeOf(no) === undefined,
    )
    if (doubtful.length === 0) return
    if (doubtful.length <= LOOKED_UP) return sync.lookUp(this.#query, doubtful.map(lookAt))
    const roomIds = doubtful.slice(0, MOST_HINTED).map(({ roomId }) => roomId)
    for (const { roomId, ...hint } of await this.#parts.activity(roomIds))
      order.hint(memberships.byId(roomId)?.no ?? 0, hint)
  }

  /** Plans an answer by the rooms that the request is about as it begins. */
  #planFrom({ rooms: sent }: Sent): { plan: Plan; windows: () => Windows } {
    let windows: Windows | undefined
    const plan: Plan = (parts, _, span) => {
      if (span.absent) throw unknownPos()
      const slide = this.#slide(sent)
      windows = slide.windows
      return planSlide(parts, slide, span)
    }
    return { plan, windows: () => windows ?? this.#currentWindows() }
  }

  #slide(sent: Slide['sent']): Slide {
    const { e2ee, [PROFILES]: asked } = this.#call.asked.extensions
    const profiles = asked !== undefined
    const devices = profiles || e2ee !== undefined
    const common = { sent, order: this.#parts.order, begun: this.#begun }
    return { ...common, windows: this.#currentWindows(), devices, profiles }
  }

  /** The rooms that the request is about, as they stand now. */
  #currentWindows(): Windows {
    const { order, own } = this.#parts
    const key = `${order.version} ${own()}`
    if (this.#windows?.key !== key)
      this.#windows = { key, made: windowsOf(this.#parts.listed, this.#call.asked) }
    return this.#windows.made
  }

  #keys(): JsonObject {
    const { device_one_time_keys_count = {}, device_unused_fallback_key_types = [] } = this.#parts.keys.of(
      this.#call.session.deviceId,
    )
    return { device_one_time_keys_count, device_unused_fallback_key_types }
  }

  #toDevice(): { events: JsonObject[]; next: string } {
    const { asked, session, toDevice: since = 0 } = this.#call
    const { to_device } = asked.extensions
    if (to_device === undefined) return { events: [], next: '0' }
    const limit = Math.max(1, to_device.limit ?? TO_DEVICE)
    const { inbox } = this.#parts
    if (inbox.newest(session.deviceId) <= since) return { events: [], next: String(since) }
    const { events, last } = inbox.batchAfter(session.deviceId, since, limit)
    return { events, next: String(last ?? since) }
  }

  /** What is to be told of profiles; undefined: they are not asked for. */
  #due(news: SyncNews, { sent, windows }: Seen): { parts: ProfilesParts; due: DueProfiles } | undefined {
    const { asked: all, session } = this.#call
    const asked = all.extensions[PROFILES]
    if (asked === undefined) return undefined
    const { ownFields } = this.#parts
    const parts = { news, asked, windows, sent: sent.profiles, userId: session.userId, ownFields }
    return { parts, due: dueProfiles(parts) }
  }

  async #askProfiles(news: SyncNews, seen: Seen): Promise<ToldProfiles> {
    const found = this.#due(news, seen)
    if (found === undefined) return NO_PROFILES
    const { parts, due } = found
    const owners = askedOwners(due)
    if (owners.length === 0) return tellProfiles(parts, due, [])
    // Other polls go on meanwhile, and may begin epochs.
    this.#parts.connections.given(this.#call.name, parseSyncToken(news.token).epoch)
    return tellProfiles(parts, due, await this.#parts.profiles(owners, parts.asked.fields))
  }

  /** As `#askProfiles`; undefined where others must be asked. */
  #profilesAtOnce(news: SyncNews, seen: Seen): ToldProfiles | undefined {
    const found = this.#due(news, seen)
    if (found === undefined) return NO_PROFILES
    return found.due.size > 0 ? undefined : tellProfiles(found.parts, found.due, [])
  }

  #answer(
    news: SyncNews,
    pos: string | undefined,
    { sent, windows, profiles }: Seen & { profiles: ToldProfiles },
  ): SyncAnswer {
    const { asked, name, txnId } = this.#call
    const stays = new Map<string, ClientEvent[]>()
    const encoded = encodeSliding({
      news,
      asked,
      windows,
      sent: sent.rooms,
      view: this.#view(news, sent.rooms, stays),
      keys: this.#keys(),
      toDevice: this.#toDevice(),
      threads: toldThreads(this.#parts.sql, news.span, asked.extensions[THREADS]),
      profiles: profiles.users,
      txnId,
    })
    const isSame = encoded.sent === sent.rooms && profiles.sent === sent.profiles
    const after = isSame ? sent : { rooms: encoded.sent, profiles: profiles.sent }
    const generation = (pos === undefined ? undefined : placeOfPos(pos))?.generation
    const place = {
      name,
      generation: this.#parts.connections.write(name, { generation, sent, after }),
    }
    const token: SyncToken = { ...parseSyncToken(news.token), toDevice: 0 }
    const next = formatPos(token, place)
    this.#parts.connections.given(name, token.epoch)
    this.#parts.order.settle()
    this.#parts.lazy.give(name, next, { initial: pos === undefined, stays })
    return { body: { pos: next, ...encoded.body }, token: next, rest: encoded.rest, news: encoded.news }
  }

  /** @param stays is told of the members that the answer holds */
  #view(news: SyncNews, sent: Slide['sent'], stays: Map<string, ClientEvent[]>): SlidingView {
    const { lazy, listed, memberships, order } = this.#parts
    const { asked, session, name } = this.#call
    const query = { ...this.#query, session: { ...session, deviceId: name } }
    return {
      form: asked.form,
      session,
      now: news.now,
      direct: directRooms(listed),
      isSent: (roomId) => sent.has(memberships.byId(roomId)?.no ?? 0),
      bumpStamp: (room) => order.bumpStamp(room),
      withoutKnown(one, members) {
        const slice = { ...one.slice, state: members }
        // All state is given as it is asked for; else only what the client lacks.
        lazy.withoutKnown(query, { ...one, first: one.task.full, slice })
        stays.set(stayOf(one.room), slice.state)
        return slice.state
      },
    }
  }
}

/** A poll of sliding sync (MSC4186), on one connection of a device. */
import type { Session } from '../../../../src/objects/user/session.ts'
import type { SlidingAsked } from '../../../../src/objects/user/sliding.ts'
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
import type { RoomOrder } from './room-order.ts'
import { NOTHING_SENT, type SentRooms } from './sent-rooms.ts'
import { isSlideBehind, LOOKED_UP, lookAt, planSlide, type Slide } from './slide.ts'
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
    return this.#answer(news, pos, { sent, windows: windows() })
  }

  readAtOnce(pos: string): SyncAnswer | undefined {
    const sent = this.#sentBy(pos)
    const token = parseSyncToken(pos)
    this.#begun ??= token
    const { plan, windows } = this.#planFrom(sent)
    const news = this.#parts.sync.readAtOnce(this.#query, token, plan)
    return news && this.#answer(news, pos, { sent, windows: windows() })
  }

  behind(pos: string): boolean {
    const { heads, memberships, own, inbox, sync } = this.#parts
    const { asked, session, toDevice } = this.#call
    const token = parseSyncToken(pos)
    const sent = this.#parts.connections.sentBy(pos)
    // A connection that is gone is behind: its client is told so.
    if (sent === undefined || !heads.epochs.lives(token) || own() > token.own) return true
    const { to_device, presence } = asked.extensions
    if (to_device !== undefined && inbox.newest(session.deviceId) > (toDevice ?? 0)) return true
    if (presence !== undefined && sync.presenceBehind(token)) return true
    return isSlideBehind({ heads, memberships }, this.#slide(sent), token)
  }

  empty(): JsonObject {
    const { asked } = this.#call
    const nothing = { deviceLists: undefined, accountData: [], rooms: [], roomData: [], presence: [] }
    const news = { query: this.#query, ...nothing } as unknown as SyncNews
    const windows = this.#currentWindows()
    const toDevice = { events: [], next: String(this.#call.toDevice ?? 0) }
    const parts = { news, windows, keys: this.#keys(), toDevice, view: { isSent: () => true } }
    return bodyOf({ windows, txnId: this.#call.txnId }, {}, extensionsOf(parts, asked.extensions).extensions)
  }

  // ------------------------------------------------------------ inside

  /** @throws MatrixError M_UNKNOWN_POS where the connection does not know what the client has */
  #sentBy(pos: string | undefined): SentRooms {
    const sent = pos === undefined ? NOTHING_SENT : this.#parts.connections.sentBy(pos)
    if (sent === undefined) throw unknownPos()
    return sent
  }

  /** Before a first answer: where the rooms stand of which that is not known, if they are not too many. */
  async #lookUp(): Promise<void> {
    const { memberships, order, sync } = this.#parts
    const doubtful = [...memberships.all()].filter(
      ({ no, membership }) => membership === 'join' && order.placeOf(no) === undefined,
    )
    if (doubtful.length > 0 && doubtful.length <= LOOKED_UP)
      await sync.lookUp(this.#query, doubtful.map(lookAt))
  }

  /** Plans an answer by the rooms that the request is about as it begins. */
  #planFrom(sent: SentRooms): { plan: Plan; windows: () => Windows } {
    let windows: Windows | undefined
    const plan: Plan = (parts, _, span) => {
      if (span.absent) throw unknownPos()
      const slide = this.#slide(sent)
      windows = slide.windows
      return planSlide(parts, slide, span)
    }
    return { plan, windows: () => windows ?? this.#currentWindows() }
  }

  #slide(sent: SentRooms): Slide {
    const devices = this.#call.asked.extensions.e2ee !== undefined
    return { windows: this.#currentWindows(), sent, order: this.#parts.order, devices, begun: this.#begun }
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
    const { to_device: asked } = this.#call.asked.extensions
    const since = this.#call.toDevice ?? 0
    if (asked === undefined) return { events: [], next: '0' }
    const limit = Math.max(1, asked.limit ?? TO_DEVICE)
    const { inbox } = this.#parts
    const { deviceId } = this.#call.session
    if (inbox.newest(deviceId) <= since) return { events: [], next: String(since) }
    const { events, last } = inbox.batchAfter(deviceId, since, limit)
    return { events, next: String(last ?? since) }
  }

  #answer(
    news: SyncNews,
    pos: string | undefined,
    { sent, windows }: Pick<Slide, 'sent' | 'windows'>,
  ): SyncAnswer {
    const { asked, name, txnId } = this.#call
    const stays = new Map<string, ClientEvent[]>()
    const encoded = encodeSliding({
      news,
      asked,
      windows,
      sent,
      view: this.#view(news, sent, stays),
      keys: this.#keys(),
      toDevice: this.#toDevice(),
      txnId,
    })
    const generation = (pos === undefined ? undefined : placeOfPos(pos))?.generation
    const place = {
      name,
      generation: this.#parts.connections.write(name, { generation, sent, after: encoded.sent }),
    }
    const token: SyncToken = { ...parseSyncToken(news.token), toDevice: 0 }
    const next = formatPos(token, place)
    this.#parts.connections.given(name, token.epoch)
    this.#parts.order.settle()
    this.#parts.lazy.give(name, next, { initial: pos === undefined, stays })
    return { body: { pos: next, ...encoded.body }, token: next, rest: encoded.rest, news: encoded.news }
  }

  /** @param stays is told of the members that the answer holds */
  #view(news: SyncNews, sent: SentRooms, stays: Map<string, ClientEvent[]>): SlidingView {
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

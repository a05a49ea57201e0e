/** Sliding sync (MSC4186) on a User object: its connections, what their clients were told, and the order of the rooms. */

import type { SlidingAsked, SlidingRequest } from '../../../../src/objects/user/sliding.ts'
import type { Random } from '../../../../src/ports/system.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Inbox } from '../../to-device/inbox.ts'
import type { Heads } from '../heads/heads.ts'
import type { KeyCounts } from '../key-counts.ts'
import { LazyMembers } from '../lazy-members.ts'
import type { Memberships, UserRoom } from '../memberships.ts'
import type { Poll } from '../sockets.ts'
import type { Sync } from '../sync.ts'
import { parseSyncToken, placeOfPos, type SyncToken } from '../sync-token.ts'
import { RoomOrder } from './room-order.ts'
import { formatSent, parseSent, type SentRooms } from './sent-rooms.ts'
import { SlidingReader, unknownPos } from './sliding-reader.ts'
import { askedOf, givenTo, SlidingStore } from './store.ts'
import { type ListedRooms, type Windows, windowsOf } from './windows.ts'

export interface EngineParts {
  sql: SqlStorage
  now: () => number
  random: Pick<Random, 'token'>
  transaction: <T>(work: () => T) => T
  sync: Sync
  heads: Heads
  memberships: Memberships
  inbox: Inbox
  keys: KeyCounts
  /** The newest position of the user's own log. */
  own: () => number
  /** Keeps an epoch for whom a token of it was given. */
  named: (whom: string, epoch: number) => void
  hidesInvite: (room: UserRoom) => boolean
  data: (roomId: string | null, type: string) => JsonObject | undefined
}

/** Long enough that nobody has a token of a connection that is not theirs. */
const NAME_LENGTH = 10
/** Connections whose state is kept in memory. */
const KEPT = 8

export class SlidingEngine {
  readonly lazy = new LazyMembers()
  readonly listed: ListedRooms
  readonly #parts: EngineParts
  readonly #store: SlidingStore
  readonly #known = new Map<string, SentRooms>()
  #order: RoomOrder | undefined
  #used: boolean | undefined
  #savedIn = 0

  constructor(parts: EngineParts) {
    this.#parts = parts
    this.#store = new SlidingStore(parts.sql, parts.now)
    const order = () => this.order
    this.listed = {
      get order() {
        return order()
      },
      hidesInvite: parts.hidesInvite,
      data: parts.data,
      roomOf: (roomId) => parts.memberships.byId(roomId),
    }
  }

  get sync(): Sync {
    return this.#parts.sync
  }

  get heads(): Heads {
    return this.#parts.heads
  }

  get memberships(): Memberships {
    return this.#parts.memberships
  }

  get inbox(): Inbox {
    return this.#parts.inbox
  }

  get keys(): KeyCounts {
    return this.#parts.keys
  }

  get own(): () => number {
    return this.#parts.own
  }

  /** Read when it is first needed. */
  get order(): RoomOrder {
    this.#order ??= new RoomOrder({ ...this.#parts, store: this.#store })
    return this.#order
  }

  /** The order, for a user that has connections; others pay nothing for it. */
  get orderInUse(): RoomOrder | undefined {
    this.#used ??= this.#store.used
    return this.#used ? this.order : undefined
  }

  windowsOf(asked: SlidingAsked): Windows {
    return windowsOf(this.listed, asked)
  }

  /**
   * A request: the client has what the answer with its `pos` held.
   * @throws MatrixError M_UNKNOWN_POS for a `pos` that is not this connection's
   */
  ask({ session, conn, pos, asked, txnId }: SlidingRequest): SlidingReader {
    const { toDevice, text } = remembered(asked)
    const name =
      pos === undefined
        ? this.#begin(session.deviceId, conn, text)
        : this.#goOn(session.deviceId, conn, pos, text)
    this.lazy.cameBack(name, pos)
    if (toDevice !== undefined && /^\d{1,15}$/.test(toDevice) && this.inbox.newest(session.deviceId) > 0)
      this.#parts.transaction(() => this.inbox.acknowledge(session.deviceId, Number(toDevice)))
    return new SlidingReader(this, { session, conn, name, asked, toDevice, txnId })
  }

  /** The reader of a poll that waits. */
  readerOf({ session, sliding }: Poll): SlidingReader {
    const row = this.#store.find(session.deviceId, sliding?.conn ?? '')
    const asked = row === undefined ? NOTHING_ASKED : (JSON.parse(row.asked) as SlidingAsked)
    const { conn = '', toDevice, txnId } = sliding ?? {}
    return new SlidingReader(this, { session, conn, name: row?.name ?? '', asked, toDevice, txnId })
  }

  #begin(deviceId: string, connId: string, asked: string): string {
    const name = this.#parts.random.token(NAME_LENGTH)
    this.#parts.transaction(() => {
      for (const gone of this.#store.begin({ device_id: deviceId, conn_id: connId, name, asked }))
        this.#forget(gone)
    })
    this.#used = true
    return name
  }

  #goOn(deviceId: string, connId: string, pos: string, asked: string): string {
    const row = this.#store.find(deviceId, connId)
    const place = placeOfPos(pos)
    if (row === undefined || place?.name !== row.name || this.findSent(pos) === undefined) throw unknownPos()
    const token = parseSyncToken(pos)
    if (!this.heads.epochs.lives(token) || token.own > this.own()) throw unknownPos()
    if (row.asked !== asked) this.#parts.transaction(() => this.#store.ask(row, asked))
    this.#parts.named(askedOf(row.name), token.epoch)
    return row.name
  }

  /** What the client of a `pos` was told of; undefined where that is not known any more. */
  findSent(pos: string): SentRooms | undefined {
    const place = placeOfPos(pos)
    if (place === undefined) return undefined
    const key = `${place.name}.${place.generation}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const stored = this.#store.readState(place.name, place.generation)
    if (stored === undefined) return undefined
    return this.#keep(key, parseSent(stored))
  }

  #keep(key: string, sent: SentRooms): SentRooms {
    this.#known.delete(key)
    this.#known.set(key, sent)
    if (this.#known.size > KEPT) this.#known.delete(this.#known.keys().next().value as string)
    return sent
  }

  /** Stores what a client has after an answer, where that has changed. Answers the generation that its token names. */
  write(
    name: string,
    { generation, sent, after }: { generation: number | undefined; sent: SentRooms; after: SentRooms },
  ): number {
    if (generation !== undefined && sent === after) return generation
    const next = this.#parts.transaction(() =>
      this.#store.writeState(name, generation ?? 0, formatSent(after)),
    )
    this.#keep(`${name}.${next}`, after)
    return next
  }

  /** A token was given: its epoch is kept until the client comes back, and with a new epoch the order is stored. */
  given(name: string, { epoch }: SyncToken): void {
    this.#parts.named(givenTo(name), epoch)
    const { newest } = this.heads.epochs
    if (this.#savedIn === newest) return
    this.#savedIn = newest
    this.#parts.transaction(() => this.order.save())
  }

  #forget(name: string): void {
    for (const key of [...this.#known.keys()]) if (key.startsWith(`${name}.`)) this.#known.delete(key)
  }

  /** Connections may be gone, with their devices. */
  forgetAll(): void {
    this.#known.clear()
    this.#used = undefined
  }
}

const NOTHING_ASKED: SlidingAsked = { form: 'unstable', configs: [], lists: {}, rooms: {}, extensions: {} }

/** What is stored of a request: where a client stands in its messages changes with each. */
function remembered(asked: SlidingAsked): { toDevice: string | undefined; text: string } {
  const { to_device: messages } = asked.extensions
  const { since: toDevice, ...rest } = messages ?? {}
  const extensions = messages === undefined ? asked.extensions : { ...asked.extensions, to_device: rest }
  return { toDevice, text: JSON.stringify({ ...asked, extensions }) }
}

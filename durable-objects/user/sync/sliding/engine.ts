/** Sliding sync (MSC4186) on a User object: its connections, and the order of the rooms. */
import type { SlidingAsked, SlidingRequest } from '../../../../src/objects/user/sliding.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Inbox } from '../../to-device/inbox.ts'
import type { KeyCounts } from '../key-counts.ts'
import { LazyMembers } from '../lazy-members.ts'
import type { Memberships, UserRoom } from '../memberships.ts'
import type { Poll } from '../sockets.ts'
import type { Sync } from '../sync.ts'
import { Connections, type ConnectionsParts } from './connections.ts'
import { RoomOrder } from './room-order.ts'
import { type ReaderParts, SlidingReader } from './sliding-reader.ts'
import { SlidingStore } from './store.ts'

export interface EngineParts extends Omit<ConnectionsParts, 'store'> {
  sql: SqlStorage
  now: () => number
  sync: Sync
  memberships: Memberships
  inbox: Inbox
  keys: KeyCounts
  hidesInvite: (room: UserRoom) => boolean
  ownFields: ReaderParts['ownFields']
  profiles: ReaderParts['profiles']
  activity: ReaderParts['activity']
  /** A value of the user's own data: of a room, or of none. */
  data: (roomId: string | null, type: string) => JsonObject | undefined
}

export class SlidingEngine {
  readonly #parts: EngineParts
  readonly #store: SlidingStore
  readonly #connections: Connections
  readonly #lazy = new LazyMembers()
  #order: RoomOrder | undefined
  #used: boolean | undefined

  constructor(parts: EngineParts) {
    this.#parts = parts
    this.#store = new SlidingStore(parts.sql, parts.now)
    this.#connections = new Connections({ ...parts, store: this.#store })
  }

  /** The order, for a user that has connections; others pay nothing for it. Read when it is first needed. */
  get order(): RoomOrder | undefined {
    this.#used ??= this.#store.used
    return this.#used ? this.#orderInUse : undefined
  }

  get #orderInUse(): RoomOrder {
    this.#order ??= new RoomOrder({ ...this.#parts, store: this.#store })
    return this.#order
  }

  /**
   * A request: the client has what the answer with its `pos` held, and its messages up to where it stands in them.
   * @throws MatrixError M_UNKNOWN_POS for a `pos` that is not this connection's
   */
  ask(request: SlidingRequest): SlidingReader {
    const { session, conn, pos, asked, txnId } = request
    const { inbox, transaction } = this.#parts
    const { toDevice, text } = remembered(asked)
    const name = this.#connections.ask(request, text)
    this.#used = true
    this.#lazy.cameBack(name, pos)
    if (toDevice !== undefined && inbox.newest(session.deviceId) > 0)
      transaction(() => inbox.acknowledge(session.deviceId, toDevice))
    return new SlidingReader(this.#readerParts, { session, conn, name, asked, toDevice, txnId })
  }

  /** The reader of a poll that waits. */
  readerOf(poll: Poll): SlidingReader {
    const { session, sliding } = poll
    const row = this.#connections.find(poll)
    const asked = row === undefined ? NOTHING_ASKED : (JSON.parse(row.asked) as SlidingAsked)
    const { conn = '', toDevice, txnId } = sliding ?? {}
    return new SlidingReader(this.#readerParts, {
      session,
      conn,
      name: row?.name ?? '',
      asked,
      toDevice,
      txnId,
    })
  }

  get #readerParts(): ReaderParts {
    const { hidesInvite, data, memberships } = this.#parts
    const order = this.#orderInUse
    const roomOf = (roomId: string) => memberships.byId(roomId)
    const listed = { order, hidesInvite, data, roomOf }
    return { ...this.#parts, order, listed, connections: this.#connections, lazy: this.#lazy }
  }

  /** Connections may be gone, with their devices. */
  forget(): void {
    this.#connections.forget()
    this.#used = undefined
  }
}

const NOTHING_ASKED: SlidingAsked = { form: 'unstable', configs: [], lists: {}, rooms: {}, extensions: {} }

/** What is stored of a request: where a client stands in its messages changes with each. */
function remembered(asked: SlidingAsked): { toDevice: number | undefined; text: string } {
  const { to_device: messages } = asked.extensions
  if (messages === undefined) return { toDevice: undefined, text: JSON.stringify(asked) }
  const { since, ...rest } = messages
  const text = JSON.stringify({ ...asked, extensions: { ...asked.extensions, to_device: rest } })
  return { toDevice: since, text }
}

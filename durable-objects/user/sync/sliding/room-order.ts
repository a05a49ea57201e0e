/**
 * The order of the user's rooms, for the lists of sliding sync, and what these filter by: from wakes and answers, without
 * asking every Room (decision 24).
 */
import type { Increment, RoomCard } from '../../../../src/objects/room/sync.ts'
import { isChild, SPACE_CHILD } from '../../../../src/protocol/rooms/spaces.ts'
import { bumps } from '../../../../src/protocol/sliding/bump.ts'
import type { Memberships, UserRoom } from '../memberships.ts'
import type { OrderRow, SlidingStore } from './store.ts'

/** What this asks of the heads. */
export interface OrderHeads {
  head(room: number): number | undefined
  movedIn(room: number): number
  readonly epochs: { readonly newest: number }
}

export interface OrderParts {
  store: Pick<SlidingStore, 'readOrder' | 'writeOrder'>
  heads: OrderHeads
  memberships: Memberships
  transaction: <T>(work: () => T) => T
  now: () => number
}

/** A room's head, as of an epoch: it holds while the room was not noted as moved in that epoch or later. */
interface Place {
  pos: number
  epoch: number
}

const NO_CARD: RoomCard = { newest: 0, bump: 0, type: null, encrypted: false }

export class RoomOrder {
  readonly #parts: OrderParts
  readonly #cards = new Map<number, RoomCard>()
  readonly #places = new Map<number, Place>()
  /** Rooms whose cards were given whole, and not put together from news. */
  readonly #whole = new Set<number>()
  #version = 0
  /** The epoch in which this was stored last. */
  #settledIn = 0
  #sorted: { version: number; rooms: UserRoom[] } | undefined

  constructor(parts: OrderParts) {
    this.#parts = parts
    for (const { no, pos, epoch, card } of parts.store.readOrder()) {
      this.#cards.set(no, card)
      this.#places.set(no, { pos, epoch })
      this.#whole.add(no)
      this.#settledIn = Math.max(this.#settledIn, epoch)
    }
  }

  /** Changes whenever the order or what lists filter by may have changed. */
  get version(): number {
    return this.#version
  }

  card({ no }: UserRoom): RoomCard {
    return this.#cards.get(no) ?? NO_CARD
  }

  /** A Room's answer. */
  learn(no: number, card: RoomCard): void {
    this.#cards.set(no, card)
    this.#whole.add(no)
    this.#version += 1
  }

  /** What the archive has of a room, which may be a moment old: better than nothing, before the Room is asked. */
  hint(no: number, { newest, type, encrypted }: Pick<RoomCard, 'newest' | 'type' | 'encrypted'>): void {
    const known = this.#cards.get(no) ?? NO_CARD
    this.#cards.set(no, {
      ...known,
      newest: Math.max(known.newest, Math.min(newest, this.#parts.now())),
      type: known.type ?? type,
      encrypted: known.encrypted || encrypted,
    })
    this.#version += 1
  }

  /** What a wake carries. */
  advance(no: number, { events }: Increment): void {
    if (events.length === 0) return
    const next = { ...(this.#cards.get(no) ?? NO_CARD) }
    const now = this.#parts.now()
    for (const { event } of events) {
      // Other servers choose the time: none may put a room first for days.
      const sent = Math.min(event.origin_server_ts, now)
      next.newest = Math.max(next.newest, sent)
      if (bumps(event.type)) next.bump = Math.max(next.bump, sent)
      if (event.type === 'm.room.encryption' && event.state_key === '') next.encrypted = true
      if (event.type === SPACE_CHILD && next.children !== undefined) {
        const others = next.children.filter((child) => child !== event.state_key)
        next.children = isChild(event) ? [...others, event.state_key ?? ''] : others
      }
    }
    this.#cards.set(no, next)
    this.#version += 1
  }

  /** The list of rooms has changed. */
  changed(): void {
    this.#version += 1
  }

  /** All rooms, the last active first. */
  sorted(): UserRoom[] {
    if (this.#sorted?.version === this.#version) return this.#sorted.rooms
    const { heads, memberships } = this.#parts
    const placed = [...memberships.all()].map((room) => ({ room, at: this.activeAt(room) }))
    placed.sort(
      (a, b) => b.at - a.at || heads.movedIn(b.room.no) - heads.movedIn(a.room.no) || b.room.own - a.room.own,
    )
    const rooms = placed.map(({ room }) => room)
    this.#sorted = { version: this.#version, rooms }
    return rooms
  }

  /** When something last happened in a room that the user may see, ms. */
  activeAt(room: UserRoom): number {
    return room.membership === 'join' ? Math.max(this.card(room).newest, room.at) : room.at
  }

  /** MSC4186 `bump_stamp`: "for rooms that the user is not currently joined to … when the relevant membership happened". */
  bumpStamp(room: UserRoom): number {
    return room.membership === 'join' ? this.card(room).bump : room.at
  }

  /** Where a room stands, so far as that is certain; undefined: it must be asked. */
  placeOf(no: number): number | undefined {
    if (!this.#whole.has(no)) return undefined
    const { heads } = this.#parts
    const place = this.#places.get(no)
    return heads.head(no) ?? (place !== undefined && heads.movedIn(no) < place.epoch ? place.pos : undefined)
  }

  /** Stores what is known, once in each epoch: soon after its beginning few rooms have moved in it. One row. */
  settle(): void {
    const { heads, memberships, store, transaction } = this.#parts
    const { newest } = heads.epochs
    if (this.#settledIn === newest) return
    this.#settledIn = newest
    const rows: OrderRow[] = []
    for (const no of memberships.joined()) {
      const card = this.#cards.get(no)
      if (card === undefined || !this.#whole.has(no)) continue
      const head = heads.head(no)
      if (head !== undefined) this.#places.set(no, { pos: head, epoch: newest })
      const place = this.#places.get(no)
      if (place !== undefined) rows.push({ no, ...place, card })
    }
    transaction(() => store.writeOrder(rows))
  }
}

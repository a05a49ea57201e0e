/**
 * Which rooms a sync asks, which clients lack something, and where answers stand. The rules of decisions 3, 9 and 10
 * about heads, notes and epochs are methods here and in `known-heads.ts`, without storage or network: the model in
 * `test/durable-objects/sync-model` runs these classes, and overrides one rule after another.
 */
import type { Increment } from '../../../../src/objects/room/sync.ts'
import { type EpochStore, Epochs, type Place, type Positions, placeOfDevices } from './epochs.ts'
import { KeptIncrements } from './kept-increments.ts'
import { KnownHeads, type Question, type Standing } from './known-heads.ts'
import { LeftNews, type LeftPlace, type LeftWake } from './left-news.ts'

/** What outlives an incarnation. */
export interface HeadStore extends EpochStore {
  /** The newest epoch in which each room moved. */
  readNotes(): Iterable<{ room: number; epoch: number }>
  /** Durable with the current turn. */
  writeNote(room: number, epoch: number): void
  transaction<T>(work: () => T): T
}

/** The rooms that the user is in. */
export interface JoinedRooms {
  joined(): Iterable<number>
  isJoined(room: number): boolean
}

export interface HeadParts {
  store: HeadStore
  rooms: JoinedRooms
  /** Rooms that a token names at most. Tests choose a small number, so that epochs begin often. */
  longestTail?: number
}

/** What an answer tells of rooms. */
export interface Told {
  /** Where it stands in the rooms that it tells of. */
  moved: Positions
  /** The rooms that were left, whose leave it does not tell because they were not reached. */
  owed: ReadonlySet<number>
}

/** A client that waits. */
export interface Waiting {
  place: Place
  /** The token stood at every head when this was written. */
  level: boolean
  /** The news that was left then. It is no part of the heads. */
  left?: readonly LeftPlace[] | undefined
}

export class Heads extends KnownHeads {
  readonly epochs: Epochs
  readonly #store: HeadStore
  readonly #rooms: JoinedRooms
  readonly #moved = new Map<number, number>()
  readonly #increments = new KeptIncrements()
  readonly #left = new LeftNews()

  constructor({ store, rooms, longestTail }: HeadParts) {
    super()
    this.#store = store
    this.#rooms = rooms
    this.epochs = new Epochs(store, longestTail)
    for (const { room, epoch } of store.readNotes()) this.#moved.set(room, epoch)
  }

  // ------------------------------------------------------------ what happens to rooms

  /** A wake: noted before it is answered, since the Room then takes the user for told. */
  woken(room: number, to: number): void {
    this.note(room)
    this.raise(room, to)
  }

  /** Keeps what the wake carried. `length`: characters of its JSON. */
  keep(room: number, increment: Increment | undefined, length: number): void {
    this.#increments.keep(room, increment, length)
  }

  /**
   * Begins a pull; `answered` ends it. One that subscribes stands for the wakes up to the head, and its answer may be
   * lost: so the room is noted as moved before it is asked.
   */
  ask(room: number, subscribes: boolean): Question {
    if (subscribes) this.note(room)
    return this.begin(room)
  }

  /** Notes rooms that are about to be asked in one turn, and so in one transaction. */
  noteAll(rooms: Iterable<number>): void {
    for (const room of rooms) this.note(room)
  }

  /**
   * Gives up the wakes of a room. Not while it is being asked: that pull subscribes, and a wake that passes it must not
   * end the subscription.
   * @returns whether they are given up
   */
  release(room: number): boolean {
    if (this.asking(room)) return false
    this.forget(room)
    return true
  }

  override forget(room: number): void {
    super.forget(room)
    this.#increments.drop(room)
    this.#left.drop(room)
  }

  // ------------------------------------------------------------ what waits for a user that does not look

  /** The rooms of which something is left, and up to where. */
  get left(): LeftPlace[] {
    return this.#left.places
  }

  leftTyping(room: number): boolean {
    return this.#left.hasTyping(room)
  }

  /**
   * Leaves a wake for later: it is noted as any other, since the Room takes the user for told, but the head stays where
   * it is, so that waiting clients are level. Where the head is not certain it is better to ask.
   * @returns whether it is left
   */
  leave(wake: LeftWake): boolean {
    const { room } = wake
    if (this.head(room) === undefined || this.asking(room)) return false
    this.note(room)
    return this.takesLeft(wake)
  }

  protected takesLeft(wake: LeftWake): boolean {
    return this.#left.put(wake)
  }

  /** What was left counts as if its wakes came now. @returns whether there was anything */
  takeLeft(): boolean {
    const wakes = this.#left.takeAll()
    for (const { room, to, increment, length } of wakes) {
      this.raise(room, to)
      this.keep(room, increment, length)
    }
    return wakes.length > 0
  }

  /** A room stands where what is left of it leads, though its head is not raised yet. */
  override carries(room: number, standing: Standing): boolean {
    return super.carries(room, standing) || this.#left.to(room) > standing.position
  }

  /** The newest epoch in which a room was noted as moved; 0: none. */
  movedIn(room: number): number {
    return this.#moved.get(room) ?? 0
  }

  /** One row a room an epoch, however busy the room. */
  protected note(room: number): void {
    const epoch = this.epochs.newest
    if (this.movedIn(room) >= epoch) return
    this.#moved.set(room, epoch)
    this.#store.writeNote(room, epoch)
  }

  // ------------------------------------------------------------ what tokens lack

  /**
   * A token names the rooms that differ from its epoch; the others have news only if they moved in it or later.
   * @param since where the token stands in the room
   * @returns the known head, if there is news up to it; `unknown`: the Room must be asked; undefined: there is no news
   */
  newsOf(place: Place, room: number, since: number): number | 'unknown' | undefined {
    // A room that no answer has told of yet is asked, whatever was noted.
    if (since === 0) return 'unknown'
    if (!place.tail.has(room) && this.movedIn(room) < place.epoch) return undefined
    const head = this.head(room)
    if (head === since) return undefined
    // The room was restored from before the token, or tells of typing no more: it knows which.
    return head === undefined || head < since ? 'unknown' : head
  }

  /** The kept increments that lead from `since` to `head` without a gap, if there are such. */
  between(room: number, since: number, head: number): Increment[] | undefined {
    return this.#increments.between(room, since, head)
  }

  /** Whether a client with this token may lack something of the rooms that the user is in. */
  behind(place: Place): boolean {
    for (const room of this.#rooms.joined()) {
      const head = this.head(room)
      const isBehind =
        head === undefined ? this.movedIn(room) >= place.epoch : head > this.epochs.reach(place, room)
      if (isBehind) return true
    }
    return false
  }

  /**
   * Whether a token that lacks nothing teaches every head to an incarnation that reads it. While a Room is being asked
   * none does: the Room takes its answer for the wakes up to its head, and this object may not live to hear it.
   */
  get settled(): boolean {
    return !this.asking()
  }

  /**
   * After an eviction: the tokens of waiting clients make heads known, where they stood at every head.
   * @returns whether Rooms must be asked for a client that waits
   */
  learnFrom(waiting: Iterable<Waiting>): boolean {
    let doubt = false
    for (const { place, level, left = [] } of waiting) {
      if (!level) doubt = true
      else if (this.epochs.lives(place)) {
        for (const room of this.#rooms.joined()) this.learn(room, this.epochs.reach(place, room))
        for (const [room, to] of left) this.#left.put({ room, to, increment: undefined, length: 0 })
      }
    }
    return doubt
  }

  // ------------------------------------------------------------ where answers stand

  /** Where an answer stands that goes on from `from`; starts an epoch where its tail would be too long. */
  placeAfter(from: Place | undefined, { moved, owed }: Told): Place {
    const { epochs } = this
    // The client is yet to see that it left these rooms: the token goes on naming where it stands in them.
    const debts = [...owed].map(
      (room) => [room, from === undefined ? 0 : epochs.position(from, room)] as const,
    )
    const owing = (tail: Positions): Positions => (debts.length === 0 ? tail : new Map([...tail, ...debts]))
    if (from?.epoch === epochs.newest) {
      const tail = epochs.tailAfter(from, moved, (room) => this.#rooms.isJoined(room))
      if (tail !== undefined) return { epoch: from.epoch, tail: owing(tail) }
    }
    const positions = this.#positions(from, moved)
    for (const epoch of new Set([epochs.newest, from?.epoch ?? epochs.newest])) {
      const tail = epochs.tailOver(epoch, positions)
      if (tail !== undefined) return { epoch, tail: owing(tail) }
    }
    return { epoch: this.#startEpoch(positions, moved), tail: new Map(debts) }
  }

  #positions(from: Place | undefined, moved: Positions): Positions {
    const positions = new Map<number, number>()
    const told = (room: number) =>
      moved.get(room) ?? (from === undefined ? 0 : this.epochs.position(from, room))
    for (const room of this.#rooms.joined()) {
      const pos = told(room)
      // A room that did not answer yet is named with 0: a snapshot may know it from another device.
      positions.set(room, pos)
      const devices = placeOfDevices(room)
      if (told(devices) > pos) positions.set(devices, told(devices))
    }
    return positions
  }

  /** Carries notes over in the same transaction: notes of older epochs are not read for newer tokens. */
  #startEpoch(positions: Positions, moved: Positions): number {
    return this.#store.transaction(() => {
      const ended = this.epochs.newest
      const before = this.epochs.snapshot(ended)
      const epoch = this.epochs.start(positions)
      for (const room of this.#rooms.joined()) {
        // A room that a client was not told of yet is asked whatever was noted: what counts is how far it was looked at.
        const position = positions.get(room) || (positions.get(placeOfDevices(room)) ?? 0)
        const untold = !before?.get(room) && !before?.get(placeOfDevices(room))
        const standing = { movedIn: this.movedIn(room), epoch: ended, position, untold }
        if ((position > 0 || moved.has(room)) && this.carries(room, standing)) this.note(room)
      }
      return epoch
    })
  }
}

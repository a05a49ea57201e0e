/** Epochs: snapshots of the user's room positions, so that a token need only name the rooms that differ from one. */

export type Positions = ReadonlyMap<number, number>

/** Where a client stands in its rooms: the part of a sync token that speaks of them. */
export interface Place {
  epoch: number
  /** Position by room number; under its negative, how far the devices of a hidden room were told. */
  tail: Positions
}

/** What keeps the snapshots. */
export interface EpochStore {
  /** The epoch that every user starts with: it is empty for ever, and is not stored. */
  readonly firstEpoch: number
  /** The newest epoch that is stored. */
  newestEpoch(): number | undefined
  readEpoch(epoch: number): Positions | undefined
  /** Stores an epoch, and lets go of those that no token is expected to name. */
  writeEpoch(epoch: number, positions: Positions): void
}

/** No snapshot has this number. */
export const NO_EPOCH = 0

/** A tail longer than this starts a new epoch. */
export const MAX_TAIL = 32

/**
 * The place of a room's devices, where a filter has hidden the room. The room's own place stays where it is: a client
 * that changes its filter misses nothing of the room, and is told of its members' devices once.
 */
export function placeOfDevices(room: number): number {
  return -room
}

const NOTHING: Positions = new Map()

export class Epochs {
  readonly #store: EpochStore
  readonly #longestTail: number
  readonly #snapshots = new Map<number, Positions>()
  #newest: number

  constructor(store: EpochStore, longestTail = MAX_TAIL) {
    this.#store = store
    this.#longestTail = longestTail
    this.#newest = store.newestEpoch() ?? store.firstEpoch
  }

  get newest(): number {
    return this.#newest
  }

  /** The snapshot of an epoch; undefined once it is gone. */
  snapshot(epoch: number): Positions | undefined {
    if (epoch === this.#store.firstEpoch) return NOTHING
    const known = this.#snapshots.get(epoch)
    if (known !== undefined) return known
    const positions = this.#store.readEpoch(epoch)
    if (positions !== undefined) this.#snapshots.set(epoch, positions)
    return positions
  }

  /** Whether a token can still be read: its epoch is stored. */
  lives({ epoch }: Place): boolean {
    return this.snapshot(epoch) !== undefined
  }

  /** Where a token stands in a room: 0 where it does not know the room. Its epoch must be alive. */
  position(place: Place, room: number): number {
    return place.tail.get(room) ?? this.snapshot(place.epoch)?.get(room) ?? 0
  }

  /** How far anything of a room was told: of a hidden one, its devices alone. */
  reach(place: Place, room: number): number {
    return Math.max(this.position(place, room), this.position(place, placeOfDevices(room)))
  }

  /** A tail for `positions` over an epoch's snapshot, if it is short enough. */
  tailOver(epoch: number, positions: Positions): Positions | undefined {
    const snapshot = this.snapshot(epoch)
    if (snapshot === undefined) return undefined
    const tail = new Map<number, number>()
    for (const [room, pos] of positions) {
      if ((snapshot.get(room) ?? 0) === pos) continue
      tail.set(room, pos)
      if (tail.size > this.#longestTail) return undefined
    }
    return tail
  }

  /** The tail of a token of the newest epoch, after `moved`; undefined where it would be too long. */
  tailAfter(place: Place, moved: Positions, isJoined: (room: number) => boolean): Positions | undefined {
    const snapshot = this.snapshot(place.epoch)
    const tail = new Map<number, number>()
    for (const [room, pos] of [...place.tail, ...moved]) {
      if (!isJoined(Math.abs(room))) continue
      if ((snapshot?.get(room) ?? 0) === pos) tail.delete(room)
      else tail.set(room, pos)
    }
    return tail.size <= this.#longestTail ? tail : undefined
  }

  /** Starts an epoch with these positions. Call it inside a transaction. */
  start(positions: Positions): number {
    this.#newest += 1
    this.#store.writeEpoch(this.#newest, positions)
    // The store may have let go of some.
    this.#snapshots.clear()
    return this.#newest
  }
}

/** Tokens, and the snapshots of positions that they refer to: what a User object has stored. */

export interface Token {
  epoch: number
  tail: ReadonlyMap<number, number>
}

/** A longer tail begins a new epoch. */
const LONGEST_TAIL = 2
const KEPT_EPOCHS = 4

export class StoredEpochs {
  newest = 1
  /** The newest epoch in which each room moved. */
  readonly moved = new Map<number, number>()
  readonly #snapshots = new Map<number, ReadonlyMap<number, number>>([[1, new Map()]])

  note(room: number): void {
    this.moved.set(room, this.newest)
  }

  lives(token: Token): boolean {
    return this.#snapshots.has(token.epoch)
  }

  position(token: Token, room: number): number {
    return token.tail.get(room) ?? this.#snapshots.get(token.epoch)?.get(room) ?? 0
  }

  /** A token for these positions; undefined where none would be short enough without a new epoch. */
  shortToken(positions: ReadonlyMap<number, number>, old: Token | undefined): Token | undefined {
    for (const epoch of new Set([this.newest, old?.epoch ?? this.newest])) {
      const snapshot = this.#snapshots.get(epoch)
      if (snapshot === undefined) continue
      const tail = new Map([...positions].filter(([room, pos]) => (snapshot.get(room) ?? 0) !== pos))
      if (tail.size <= LONGEST_TAIL) return { epoch, tail }
    }
    return undefined
  }

  start(positions: ReadonlyMap<number, number>): Token {
    this.newest += 1
    this.#snapshots.set(this.newest, new Map(positions))
    this.#snapshots.delete(this.newest - KEPT_EPOCHS)
    return { epoch: this.newest, tail: new Map() }
  }
}

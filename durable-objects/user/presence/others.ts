/** The presence of others: what waiting clients were told of it, and what was heard and is still to be told. */
import type { PresenceState } from '../../../src/objects/user/presence.ts'
import { compareStates } from '../../../src/protocol/presence.ts'

/** The presence of so many users is kept: those heard of last. */
const MAX_TOLD = 1_000

export class Others {
  /** What was told, with its place: times that never repeat, which outlive an eviction without being stored. */
  readonly #told = new Map<string, { at: number; state: PresenceState }>()
  /** States that were heard and have no place yet: several rooms tell within a moment, for one answer. */
  readonly #heard = new Map<string, PresenceState>()
  #latest = 0

  /** The place of the newest presence told; 0: none. */
  get latest(): number {
    return this.#latest
  }

  get isEmpty(): boolean {
    return this.#told.size === 0
  }

  /** What was heard and not yet told. */
  get heard(): PresenceState[] {
    return [...this.#heard.values()]
  }

  /** What was told after a place; undefined: everything. */
  after(place: number | undefined): PresenceState[] {
    const news: PresenceState[] = []
    for (const { at, state } of this.#told.values()) if (at > (place ?? 0)) news.push(state)
    return news
  }

  /** Answers whether it is news. With `anew` it is news even if it is known. */
  note(state: PresenceState, anew = false): boolean {
    const { userId } = state
    const change = compareStates(state, this.#heard.get(userId) ?? this.#told.get(userId)?.state)
    if (change === 'older' || (change === 'same' && !anew)) return false
    this.#heard.delete(userId)
    this.#heard.set(userId, state)
    return true
  }

  /** What was heard takes its places: the next answer tells it. */
  tell(now: number): void {
    for (const [userId, state] of this.#heard) {
      this.#latest = Math.max(this.#latest + 1, now)
      this.#told.delete(userId)
      this.#told.set(userId, { at: this.#latest, state })
    }
    this.#heard.clear()
    for (const userId of this.#told.keys()) {
      if (this.#told.size <= MAX_TOLD) break
      this.#told.delete(userId)
    }
  }
}

/**
 * How much work it may cost to match one user's data against another's. A unit is one step of our own code, or some
 * characters of a native search.
 */

/** Characters that a native search passes while our own code makes a step. */
const NATIVE_SPEED = 8

/** One evaluation: a user's rules and an event. A thousand keywords and an ordinary message stay far below. */
const ONE_EVALUATION = 250_000
/** One request that evaluates many events. */
const ONE_WALK = 8_000_000

export class MatchWork {
  readonly #limit: number
  #spent = 0

  constructor(limit: number = ONE_EVALUATION) {
    this.#limit = limit
  }

  /** The units that were used. */
  get spent(): number {
    return this.#spent
  }

  /** Whether nothing more may be looked at. */
  get isOver(): boolean {
    return this.#spent >= this.#limit
  }

  /** Takes steps of our own code. Answers whether that many were left: what cannot be paid for does not match. */
  step(count = 1): boolean {
    this.#spent += count
    return !this.isOver
  }

  /** As `step`, for characters that a native search has passed. */
  search(characters: number): boolean {
    return this.step(1 + Math.floor(characters / NATIVE_SPEED))
  }

  /** The work of one evaluation more, paid for by this walk. */
  evaluation<T>(evaluate: (work: MatchWork) => T): T {
    const one = new MatchWork()
    const value = evaluate(one)
    this.#spent += one.spent
    return value
  }

  /** For a request that evaluates many events. */
  static walk(): MatchWork {
    return new MatchWork(ONE_WALK)
  }
}

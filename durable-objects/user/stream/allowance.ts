/** How often a user may say something on streams. In memory alone: an object that has slept has had time to refill it. */

/** So many at once, and then so many a second: as `write` of the HTTP endpoints. */
const BURST = 200
const PER_SECOND = 20
/** A client that goes on, refused so often in a row, is cut off. */
const REFUSED_IN_A_ROW = 200

export class Allowance {
  #left = BURST
  #at = 0
  #refused = 0

  /** Takes one. Answers how long to wait where there is none, ms. */
  take(now: number): number | undefined {
    this.#left = Math.min(BURST, this.#left + ((now - this.#at) / 1_000) * PER_SECOND)
    this.#at = now
    if (this.#left >= 1) {
      this.#left -= 1
      this.#refused = 0
      return undefined
    }
    this.#refused += 1
    return Math.ceil(((1 - this.#left) / PER_SECOND) * 1_000)
  }

  get spent(): boolean {
    return this.#refused >= REFUSED_IN_A_ROW
  }
}

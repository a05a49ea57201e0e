/**
 * How long news wait for more, so that one answer tells of several things. A machine that keeps up makes nobody wait;
 * one that is behind serves each user less often, and so catches up (decision 18).
 */

/** A turn may be this late without being unusual, ms. */
const USUAL_MS = 5
/** How many times the machine's delay a user waits that was served a moment ago. */
const FACTOR = 6
/** Nobody waits longer, ms. */
const LONGEST_MS = 600
/** How long a user that was served a moment ago waits while first syncs wait for each other, ms: they have nothing yet. */
const IN_A_START_MS = 1_500
/** How much of the lateness the newest turn counts for. */
const NEWEST = 0.3

export class Gathering {
  /** How late turns come, ms, smoothed. */
  #late = 0
  #servedAt = Number.NEGATIVE_INFINITY

  /**
   * How long news that come now wait, ms: 0 after a rest.
   * @param othersBegin whether first syncs wait for each other
   */
  wait(now: number, othersBegin: boolean): number {
    const byDelay = Math.min(LONGEST_MS, FACTOR * Math.max(0, this.#late - USUAL_MS))
    const pause = othersBegin ? IN_A_START_MS : byDelay
    return Math.max(0, this.#servedAt + pause - now)
  }

  /** Somebody was given news. */
  served(now: number): void {
    this.#servedAt = now
  }

  /** A turn that was due at a time (ms) has come. */
  turned(due: number, now: number): void {
    this.#late += NEWEST * (Math.max(0, now - due) - this.#late)
  }
}

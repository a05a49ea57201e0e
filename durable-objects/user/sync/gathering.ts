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
/** How much of the lateness the newest turn counts for. */
const NEWEST = 0.3

export class Gathering {
  /** How late turns come, ms, smoothed. */
  #late = 0
  #servedAt = Number.NEGATIVE_INFINITY

  /** How long news that come now wait, ms: 0 after a rest. */
  wait(now: number): number {
    const pause = Math.min(LONGEST_MS, FACTOR * Math.max(0, this.#late - USUAL_MS))
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

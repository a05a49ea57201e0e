/**
 * How long news wait for more, so that one answer tells of several things. A machine that keeps up makes nobody wait;
 * one that is behind serves each user less often, and so catches up (decision 18).
 */
import type { Lateness } from '../../lateness.ts'

/** How long a user that was served a moment ago waits while first syncs wait for each other, ms: they have nothing yet. */
const IN_A_START_MS = 1_500

export class Gathering {
  readonly #lateness: Pick<Lateness, 'pause'>
  #servedAt = Number.NEGATIVE_INFINITY

  constructor(late: Pick<Lateness, 'pause'>) {
    this.#lateness = late
  }

  /**
   * How long news that come now wait, ms: 0 after a rest.
   * @param othersBegin whether first syncs wait for each other
   */
  wait(now: number, othersBegin: boolean): number {
    const pause = othersBegin ? IN_A_START_MS : this.#lateness.pause(now)
    return Math.max(0, this.#servedAt + pause - now)
  }

  /** Somebody was given news. */
  served(now: number): void {
    this.#servedAt = now
  }
}

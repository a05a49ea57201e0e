/** When to try again after a connection was lost. */

export interface Delay {
  /** Tries that failed since the stream was last open. */
  failures: number
  /** The close code of the last one. */
  code: number
  random: () => number
}

const FIRST_MS = 500
const LONGEST_MS = 30_000
/** The server has asked for a pause. */
const TOO_OFTEN = 4429
const PAUSE_MS = 10_000

/**
 * The wait before the next try, ms: it doubles with each failure, and is drawn from the upper half of that, so that
 * clients that lost a server together do not come back together.
 */
export function retryDelay({ failures, code, random }: Delay): number {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10))
  const least = code === TOO_OFTEN ? PAUSE_MS : 0
  return Math.round(Math.max(least, whole) * (0.5 + random() / 2))
}

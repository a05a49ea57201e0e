/** A time limit on a call to a database. */

/** A timer that rings so much later than it was set for says that this machine is behind, ms. */
const LATE_MS = 20
/** How often a call gets its time anew from a machine that is behind. */
const EXTENSIONS = 3

/**
 * Runs `work` with a signal that aborts after `ms`. The timer goes with the work: one that stayed behind, as
 * `AbortSignal.timeout` leaves it, would keep a Durable Object awake and billed until it rings.
 * @param now with it, a call on a machine that is itself behind gets its time anew: its answer may be there already,
 * waiting for the same thread as the timer
 * @throws DeadlinePassed
 */
export async function withDeadline<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  now?: () => number,
): Promise<T> {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const limit = (extensions: number) => {
    const due = now === undefined ? 0 : now() + ms
    timer = setTimeout(() => {
      const isLate = now !== undefined && now() - due > LATE_MS
      if (isLate && extensions > 0) limit(extensions - 1)
      else controller.abort(new DeadlinePassed(isLate))
    }, ms)
  }
  limit(EXTENSIONS)
  try {
    return await work(controller.signal)
  } finally {
    clearTimeout(timer)
  }
}

export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed'
  /** This machine was late itself: the answer may have come in time. */
  readonly isOurs: boolean

  constructor(isOurs: boolean) {
    super()
    this.isOurs = isOurs
  }
}

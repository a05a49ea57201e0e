/** A time limit on a call to a database. */

/**
 * Runs `work` with a signal that aborts after `ms`. The timer goes with the work: one that stayed behind, as
 * `AbortSignal.timeout` leaves it, would keep a Durable Object awake and billed until it rings.
 */
export async function withDeadline<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new DeadlinePassed()), ms)
  try {
    return await work(controller.signal)
  } finally {
    clearTimeout(timer)
  }
}

class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed'
}

/** One piece of work at a time, for what needs most of an isolate's memory. */
import type { Clock } from '../ports.ts'

/** How often one that waits looks whether it is its turn, ms. */
const LOOK_MS = 20
/** One that has not looked for so long is gone: a request is ended with its client, wherever it stands. */
const GONE_MS = 2_000
/** A turn that is not given back ends by itself. */
const TURN_MS = 30_000

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/**
 * Runs what it is given when all that came before has ended; answers `busy` where too many wait already.
 * @param waiting how many may wait
 */
export function inTurn({ waiting, clock }: { waiting: number; clock: Clock }) {
  /** In their order: until when each is there. */
  const queue = new Map<symbol, number>()
  const isFirst = (own: symbol) => {
    const now = clock.now()
    for (const [key, until] of queue) if (until < now && key !== own) queue.delete(key)
    return queue.keys().next().value === own
  }
  return async function turn<T>(work: () => Promise<T>): Promise<T | 'busy'> {
    const own = Symbol('turn')
    isFirst(own)
    if (queue.size > waiting) return 'busy'
    try {
      // One that was taken for gone goes to the end.
      for (queue.set(own, clock.now() + GONE_MS); !isFirst(own); queue.set(own, clock.now() + GONE_MS)) {
        await sleep(LOOK_MS)
      }
      queue.set(own, clock.now() + TURN_MS)
      return await work()
    } finally {
      queue.delete(own)
    }
  }
}

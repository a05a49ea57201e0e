/** One piece of work at a time, for work that needs most of an isolate's memory. */
import type { Clock } from '../ports/system.ts'

/** How often a waiting piece looks whether it is its turn, ms. */
const LOOK_MS = 20
/** A piece that has not looked for this long is gone: a request ends with its client, wherever it stands. */
const GONE_MS = 2_000
/** A turn that is not given back ends by itself. */
const TURN_MS = 30_000

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

type Turn = <T>(work: () => Promise<T>) => Promise<T | 'busy'>

interface Limits {
  /** How many may wait; more are answered `busy`. */
  waiting: number
  clock: Clock
}

/** Runs what it is given when everything before it has ended. */
export function inTurn({ waiting, clock }: Limits): Turn {
  /** In their order: until when each is there. */
  const queue = new Map<symbol, number>()
  const isFirst = (own: symbol) => {
    const now = clock.now()
    for (const [key, until] of queue) if (until < now && key !== own) queue.delete(key)
    return queue.keys().next().value === own
  }
  return async (work) => {
    const own = Symbol('turn')
    isFirst(own)
    if (queue.size > waiting) return 'busy'
    try {
      // A piece that was taken for gone goes to the end.
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

/**
 * The same for many askers: one piece of each waits with those of the others, so nobody waits for all the work of
 * another asker.
 */
export function inTurnByUser(
  limits: Limits,
): <T>(user: string, work: () => Promise<T>) => Promise<T | 'busy'> {
  const all = inTurn({ ...limits, waiting: Number.POSITIVE_INFINITY })
  const users = new Map<string, { turn: Turn; asked: number }>()
  return async (user, work) => {
    const own = users.get(user) ?? { turn: inTurn(limits), asked: 0 }
    users.set(user, own)
    own.asked += 1
    try {
      return await own.turn(() => all(work))
    } finally {
      own.asked -= 1
      if (own.asked === 0) users.delete(user)
    }
  }
}

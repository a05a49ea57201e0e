/** Password hashes, one at a time: each holds up the thread that all requests of a machine share, so few may wait. */
import { MatrixError } from '../protocol/errors.ts'
import { systemClock } from '../system.ts'

const AT_ONCE = 2
const WAITING = 6
/** A client that leaves may take its turn with it, and nobody then gives the turn back. */
const FORGOTTEN_MS = 10_000
const LOOK_AGAIN_MS = 5
const RETRY_AFTER_MS = 1_000

/** When each turn was asked for, oldest first. */
const turns = new Map<symbol, number>()

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Runs `work` when its turn comes. @throws MatrixError M_LIMIT_EXCEEDED when too many wait already */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  dropForgotten()
  if (turns.size >= AT_ONCE + WAITING) {
    throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many passwords are being checked. Try again soon.', {
      extra: { retry_after_ms: RETRY_AFTER_MS },
    })
  }
  const turn = Symbol('turn')
  turns.set(turn, systemClock.now())
  try {
    // One pause at least: all that came at the same moment are counted before the first hash holds them up.
    for (let ms = 0; ms === 0 || !isNext(turn); ms = LOOK_AGAIN_MS) await pause(ms)
    return await work()
  } finally {
    turns.delete(turn)
  }
}

function isNext(turn: symbol): boolean {
  dropForgotten()
  let place = 0
  for (const other of turns.keys()) {
    if (other === turn) break
    place += 1
  }
  return place < AT_ONCE
}

function dropForgotten(): void {
  const oldest = systemClock.now() - FORGOTTEN_MS
  for (const [turn, since] of turns) if (since < oldest) turns.delete(turn)
}

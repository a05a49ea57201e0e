/** Wrong passwords are counted, so that guessing is slow and strangers' guesses do not keep an owner out. */
import type { RateLimit } from '../../src/ports/rate-limits.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppContext } from '../app-env.ts'
import { clientNetwork } from './client-address.ts'
import { counters, refuse } from './rate-limit.ts'

/**
 * For an address, whatever accounts it tries; for an account, wherever the guesses come from. An account that is
 * guessed from many addresses may still be tried from a new one, which may be its owner's: once.
 */
const FAILURES: RateLimit = { action: 'failures', count: 30, seconds: 60 }

interface Attempt {
  /** The localpart; undefined for a name that no account can have. */
  account: string | undefined
  /** Whether a session makes the attempt. No stranger has one, so its guesses count apart from theirs. */
  inSession?: boolean
  /** A token of another system is no guess at anybody's account: it counts for the address alone. */
  ofNobody?: boolean
}

/**
 * Runs an attempt to prove a user's identity by password, unless there were too many wrong ones; counts it if it fails.
 * @param isWrong whether an outcome says that the password was wrong; an M_FORBIDDEN that is thrown says so as well
 * @throws MatrixError M_LIMIT_EXCEEDED, and what the attempt throws
 */
export async function guarded<T>(
  c: AppContext,
  { account, inSession = false, ofNobody = false }: Attempt,
  attempt: () => Promise<T>,
  isWrong: (outcome: T) => boolean = () => false,
): Promise<T> {
  if (!c.var.ports.config.rateLimits) return attempt()
  const network = inSession ? 'session' : clientNetwork(c)
  const keys = keysOf(account, network, { inSession, ofNobody })
  refuse(await waitFor(c, keys))
  const count = async () => refuse(await counters(c, (limiter) => limiter.hit(FAILURES, keys)))
  try {
    const outcome = await attempt()
    if (isWrong(outcome)) await count()
    return outcome
  } catch (error) {
    if (error instanceof MatrixError && error.errcode === 'M_FORBIDDEN') await count()
    throw error
  }
}

function keysOf(
  account: string | undefined,
  network: string,
  { inSession, ofNobody }: { inSession: boolean; ofNobody: boolean },
): string[] {
  if (ofNobody) return [`token:${network}`, `address:${network}`]
  const pair = `pair:${account}:${network}`
  return inSession ? [pair] : [pair, `address:${network}`, `account:${account}`]
}

async function waitFor(c: AppContext, keys: string[]): Promise<number | undefined> {
  const { counts, endsInMs } = await counters(c, (limiter) => limiter.counted(FAILURES, keys))
  const [together = 0, ofAddress = 0, ofAccount = 0] = counts
  const isGuessed = ofAccount >= FAILURES.count
  const isOver = Math.max(together, ofAddress) >= FAILURES.count || (isGuessed && together > 0)
  return isOver ? endsInMs : undefined
}

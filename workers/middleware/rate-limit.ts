/** Rate limits: rare, costly actions are counted in Redis for all isolates, frequent ones in this isolate alone. */
import type { Context, MiddlewareHandler } from 'hono'
import type { RateLimit } from '../../src/ports.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppEnv } from '../app-env.ts'

/** Counted for each account, and for each address where a trusted proxy names it. */
const LIMITS = {
  login: { action: 'login', count: 30, seconds: 60 },
  registration: { action: 'registration', count: 20, seconds: 60 },
  rendezvous: { action: 'rendezvous', count: 30, seconds: 60 },
} satisfies Record<string, RateLimit>

/** So many at once, and then so many a second. */
interface Allowance {
  burst: number
  perSecond: number
}

const ALLOWANCES = {
  message: { burst: 50, perSecond: 10 },
  join: { burst: 20, perSecond: 1 },
  invite: { burst: 20, perSecond: 1 },
  search: { burst: 30, perSecond: 2 },
  upload: { burst: 50, perSecond: 1 },
  // "Servers should limit the number of pending media uploads a given user can have."
  reservation: { burst: 10, perSecond: 0.2 },
  preview: { burst: 30, perSecond: 0.5 },
  report: { burst: 10, perSecond: 0.1 },
  // Two devices ask once a second each.
  rendezvous: { burst: 100, perSecond: 20 },
} satisfies Record<string, Allowance>

interface Bucket {
  tokens: number
  at: number
}

const buckets = new Map<string, Bucket>()
const MAX_BUCKETS = 10_000

/** Limits what a session does often: no network call. Stands behind `accessToken`. */
export function limitSession(action: keyof typeof ALLOWANCES): MiddlewareHandler<AppEnv> {
  const allowance = ALLOWANCES[action]
  return async function limited(c, next) {
    const { ports, session } = c.var
    if (ports.config.rateLimits) {
      refuse(takeToken(`${action}:${session.userId}`, allowance, ports.clock.now()))
    }
    await next()
  }
}

/**
 * Counts several of one action, as a request that does them all: the next must wait until all are paid for.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export function countActions(c: Context<AppEnv>, action: keyof typeof ALLOWANCES, times: number): void {
  const { ports, session } = c.var
  if (!ports.config.rateLimits || times === 0) return
  refuse(takeToken(`${action}:${session.userId}`, ALLOWANCES[action], ports.clock.now(), times))
}

/** Limits what is asked without a session, by address; all together where addresses are not known. No network call. */
export function limitAddress(action: keyof typeof ALLOWANCES): MiddlewareHandler<AppEnv> {
  const allowance = ALLOWANCES[action]
  return async function limited(c, next) {
    const { ports } = c.var
    if (ports.config.rateLimits) {
      refuse(takeToken(`${action}:${clientAddress(c) ?? 'anybody'}`, allowance, ports.clock.now()))
    }
    await next()
  }
}

/**
 * Counts an attempt for the address it comes from, and for the account it names.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export async function countAttempt(
  c: Context<AppEnv>,
  action: keyof typeof LIMITS,
  account?: string,
): Promise<void> {
  const { ports } = c.var
  if (!ports.config.rateLimits) return
  const limit = LIMITS[action]
  const keys: string[] = []
  if (account !== undefined) keys.push(`account:${account}`)
  const address = clientAddress(c)
  if (address !== undefined) keys.push(`address:${address}`)
  refuse(await ports.limiter.hit(limit, keys).catch(() => countHere(limit, keys, ports.clock.now())))
}

/** The client's address, as the last proxy wrote it: what stands before that, a client may have written itself. */
export function clientAddress(c: Context<AppEnv>): string | undefined {
  const { clientAddressHeader } = c.var.ports.config
  if (clientAddressHeader === undefined) return undefined
  return c.req.header(clientAddressHeader)?.split(',').at(-1)?.trim() || undefined
}

/** Without Redis each isolate counts for itself, so that guessing passwords stays slow. */
function countHere({ action, count, seconds }: RateLimit, keys: string[], now: number): number | undefined {
  const allowance = { burst: count, perSecond: count / seconds }
  const waits = keys.map((key) => takeToken(`${action}:${key}`, allowance, now) ?? 0)
  return Math.max(0, ...waits) || undefined
}

/**
 * Takes tokens from a bucket that fills by itself; answers the ms to wait when there is none. Whoever finds one may
 * take more than there are, and leaves a debt.
 */
function takeToken(key: string, { burst, perSecond }: Allowance, now: number, count = 1): number | undefined {
  const { tokens, at } = buckets.get(key) ?? { tokens: burst, at: now }
  const filled = Math.min(burst, tokens + (Math.max(0, now - at) / 1000) * perSecond)
  if (filled < 1) return Math.ceil(((1 - filled) / perSecond) * 1000)
  buckets.delete(key)
  if (buckets.size >= MAX_BUCKETS) dropOldest()
  buckets.set(key, { tokens: filled - count, at: now })
  return undefined
}

/** The bucket that was used longest ago is the fullest. */
function dropOldest(): void {
  const [oldest] = buckets.keys()
  if (oldest !== undefined) buckets.delete(oldest)
}

function refuse(retryAfterMs: number | undefined): void {
  if (retryAfterMs === undefined) return
  throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many requests', { extra: { retry_after_ms: retryAfterMs } })
}

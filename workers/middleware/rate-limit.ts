/** Rate limits: everything is counted in this isolate by the class of its route, entries to accounts in Redis for all. */
import type { Context } from 'hono'
import type { Session } from '../../src/objects/user/session.ts'
import type { RateLimit, RateLimiter } from '../../src/ports/rate-limits.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppEnv } from '../app-env.ts'
import { Buckets } from './buckets.ts'
import { clientNetwork } from './client-address.ts'
import { requestedRow } from './endpoint-row.ts'
import { MemoryLimiter } from './memory-limiter.ts'
import { ALLOWANCES, type RateClass } from './rates.ts'

/** For each address. */
const LIMITS = {
  registration: { action: 'registration', count: 20, seconds: 60 },
  rendezvous: { action: 'rendezvous', count: 30, seconds: 60 },
} satisfies Record<string, RateLimit>

const users = new Buckets()
const addresses = new Buckets()
let inMemory: MemoryLimiter | undefined

/**
 * Counts a request for its user, by the class of its route. No network call.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export function countForUser(c: Context<AppEnv>, userId: string): void {
  if (!c.var.ports.config.rateLimits) return
  const { rate } = classOf(c)
  if (rate !== 'free') take(c, users, rate, userId)
}

/**
 * Counts a request for its address, by the class of its route, where no session is asked for. No network call.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export function countForAddress(c: Context<AppEnv>): void {
  if (!c.var.ports.config.rateLimits) return
  const { rate, isOpen } = classOf(c)
  if (rate !== 'free' && (isOpen || !hasToken(c))) take(c, addresses, rate, clientNetwork(c))
}

/**
 * Counts a request whose token nobody knows: whoever made it up is counted as one without.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export function countStranger(c: Context<AppEnv>): void {
  if (!c.var.ports.config.rateLimits) return
  const { rate, isOpen } = classOf(c)
  // An open route has counted the address already.
  if (rate !== 'free' && !isOpen) take(c, addresses, rate, clientNetwork(c))
}

/**
 * Counts several of one action, as a request that does them all: the next must wait until all are paid for.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export function countActions(c: Context<AppEnv>, action: RateClass, times: number): void {
  if (c.var.ports.config.rateLimits && times > 0) take(c, users, action, c.var.session.userId, times)
}

/**
 * Counts a picture that is decoded, for the session's user, or for the address where there is no session.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export function countPicture(c: Context<AppEnv>): void {
  const session: Session | undefined = c.var.session
  if (!c.var.ports.config.rateLimits) return
  if (session !== undefined) take(c, users, 'picture', session.userId)
  else take(c, addresses, 'picture', clientNetwork(c))
}

/**
 * Counts an attempt for the address it comes from.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export async function countAttempt(c: Context<AppEnv>, action: keyof typeof LIMITS): Promise<void> {
  if (!c.var.ports.config.rateLimits) return
  const limit = LIMITS[action]
  refuse(await counters(c, (limiter) => limiter.hit(limit, [clientNetwork(c)])))
}

/** Asks Redis, and this isolate's own memory where Redis does not answer. */
export function counters<T>(c: Context<AppEnv>, ask: (limiter: RateLimiter) => Promise<T>): Promise<T> {
  const { clock, limiter } = c.var.ports
  inMemory ??= new MemoryLimiter(() => clock.now())
  const memory = inMemory
  return ask(limiter).catch(() => ask(memory))
}

/** @throws MatrixError M_LIMIT_EXCEEDED, where there is a time to wait (ms) */
export function refuse(retryAfterMs: number | undefined): void {
  if (retryAfterMs === undefined) return
  throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many requests', { extra: { retry_after_ms: retryAfterMs } })
}

function take(c: Context<AppEnv>, buckets: Buckets, rate: RateClass, key: string, times = 1): void {
  refuse(buckets.take(`${rate}:${key}`, ALLOWANCES[rate], c.var.ports.clock.now(), times))
}

/** An unknown path is as dear as a read. */
function classOf(c: Context<AppEnv>): { rate: RateClass | 'free'; isOpen: boolean } {
  const row = requestedRow(c)
  return { rate: row?.limit ?? 'read', isOpen: row?.auth === 'none' }
}

function hasToken(c: Context<AppEnv>): boolean {
  return c.req.header('authorization') !== undefined || Boolean(c.req.query('access_token'))
}

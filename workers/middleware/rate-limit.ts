/**
 * Rate limits. This isolate counts everything by the class of its route; Redis counts logins and the like for all
 * isolates.
 */
import type { Context } from 'hono'
import { askingUser } from '../../src/accounts/requester.ts'
import type { RateLimit, RateLimiter } from '../../src/ports/rate-limits.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { type AppContext, portsIn, requesterIn, type UserContext } from '../app-env.ts'
import { Buckets } from './buckets.ts'
import { clientNetwork } from './client-address.ts'
import { type EndpointRow, requestedRow } from './endpoint-row.ts'
import { MemoryLimiter } from './memory-limiter.ts'
import { ALLOWANCES, type RateClass } from './rates.ts'

/** For each address. */
const LIMITS = {
  registration: { action: 'registration', count: 20, seconds: 60 },
  rendezvous: { action: 'rendezvous', count: 30, seconds: 60 },
} satisfies Record<string, RateLimit>

const users = new Buckets()
const addresses = new Buckets()
const servers = new Buckets()
let inMemory: MemoryLimiter | undefined

/** An unknown path costs as much as a read. */
const UNKNOWN = { limit: 'read', auth: 'optional' } as const

/**
 * Counts a request for its user, by the class of its endpoint. No network call.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export function countForUser(c: AppContext, { limit }: EndpointRow, userId: string): void {
  if (portsIn(c).config.rateLimits && limit !== 'free') take(c, users, limit, userId)
}

/**
 * Counts a request for its address, by the class of its route, where no session is asked for. No network call.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export function countForAddress(c: AppContext): void {
  if (!portsIn(c).config.rateLimits) return
  const { limit, auth } = requestedRow(c as unknown as Context) ?? UNKNOWN
  if (limit !== 'free' && (auth === 'none' || !hasToken(c))) take(c, addresses, limit, clientNetwork(c))
}

/**
 * Counts a request with an unknown token for its address, as a request without a token.
 * @param times what it costs, in requests
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export function countStranger(c: AppContext, { limit }: EndpointRow, times = 1): void {
  if (portsIn(c).config.rateLimits && limit !== 'free') take(c, addresses, limit, clientNetwork(c), times)
}

/**
 * Counts a request that another server has signed.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export function countForServer(c: AppContext, { limit }: EndpointRow, origin: string): void {
  if (portsIn(c).config.rateLimits && limit !== 'free') take(c, servers, limit, origin)
}

/**
 * Counts several actions of one kind, for a request that does them all: the next must wait until all are paid for.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export function countActions(c: UserContext, action: RateClass, times: number): void {
  if (portsIn(c).config.rateLimits && times > 0) take(c, users, action, c.var.requester.userId, times)
}

/**
 * Counts a picture that is decoded, for the session's user, or for the address where there is no session.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export function countPicture(c: AppContext): void {
  if (!portsIn(c).config.rateLimits) return
  const userId = askingUser(requesterIn(c))
  if (userId !== undefined) take(c, users, 'picture', userId)
  else take(c, addresses, 'picture', clientNetwork(c))
}

/**
 * Counts an attempt for the address it comes from.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export async function countAttempt(c: AppContext, action: keyof typeof LIMITS): Promise<void> {
  if (!portsIn(c).config.rateLimits) return
  const limit = LIMITS[action]
  refuse(await counters(c, (limiter) => limiter.hit(limit, [clientNetwork(c)])))
}

/** Asks Redis, and this isolate's own memory where Redis does not answer. */
export function counters<T>(c: AppContext, ask: (limiter: RateLimiter) => Promise<T>): Promise<T> {
  const { clock, limiter } = portsIn(c)
  inMemory ??= new MemoryLimiter(() => clock.now())
  const memory = inMemory
  return ask(limiter).catch(() => ask(memory))
}

/** @throws MatrixError M_LIMIT_EXCEEDED, where there is a time to wait (ms) */
export function refuse(retryAfterMs: number | undefined): void {
  if (retryAfterMs === undefined) return
  throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many requests', { extra: { retry_after_ms: retryAfterMs } })
}

function take(c: AppContext, buckets: Buckets, rate: RateClass, key: string, times = 1): void {
  refuse(buckets.take(`${rate}:${key}`, ALLOWANCES[rate], portsIn(c).clock.now(), times))
}

function hasToken(c: AppContext): boolean {
  return c.req.header('authorization') !== undefined || Boolean(c.req.query('access_token'))
}

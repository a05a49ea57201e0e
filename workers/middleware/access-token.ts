/** Who a request speaks for: its access token, and whether the session behind it is still alive. */
import type { Context, MiddlewareHandler } from 'hono'
import { verifyAccessToken } from '../../src/accounts/access-token.ts'
import type { Session } from '../../src/ports.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppEnv } from '../app-env.ts'

/** How long this isolate believes what Redis or the User object said: a revoked token may live that much longer elsewhere. */
const BELIEVED_MS = 5000
const MAX_BELIEVED = 10_000

const believed = new Map<string, { session: Session; until: number }>()

/**
 * Lets a live session pass. Redis is asked, and the User object where Redis does not know or does not answer:
 * so Redis logs nobody out, and a hiccup of storage is never a verdict about a token.
 */
export const accessToken: MiddlewareHandler<AppEnv> = async (c, next) => {
  const session = await claimsOf(c)
  const now = c.var.ports.clock.now()
  if (!isBelieved(session, now)) {
    await checkLive(c, session)
    believe(session, now)
  }
  c.set('session', session)
  await next()
}

/** Checks the token's signature alone: for handlers whose next call goes to the User object, which knows its sessions. */
export const tokenClaims: MiddlewareHandler<AppEnv> = async (c, next) => {
  c.set('session', await claimsOf(c))
  await next()
}

/** Makes this isolate ask again about the sessions of a user, or of one of their devices: they may have ended. */
export function forgetSessions(userId: string, deviceId?: string): void {
  for (const [sessionId, { session }] of believed) {
    if (session.userId !== userId) continue
    if (deviceId === undefined || session.deviceId === deviceId) believed.delete(sessionId)
  }
}

async function claimsOf(c: Context<AppEnv>): Promise<Session> {
  const token = tokenOf(c)
  if (token === undefined) throw new MatrixError('M_MISSING_TOKEN', 'Missing access token')
  const { tokenKeys, serverName } = c.var.ports.config
  const session = await verifyAccessToken(token, tokenKeys, serverName)
  if (session === undefined) throw new MatrixError('M_UNKNOWN_TOKEN', 'Unrecognised access token')
  return session
}

/** By header, or by query parameter: gone since 1.20, but allowed in the versions that we name. */
function tokenOf(c: Context<AppEnv>): string | undefined {
  const [, fromHeader] = /^Bearer +(\S+) *$/i.exec(c.req.header('authorization') ?? '') ?? []
  return fromHeader ?? (c.req.query('access_token') || undefined)
}

async function checkLive(c: Context<AppEnv>, session: Session): Promise<void> {
  const { ports, objects } = c.var
  const copy = await ports.sessions.get(session.sessionId).catch(() => undefined)
  const isVouchedFor = copy?.userId === session.userId && copy.deviceId === session.deviceId
  if (!isVouchedFor) await objects.user(session.userId).checkSession(session)
}

function isBelieved({ sessionId }: Session, now: number): boolean {
  const entry = believed.get(sessionId)
  return entry !== undefined && now < entry.until
}

/** The one believed longest goes first when there are too many: it costs one more question. */
function believe(session: Session, now: number): void {
  believed.delete(session.sessionId)
  if (believed.size >= MAX_BELIEVED) {
    const [oldest] = believed.keys()
    if (oldest !== undefined) believed.delete(oldest)
  }
  believed.set(session.sessionId, { session, until: now + BELIEVED_MS })
}

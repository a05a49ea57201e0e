/** The access token of a request, and whether the session behind it is alive. */
import { type TokenSession, verifyAccessToken, verifyToken } from '../../src/accounts/access-token.ts'
import { requesterOf, type UserRequester } from '../../src/accounts/requester.ts'
import { takeFault } from '../../src/faults.ts'
import type { Session } from '../../src/objects/user/session.ts'
import type { TokenKey } from '../../src/ports/config.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { type AppContext, portsIn } from '../app-env.ts'
import type { EndpointRow } from './endpoint-row.ts'
import { refuseGuest, refuseSuspended } from './permitted.ts'
import { countForUser, countStranger } from './rate-limit.ts'

/** How long this isolate believes what Redis or the User object said: a revoked token may live that much longer elsewhere. */
const BELIEVED_MS = 5000
const MAX_BELIEVED = 10_000

interface Belief {
  session: Session
  suspended: boolean
  until: number
}

const believed = new Map<string, Belief>()

/**
 * Lets a live session pass. The User object is asked; if Redis keeps copies of sessions, only where Redis does not know
 * or does not answer. So an empty Redis ends no session, and a failure of storage is never a verdict about a token.
 */
export async function liveSession(c: AppContext, row: EndpointRow): Promise<UserRequester> {
  return requireLive(c, row, await claimsOf(c, row))
}

/** As above, of a token that was read already. @throws MatrixError M_UNKNOWN_TOKEN, M_USER_LOCKED, M_USER_SUSPENDED */
export async function requireLive(
  c: AppContext,
  row: EndpointRow,
  session: TokenSession,
): Promise<UserRequester> {
  const now = portsIn(c).clock.now()
  if (session.expiresAt !== undefined && session.expiresAt <= now) throw tokenExpired()
  const belief = beliefIn(session, now) ?? believe(session, now, await checkLive(c, session))
  if (belief.suspended) await refuseSuspended(c, row, session)
  return requesterOf(session)
}

/** Checks the token's signature alone: for handlers whose next call goes to the User object, which knows its sessions. */
export async function sessionByClaims(c: AppContext, row: EndpointRow): Promise<UserRequester> {
  return requesterOf(await claimsOf(c, row))
}

/** Checks the token of a request that has one. */
export async function optionalSession(c: AppContext, row: EndpointRow): Promise<UserRequester | undefined> {
  const hasToken = c.req.header('authorization') !== undefined || Boolean(c.req.query('access_token'))
  return hasToken ? liveSession(c, row) : undefined
}

/** Makes this isolate ask again about the sessions of a user, or of one of the user's devices: they may have ended. */
export function forgetSessions(userId: string, deviceId?: string): void {
  for (const [sessionId, { session }] of believed) {
    if (session.userId !== userId) continue
    if (deviceId === undefined || session.deviceId === deviceId) believed.delete(sessionId)
  }
}

async function claimsOf(c: AppContext, row: EndpointRow): Promise<TokenSession> {
  const token = tokenOf(c)
  if (token === undefined) throw new MatrixError('M_MISSING_TOKEN', 'Missing access token')
  return tokenSession(c, row, token)
}

/** What a token says, by its signature alone. Counts the request. @throws MatrixError M_UNKNOWN_TOKEN */
export async function tokenSession(c: AppContext, row: EndpointRow, token: string): Promise<TokenSession> {
  const { tokenKeys, retiredTokenKeys, serverName } = portsIn(c).config
  const session = await verifyAccessToken(token, tokenKeys, serverName)
  if (session === undefined) {
    countStranger(c, row)
    throw await unknownToken(token, retiredTokenKeys, serverName)
  }
  countForUser(c, row, session.userId)
  if (session.guest === true) refuseGuest(row)
  return session
}

/** A token signed by a retired key was ours: the operator has logged all users out, and the client keeps its keys. */
async function unknownToken(token: string, retired: TokenKey[], serverName: string): Promise<MatrixError> {
  const wasOurs = (await verifyToken(token, retired, serverName)) !== undefined
  if (!wasOurs) return new MatrixError('M_UNKNOWN_TOKEN', 'Unrecognised access token')
  return new MatrixError('M_UNKNOWN_TOKEN', 'Everybody has been logged out: log in again', {
    extra: { soft_logout: true },
  })
}

/** As the User object says it: the client keeps its keys. */
function tokenExpired(): MatrixError {
  return new MatrixError('M_UNKNOWN_TOKEN', 'The access token has expired', { extra: { soft_logout: true } })
}

/**
 * By header, or by query parameter: gone since 1.20, but allowed in the versions that we name. A token that is damaged
 * is an unknown one, and not a missing one.
 */
function tokenOf(c: AppContext): string | undefined {
  const [, fromHeader] = /^Bearer +(\S.*)$/is.exec(c.req.header('authorization') ?? '') ?? []
  return fromHeader?.trimEnd() ?? (c.req.query('access_token') || undefined)
}

/** Redis holds no copies of suspended users' sessions. */
async function checkLive(c: AppContext, session: Session): Promise<{ suspended: boolean }> {
  const { ports, objects } = c.var
  const copy = await ports.sessions.get(session.sessionId).catch(() => undefined)
  const isVouchedFor = copy?.userId === session.userId && copy.deviceId === session.deviceId
  return isVouchedFor ? { suspended: false } : objects.user(session.userId).checkSession(session)
}

function beliefIn({ sessionId }: Session, now: number): Belief | undefined {
  if (takeFault('session:not-believed')) return undefined
  const belief = believed.get(sessionId)
  return belief !== undefined && now < belief.until ? belief : undefined
}

/** If there are too many, the one that is believed longest goes first, which costs one more question. */
function believe(session: Session, now: number, { suspended }: { suspended: boolean }): Belief {
  believed.delete(session.sessionId)
  if (believed.size >= MAX_BELIEVED) {
    const [oldest] = believed.keys()
    if (oldest !== undefined) believed.delete(oldest)
  }
  const belief = { session, suspended, until: now + BELIEVED_MS }
  believed.set(session.sessionId, belief)
  return belief
}

/** Access tokens: JWTs that name user, device and session, so that rubbish is refused without a call. */
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose'
import * as z from 'zod'
import type { Session } from '../objects/user/session.ts'
import type { TokenKey } from '../ports/config.ts'
import type { JsonValue } from '../protocol/events/canonical-json.ts'
import { rememberUser } from './known-users.ts'

const ALGORITHM = 'HS256'

/** Tokens whose signature this isolate has checked. Whether the session still lives is asked of its owner each time. */
const checked = new Map<string, TokenSession>()
const MAX_CHECKED = 5000

/** `until`: ms, since `exp` counts whole seconds and is judged by the reader's clock. */
const Claims = z.object({
  iss: z.string(),
  sub: z.string(),
  did: z.string(),
  sid: z.string(),
  gst: z.literal(true).optional(),
  until: z.number().optional(),
})

/** What a token says: its session, and until when (ms) it may be used. */
export interface TokenSession extends Session {
  expiresAt?: number
}

/** A token for the session, signed with the newest key. */
export function issueAccessToken(
  { deviceId, sessionId, userId, guest, expiresAt }: TokenSession,
  keys: TokenKey[],
  serverName: string,
): Promise<string> {
  const claims = {
    did: deviceId,
    sid: sessionId,
    ...(guest === true && { gst: true }),
    ...(expiresAt !== undefined && { until: expiresAt }),
  }
  return signToken(claims, userId, keys, serverName)
}

/** A JWT of this server about a user, signed with the newest key. */
export function signToken(
  claims: Record<string, JsonValue>,
  userId: string,
  keys: TokenKey[],
  serverName: string,
): Promise<string> {
  const [key] = keys
  if (key === undefined) throw new Error('There is no key to sign tokens with')
  return new SignJWT(claims)
    .setProtectedHeader({ alg: ALGORITHM, kid: key.id })
    .setIssuer(serverName)
    .setSubject(userId)
    .sign(key.secret)
}

/**
 * The session that a token names, or undefined if the token is not ours. It may have ended, or its token expired: the
 * caller checks that.
 */
export async function verifyAccessToken(
  token: string,
  keys: TokenKey[],
  serverName: string,
): Promise<TokenSession | undefined> {
  const known = checked.get(token)
  if (known !== undefined) return known
  const session = sessionOf(await verifyToken(token, keys, serverName))
  if (session !== undefined) remember(token, session)
  return session
}

/** What a JWT of this server says, or undefined if it is not one. */
export async function verifyToken(token: string, keys: TokenKey[], serverName: string): Promise<unknown> {
  try {
    const { kid } = decodeProtectedHeader(token)
    const key = keys.find(({ id }) => id === kid)
    if (key === undefined) return undefined
    const { payload } = await jwtVerify(token, key.secret, { algorithms: [ALGORITHM], issuer: serverName })
    if (payload.sub !== undefined) rememberUser(payload.sub)
    return payload
  } catch (error) {
    // `decodeProtectedHeader` throws a TypeError for text that does not have the form of a token.
    if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined
    throw error
  }
}

function sessionOf(payload: unknown): TokenSession | undefined {
  const claims = Claims.safeParse(payload)
  if (!claims.success) return undefined
  const { sub, did, sid, gst, until } = claims.data
  return {
    userId: sub,
    deviceId: did,
    sessionId: sid,
    ...(gst === true && { guest: true }),
    ...(until !== undefined && { expiresAt: until }),
  }
}

/** The oldest goes first: it costs one more check. */
function remember(token: string, session: TokenSession): void {
  if (checked.size >= MAX_CHECKED) {
    const [oldest] = checked.keys()
    if (oldest !== undefined) checked.delete(oldest)
  }
  checked.set(token, session)
}

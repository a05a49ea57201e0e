/** Access tokens: JWTs that name user, device and session, so that rubbish is refused without a call. */
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose'
import * as z from 'zod'
import type { Session, TokenKey } from '../ports.ts'

const ALGORITHM = 'HS256'

/** Tokens whose signature this isolate has checked; what they stand for is still asked of the session's owner. */
const checked = new Map<string, Session>()
const MAX_CHECKED = 5000

const Claims = z.object({ iss: z.string(), sub: z.string(), did: z.string(), sid: z.string() })

/** A token for the session, signed with the newest key. */
export function issueAccessToken(session: Session, keys: TokenKey[], serverName: string): Promise<string> {
  const [key] = keys
  if (key === undefined) throw new Error('There is no key to sign tokens with')
  return new SignJWT({ did: session.deviceId, sid: session.sessionId })
    .setProtectedHeader({ alg: ALGORITHM, kid: key.id })
    .setIssuer(serverName)
    .setSubject(session.userId)
    .sign(key.secret)
}

/** The session that a token names, or undefined when it is not one of ours. Says nothing of whether that has ended. */
export async function verifyAccessToken(
  token: string,
  keys: TokenKey[],
  serverName: string,
): Promise<Session | undefined> {
  const known = checked.get(token)
  if (known !== undefined) return known
  const session = await sessionOf(token, keys, serverName)
  if (session !== undefined) remember(token, session)
  return session
}

async function sessionOf(token: string, keys: TokenKey[], serverName: string): Promise<Session | undefined> {
  try {
    const { kid } = decodeProtectedHeader(token)
    const key = keys.find(({ id }) => id === kid)
    if (key === undefined) return undefined
    const { payload } = await jwtVerify(token, key.secret, { algorithms: [ALGORITHM], issuer: serverName })
    const claims = Claims.safeParse(payload)
    if (!claims.success) return undefined
    const { sub, did, sid } = claims.data
    return { userId: sub, deviceId: did, sessionId: sid }
  } catch (error) {
    // `decodeProtectedHeader` throws a TypeError for what has not the form of a token.
    if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined
    throw error
  }
}

/** The oldest goes first: it costs one more check. */
function remember(token: string, session: Session): void {
  if (checked.size >= MAX_CHECKED) {
    const [oldest] = checked.keys()
    if (oldest !== undefined) checked.delete(oldest)
  }
  checked.set(token, session)
}

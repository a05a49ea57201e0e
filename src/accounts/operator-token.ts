/**
 * Tokens of the server's operator. They are signed for a few minutes with the secret that signs access tokens: its
 * holder could speak for anybody anyway.
 */
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose'
import type { TokenKey } from '../ports/config.ts'

const ALGORITHM = 'HS256'
const LIFETIME = '5m'
/** Access tokens have no audience: neither kind is ever taken for the other. */
const AUDIENCE = 'selvedge:operator'

/** A token signed with the newest key. */
export function issueOperatorToken(keys: TokenKey[], serverName: string): Promise<string> {
  const [key] = keys
  if (key === undefined) throw new Error('There is no key to sign tokens with')
  return new SignJWT({})
    .setProtectedHeader({ alg: ALGORITHM, kid: key.id })
    .setIssuer(serverName)
    .setAudience(AUDIENCE)
    .setIssuedAt()
    .setExpirationTime(LIFETIME)
    .sign(key.secret)
}

/** Whether a token is the operator's, and still good. */
export async function isOperatorToken(token: string, keys: TokenKey[], serverName: string): Promise<boolean> {
  try {
    const { kid } = decodeProtectedHeader(token)
    const key = keys.find(({ id }) => id === kid)
    if (key === undefined) return false
    await jwtVerify(token, key.secret, {
      algorithms: [ALGORITHM],
      issuer: serverName,
      audience: AUDIENCE,
      requiredClaims: ['exp'],
    })
    return true
  } catch (error) {
    // `decodeProtectedHeader` throws a TypeError for what has not the form of a token.
    if (error instanceof errors.JOSEError || error instanceof TypeError) return false
    throw error
  }
}

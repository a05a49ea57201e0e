/**
 * Tokens of the event stream: which topics their holder may read, and for which consumer group. They are signed with the
 * secret that signs access tokens; the partitions know which were revoked.
 */
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose'
import * as z from 'zod'
import type { TokenKey } from '../ports/config.ts'
import { TOPICS, type Topic } from '../protocol/event-stream.ts'

const ALGORITHM = 'HS256'
/** Neither access tokens nor those of the operator have this audience: none is ever taken for another. */
const AUDIENCE = 'selvedge:event-stream'

/** What a token says. */
export interface StreamToken {
  id: string
  topics: Topic[]
  /** The one group for which it reads and commits; undefined: any. */
  group?: string
  /** ms. */
  expiresAt?: number
}

const Claims = z.object({
  jti: z.string().min(1),
  topics: z.array(z.enum(TOPICS)).min(1),
  group: z.string().min(1).optional(),
  exp: z.number().optional(),
})

/** A token signed with the newest key. */
export function issueStreamToken(
  { id, topics, group, expiresAt }: StreamToken,
  { keys, serverName }: { keys: readonly TokenKey[]; serverName: string },
): Promise<string> {
  const [key] = keys
  if (key === undefined) throw new Error('There is no key to sign tokens with')
  const token = new SignJWT({ topics, ...(group !== undefined && { group }) })
    .setProtectedHeader({ alg: ALGORITHM, kid: key.id })
    .setIssuer(serverName)
    .setAudience(AUDIENCE)
    .setJti(id)
  if (expiresAt !== undefined) token.setExpirationTime(Math.floor(expiresAt / 1_000))
  return token.sign(key.secret)
}

/** What a token says, if it is one of ours and has not expired. Whether it was revoked the partitions know. */
export async function verifyStreamToken(
  token: string,
  { keys, serverName }: { keys: readonly TokenKey[]; serverName: string },
): Promise<StreamToken | undefined> {
  try {
    const { kid } = decodeProtectedHeader(token)
    const key = keys.find(({ id }) => id === kid)
    if (key === undefined) return undefined
    const { payload } = await jwtVerify(token, key.secret, {
      algorithms: [ALGORITHM],
      issuer: serverName,
      audience: AUDIENCE,
    })
    const claims = Claims.safeParse(payload)
    if (!claims.success) return undefined
    const { jti: id, topics, group, exp } = claims.data
    return {
      id,
      topics,
      ...(group !== undefined && { group }),
      ...(exp !== undefined && { expiresAt: exp * 1_000 }),
    }
  } catch (error) {
    // `decodeProtectedHeader` throws a TypeError for what has not the form of a token.
    if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined
    throw error
  }
}

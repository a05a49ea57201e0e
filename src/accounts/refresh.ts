/** Refresh tokens: JWTs that name user, device and family, so that a token that was used before is recognised. */
import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { Session } from '../objects/user/session.ts'
import type { Ports } from '../ports/ports.ts'
import { MatrixError } from '../protocol/errors.ts'
import { issueAccessToken, signToken, verifyToken } from './access-token.ts'

type TokenPorts = Pick<Ports, 'config' | 'random' | 'clock'>

/** `rid` takes the place of the access token's `sid`, so neither passes for the other. */
const Claims = z.object({
  iss: z.string(),
  sub: z.string(),
  did: z.string(),
  fam: z.string(),
  rid: z.string(),
})

const SECRET_LENGTH = 32

export interface RefreshAnswer {
  access_token: string
  refresh_token: string
  expires_in_ms: number
}

/** A secret for one refresh token; the User object keeps the hash alone. */
export function newRefreshSecret({ random }: TokenPorts): { secret: string; hash: string } {
  const secret = random.token(SECRET_LENGTH)
  return { secret, hash: hashOf(secret) }
}

/** The pair for a session that expires. `family` is what all refresh tokens of one login share. */
export async function issuePair(
  { config, clock }: TokenPorts,
  session: { userId: string; deviceId: string; sessionId: string; expiresAt: number; family: string },
  secret: string,
): Promise<RefreshAnswer> {
  const { userId, deviceId, family, expiresAt } = session
  const { tokenKeys, serverName } = config
  return {
    access_token: await issueAccessToken(session, tokenKeys, serverName),
    refresh_token: await signToken(
      { did: deviceId, fam: family, rid: secret },
      userId,
      tokenKeys,
      serverName,
    ),
    expires_in_ms: Math.max(0, expiresAt - clock.now()),
  }
}

/** What a refresh token says of itself. */
export interface RefreshToken {
  userId: string
  deviceId: string
  family: string
  secret: string
}

/** @throws MatrixError M_UNKNOWN_TOKEN if it is not ours */
export async function readRefreshToken({ config }: TokenPorts, token: string): Promise<RefreshToken> {
  const { tokenKeys, retiredTokenKeys, serverName } = config
  const claims = Claims.safeParse(await verifyToken(token, tokenKeys, serverName))
  if (!claims.success) {
    const wasOurs = (await verifyToken(token, retiredTokenKeys, serverName)) !== undefined
    const extra = wasOurs ? { soft_logout: true } : undefined
    throw new MatrixError('M_UNKNOWN_TOKEN', 'Unrecognised refresh token', { extra })
  }
  const { sub, did, fam, rid } = claims.data
  return { userId: sub, deviceId: did, family: fam, secret: rid }
}

/** What a refresh asks of the user's object. */
export interface RefreshingUser {
  refreshSession(request: {
    deviceId: string
    family: string
    presented: string
    next: string
  }): Promise<Session & { expiresAt: number }>
}

/**
 * A new pair for a refresh token.
 * @throws MatrixError M_UNKNOWN_TOKEN if it was replaced long ago; its session may have ended with that
 */
export async function refresh(
  ports: TokenPorts,
  userOf: (userId: string) => RefreshingUser,
  { userId, deviceId, family, secret }: RefreshToken,
): Promise<RefreshAnswer> {
  const next = newRefreshSecret(ports)
  const request = { deviceId, family, presented: hashOf(secret), next: next.hash }
  const session = await userOf(userId).refreshSession(request)
  return issuePair(ports, { ...session, family }, next.secret)
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64')
}

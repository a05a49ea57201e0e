/** On the application's server: the token by which a user of the application signs in to the chat. */
import { SignJWT } from 'jose'

export interface ChatSettings {
  /** The `issuer` and `audience` of the homeserver's setting, and the secret of at least 32 bytes that both hold. */
  issuer: string
  audience: string
  secret: string
}

/** A token for one sign-in: it is used at once, so that a minute is enough. */
export function chatToken(
  user: { id: string; name?: string | null },
  { issuer, audience, secret }: ChatSettings,
): Promise<string> {
  return new SignJWT(user.name ? { name: user.name } : {})
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(user.id)
    .setIssuedAt()
    .setExpirationTime('60s')
    .sign(new TextEncoder().encode(secret))
}

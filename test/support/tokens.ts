/** Tokens of another system, signed with real keys, and the settings that name the system. */
import { exportJWK, exportSPKI, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose'
import { expect } from 'vitest'
import type { Answer, Api, Body } from './client.ts'

export const ISSUER = 'https://school.example'
export const AUDIENCE = 'https://matrix.test.example'

export const SECRET = 'a secret of the school, of at least 32 bytes'

export interface SigningKey {
  alg: string
  kid?: string
  privateKey: CryptoKey | Uint8Array
  /** As the settings name it, or a key set. */
  jwk: Body
  pem: string
}

/** A pair of keys for an algorithm. */
export async function newKey(alg: string, kid?: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), alg, ...(kid !== undefined && { kid }) }
  return { alg, kid, privateKey, jwk, pem: await exportSPKI(publicKey) }
}

/** The secret that both sides share. */
export const sharedKey: SigningKey = {
  alg: 'HS256',
  privateKey: new TextEncoder().encode(SECRET),
  jwk: { kty: 'oct', k: Buffer.from(SECRET).toString('base64url') },
  pem: '',
}

export const now = () => Math.floor(Date.now() / 1000)

/** Claims of a token that is good; `undefined` leaves one out. */
export const claims = (sub: unknown, more: Body = {}): Body => {
  const all = { iss: ISSUER, aud: AUDIENCE, sub, iat: now(), exp: now() + 60, ...more }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** A signed token. */
export function signed(
  { alg, kid, privateKey }: SigningKey,
  payload: Body,
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  return new SignJWT(payload)
    .setProtectedHeader({ alg, typ: 'JWT', ...(kid !== undefined && { kid }), ...header })
    .sign(privateKey)
}

/** The settings of the system; without other keys it is the one that shares its secret. */
export const issuer = (more: Body = {}): Body => ({
  issuer: ISSUER,
  ...(more.authjs === undefined && { audience: AUDIENCE }),
  ...(more.key_set === undefined && more.authjs === undefined && { keys: [{ secret: SECRET }] }),
  ...more,
})

/** The settings as the Worker gets them. */
export const issuers = (...list: Body[]) => ({ TOKEN_ISSUERS: JSON.stringify(list) })

/** A sign-in by a token. */
export const signIn = (http: Api, token: unknown, more: Body = {}): Promise<Answer> =>
  http.request('POST', '/login', { type: 'org.matrix.login.jwt', token, ...more })

/** The lines of a log, each parsed; `write` is for a server's `writeLog`. */
export function logOf(): { write: (lines: string) => void; text: () => string; refusals: () => Body[] } {
  let text = ''
  const write = (lines: string) => {
    text += `${lines}\n`
  }
  const refusals = () =>
    text
      .split('\n')
      .filter((line) => line.includes('a sign-in token was refused'))
      .map((line) => JSON.parse(line))
  return { write, text: () => text, refusals }
}

/** Signs in by a token that is no good: the log has one line more, with the reason and no word of the token. */
export async function refusedSignIn(
  http: Api,
  log: Pick<ReturnType<typeof logOf>, 'text' | 'refusals'>,
  token: string,
  reason: string,
): Promise<Answer> {
  const before = log.refusals().length
  const answer = await signIn(http, token)
  const reasons = () => log.refusals().slice(before)
  await expect.poll(() => reasons().map((line) => line.reason)).toEqual([reason])
  for (const piece of token.split('.').filter((text) => text.length > 8))
    expect(log.text()).not.toContain(piece)
  return answer
}

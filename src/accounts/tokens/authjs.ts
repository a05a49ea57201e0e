/** The session tokens of Auth.js (NextAuth), which are encrypted: only who holds the application's secret can make one. */
import { hkdfSync } from 'node:crypto'
import { decodeProtectedHeader, errors, jwtDecrypt } from 'jose'
import type { Ports } from '../../ports/ports.ts'
import type { TokenIssuer } from '../../ports/sign-in.ts'
import { type Proved, reasonOf, TokenRefused } from './refused.ts'

type DecryptPorts = Pick<Ports, 'config' | 'clock'>

const DIRECT = 'dir'

/** By the algorithm: how long the key is in bytes, and of what salt and purpose it is made for a cookie's name. */
const KEYS: Readonly<Record<string, { bytes: number; forms: ((cookie: string) => [string, string])[] }>> = {
  'A256CBC-HS512': { bytes: 64, forms: [ofAuthJs] },
  // Of Auth.js before its version 5 was done, and of NextAuth 4.
  A256GCM: { bytes: 32, forms: [ofAuthJs, () => ['', 'NextAuth.js Generated Encryption Key']] },
}

function ofAuthJs(cookie: string): [salt: string, purpose: string] {
  return [cookie, `Auth.js Generated Encryption Key (${cookie})`]
}

/** What the token says, and which of the settings' systems has made it. @throws TokenRefused */
export async function decrypted({ config, clock }: DecryptPorts, token: string): Promise<Proved> {
  const enc = encryptionOf(token)
  for (const issuer of config.tokenIssuers) {
    if (issuer.proof.kind !== 'authjs') continue
    for (const key of keysOf(issuer, enc)) {
      const claims = await claimsBy(key, issuer, token, enc, clock.now())
      if (claims !== undefined) return { issuer, claims }
    }
  }
  throw new TokenRefused('encryption')
}

function encryptionOf(token: string): string {
  let header: ReturnType<typeof decodeProtectedHeader>
  try {
    header = decodeProtectedHeader(token)
  } catch {
    throw new TokenRefused('form')
  }
  // Auth.js compresses nothing: what is short and becomes long is not one of its tokens.
  if (header.zip !== undefined) throw new TokenRefused('form')
  const { enc } = header
  if (header.alg !== DIRECT || enc === undefined || !Object.hasOwn(KEYS, enc)) {
    throw new TokenRefused('algorithm')
  }
  return enc
}

/** The claims, or undefined where the key is another one. */
async function claimsBy(
  key: Uint8Array,
  issuer: TokenIssuer,
  token: string,
  enc: string,
  now: number,
): Promise<Proved['claims'] | undefined> {
  try {
    const { payload } = await jwtDecrypt(token, key, {
      keyManagementAlgorithms: [DIRECT],
      contentEncryptionAlgorithms: [enc],
      clockTolerance: issuer.leewaySeconds,
      currentDate: new Date(now),
      requiredClaims: ['exp'],
    })
    return payload
  } catch (error) {
    if (error instanceof errors.JWEDecryptionFailed) return undefined
    throw new TokenRefused(reasonOf(error), issuer)
  }
}

/** Made once: a key of HKDF costs as much as a token. */
const made = new WeakMap<TokenIssuer, Map<string, Uint8Array[]>>()

function keysOf(issuer: TokenIssuer, enc: string): Uint8Array[] {
  const known = made.get(issuer) ?? new Map<string, Uint8Array[]>()
  made.set(issuer, known)
  const keys = known.get(enc) ?? derived(issuer, enc)
  known.set(enc, keys)
  return keys
}

function derived({ proof }: TokenIssuer, enc: string): Uint8Array[] {
  const { bytes, forms } = KEYS[enc]!
  if (proof.kind !== 'authjs') return []
  const ways = new Map(
    proof.cookies.flatMap((cookie) => forms.map((form) => [form(cookie).join('\0'), form(cookie)] as const)),
  )
  return proof.secrets.flatMap((secret) =>
    [...ways.values()].map(
      ([salt, purpose]) => new Uint8Array(hkdfSync('sha256', secret, salt, purpose, bytes)),
    ),
  )
}

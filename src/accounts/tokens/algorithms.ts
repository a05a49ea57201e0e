/** Which algorithms a key may be used with: that follows from the key, never from the token. */
import type { IssuerKey } from '../../ports/sign-in.ts'

/** `Ed25519` is what RFC 9864 calls EdDSA with this curve. */
const ALGORITHMS: readonly { kty: string; crv?: string; names: readonly string[] }[] = [
  { kty: 'oct', names: ['HS256'] },
  { kty: 'RSA', names: ['RS256'] },
  { kty: 'EC', crv: 'P-256', names: ['ES256'] },
  { kty: 'OKP', crv: 'Ed25519', names: ['EdDSA', 'Ed25519'] },
]

const KNOWN: ReadonlySet<string> = new Set(ALGORITHMS.flatMap(({ names }) => names))

/** Whether a token may say that it was signed in this way at all. */
export function isKnownAlgorithm(name: string | undefined): boolean {
  return name !== undefined && KNOWN.has(name)
}

/** What a key is for; nothing, where it is for no signatures that we take. Its own `alg` may only narrow that. */
export function algorithmsOf(jwk: IssuerKey['jwk']): readonly string[] {
  const names = ALGORITHMS.find(({ kty, crv }) => kty === jwk.kty && crv === curveOf(jwk))?.names ?? []
  if (jwk.use !== undefined && jwk.use !== 'sig') return []
  if (Array.isArray(jwk.key_ops) && !jwk.key_ops.includes('verify')) return []
  return jwk.alg === undefined || names.some((name) => name === jwk.alg) ? names : []
}

function curveOf({ crv }: IssuerKey['jwk']): string | undefined {
  return typeof crv === 'string' ? crv : undefined
}

/** The keys that may have signed a token with this header: those of its `kid` where it names a known one. */
export function candidates(
  keys: readonly IssuerKey[],
  { alg, kid }: { alg?: string; kid?: string },
): IssuerKey[] {
  const fitting = keys.filter(({ jwk }) => algorithmsOf(jwk).some((name) => name === alg))
  return fitting.filter(({ id }) => kid === undefined || id === undefined || id === kid)
}

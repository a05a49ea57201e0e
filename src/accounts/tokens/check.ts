/** Checks the tokens of other systems. Whatever is wrong with one, its sender is told no more than that. */
import { decodeJwt, decodeProtectedHeader, errors, importJWK, type JWTPayload, jwtVerify } from 'jose'
import type { Ports } from '../../ports/ports.ts'
import type { IssuerKey, TokenIssuer } from '../../ports/sign-in.ts'
import type { Profile } from '../../protocol/profile.ts'
import { algorithmsOf, candidates, isKnownAlgorithm } from './algorithms.ts'
import { decrypted } from './authjs.ts'
import { localpartFor, profileOf, subjectOf } from './identity.ts'
import { type Proved, reasonOf, type TokenFault, TokenRefused } from './refused.ts'

type CheckPorts = Pick<Ports, 'config' | 'clock' | 'keySets'>

/** Longer tokens are not looked at: a cookie holds 4 KiB, and a header of most servers 8. */
const LONGEST_TOKEN = 16_384
/** A system has no more keys for one algorithm at a time: each costs a check. */
const MOST_TRIES = 8

/** What a token has proved. */
export interface CheckedToken {
  issuer: TokenIssuer
  subject: string
  /** The name of the account that its first sign-in makes. */
  localpart: string
  profile: Profile
  /** When the token itself ends, ms: that of the session is the issuer's `sessionMs`. */
  expiresAt: number
}

/**
 * What a token proves: that a system of the settings made it, for this server, for now, and for whom.
 * @throws TokenRefused for a token that is no good; MatrixError M_UNKNOWN with 503 while its key cannot be had
 */
export async function checkToken(ports: CheckPorts, token: string): Promise<CheckedToken> {
  const { issuer, claims } = await proved(ports, token)
  const refuse = (fault: TokenFault) => new TokenRefused(fault, issuer)
  const { exp } = claims
  const { maxTokenSeconds, leewaySeconds } = issuer
  const latest = ports.clock.now() / 1000 + maxTokenSeconds + leewaySeconds
  if (exp === undefined || exp > latest) throw refuse('lifetime')
  const subject = subjectOf(claims, issuer)
  if (subject === undefined) throw refuse('subject')
  const localpart = localpartFor(subject, issuer, ports.config.serverName)
  if (localpart === undefined) throw refuse('subject')
  return { issuer, subject, localpart, profile: profileOf(claims, issuer), expiresAt: exp * 1000 }
}

/** Two dots make a token that is signed, four one that is encrypted: RFC 7515 §3.1, RFC 7516 §3.1. */
async function proved(ports: CheckPorts, token: string): Promise<Proved> {
  if (token.length > LONGEST_TOKEN) throw new TokenRefused('size')
  const parts = token.split('.').length
  if (parts === 5) return decrypted(ports, token)
  if (parts !== 3) throw new TokenRefused('form')
  return signed(ports, token)
}

/** The token says by itself who made it; with the keys of that system alone it is checked. */
async function signed(ports: CheckPorts, token: string): Promise<Proved> {
  const { header, iss } = read(token)
  const issuer = ports.config.tokenIssuers.find(
    ({ issuer: name, proof }) => name === iss && proof.kind !== 'authjs',
  )
  if (issuer === undefined) throw new TokenRefused('issuer')
  if (!isKnownAlgorithm(header.alg)) throw new TokenRefused('algorithm', issuer)
  const keys = await keysFor(ports, issuer, header)
  for (const key of keys.slice(0, MOST_TRIES)) {
    const claims = await verified(ports, issuer, token, key, header)
    if (claims !== undefined) return { issuer, claims }
  }
  throw new TokenRefused(keys.length === 0 ? 'key' : 'signature', issuer)
}

interface Header {
  alg?: string
  kid?: string
  typ?: string
}

/** What the token says before anything is checked. */
function read(token: string): { header: Header; iss: string | undefined } {
  try {
    return { header: decodeProtectedHeader(token), iss: decodeJwt(token).iss }
  } catch {
    throw new TokenRefused('form')
  }
}

async function keysFor({ keySets }: CheckPorts, issuer: TokenIssuer, header: Header): Promise<IssuerKey[]> {
  const { proof } = issuer
  if (proof.kind === 'keys') return candidates(proof.keys, header)
  return proof.kind === 'key set' ? keySets.candidates(proof.url, header) : []
}

/** The claims, or undefined where another key may have signed the token. */
async function verified(
  { clock }: CheckPorts,
  issuer: TokenIssuer,
  token: string,
  { jwk }: IssuerKey,
  { alg, typ }: Header,
): Promise<JWTPayload | undefined> {
  const audience = issuer.proof.kind === 'authjs' ? [] : issuer.proof.audience
  // A set may hold a key that is none: it has signed nothing.
  const key = await importJWK(jwk, alg).catch(() => undefined)
  if (key === undefined) return undefined
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [...algorithmsOf(jwk)],
      issuer: issuer.issuer,
      audience,
      clockTolerance: issuer.leewaySeconds,
      currentDate: new Date(clock.now()),
      requiredClaims: ['exp'],
      // "typ" need not be there; one that is must not say that the token is for something else.
      ...(typ !== undefined && { typ: 'JWT' }),
    })
    return payload
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return undefined
    throw new TokenRefused(reasonOf(error), issuer)
  }
}

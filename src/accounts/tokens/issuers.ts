/** The setting that lists the systems whose tokens sign users in: checked once, wrong parts named and never shown. */
import { createPublicKey } from 'node:crypto'
import * as z from 'zod'
import type { IssuerKey, TokenIssuer, TokenProof } from '../../ports/sign-in.ts'
import { isNewLocalpart } from '../../protocol/identifiers.ts'
import { looseObject } from '../../protocol/json-schemas.ts'
import { algorithmsOf } from './algorithms.ts'

/** RFC 7518: "a key of the same size as the hash output (for instance, 256 bits for "HS256") or larger MUST be used". */
const LEAST_SECRET_BYTES = 32
const MOST_KEYS = 8
const DAY = 86_400
/** Auth.js lets its sessions live 30 days unless told otherwise. */
const AUTHJS_DAYS = 30
const AUTHJS_COOKIES = ['__Secure-authjs.session-token', 'authjs.session-token']

const name = z.string().min(1).max(255)
const secret = z
  .string()
  .refine((text) => Buffer.byteLength(text) >= LEAST_SECRET_BYTES, 'must have at least 32 bytes')
const seconds = (most: number, least = 0) => z.int().min(least).max(most)

const Key = z
  .strictObject({
    id: name.optional(),
    secret: secret.optional(),
    pem: z.string().optional(),
    jwk: looseObject({ kty: z.string() }).optional(),
  })
  .transform(({ id, ...given }, context): IssuerKey => {
    const forms = [given.secret, given.pem, given.jwk].filter((form) => form !== undefined)
    const jwk = forms.length === 1 ? jwkOf(given) : undefined
    if (jwk === undefined || algorithmsOf(jwk).length === 0 || isPrivate(jwk) || isShort(jwk)) {
      context.addIssue({
        code: 'custom',
        message:
          'must hold one of secret, pem and jwk, for HS256, RS256, ES256 or EdDSA: a secret of at least 32 bytes, or a public key',
      })
      return z.NEVER
    }
    const kid = id ?? (typeof jwk.kid === 'string' ? jwk.kid : undefined)
    return { jwk, ...(kid !== undefined && { id: kid }) }
  })

const AuthJs = z.strictObject({
  secrets: z.array(z.string().min(1)).min(1).max(4),
  cookies: z.array(name).min(1).max(4).default(AUTHJS_COOKIES),
})

const Issuer = z
  .strictObject({
    issuer: name,
    audience: z.union([name.transform((one) => [one]), z.array(name).min(1).max(8)]).optional(),
    keys: z.array(Key).min(1).max(MOST_KEYS).optional(),
    key_set: z.url({ protocol: /^https?$/ }).optional(),
    authjs: AuthJs.optional(),
    user_claim: name.default('sub'),
    user_prefix: z
      .string()
      .max(64)
      .refine((prefix) => prefix === '' || isNewLocalpart(prefix), 'may hold a-z, 0-9 and . _ = - / + only')
      .default(''),
    distinguish_case: z.boolean().default(false),
    name_claim: name.nullable().default('name'),
    picture_claim: name.nullable().default('picture'),
    update_profile: z.boolean().default(false),
    create_accounts: z.boolean().default(true),
    existing_accounts: z.boolean().default(false),
    session_seconds: seconds(366 * DAY, 1).default(3600),
    leeway_seconds: seconds(300).default(30),
    max_token_seconds: seconds(366 * DAY, 1).optional(),
  })
  .transform((given, context): TokenIssuer => {
    const proof = proofOf(given)
    if (typeof proof === 'string') {
      context.addIssue({ code: 'custom', message: proof })
      return z.NEVER
    }
    return {
      issuer: given.issuer,
      proof,
      userClaim: given.user_claim,
      userPrefix: given.user_prefix,
      distinguishCase: given.distinguish_case,
      ...(given.name_claim !== null && { nameClaim: given.name_claim }),
      ...(given.picture_claim !== null && { pictureClaim: given.picture_claim }),
      updateProfile: given.update_profile,
      createAccounts: given.create_accounts,
      existingAccounts: given.existing_accounts,
      sessionMs: given.session_seconds * 1000,
      leewaySeconds: given.leeway_seconds,
      maxTokenSeconds: given.max_token_seconds ?? (proof.kind === 'authjs' ? AUTHJS_DAYS * DAY : DAY),
    }
  })

/** The list, of which none has the name of another: it is what accounts are known by. */
export const TokenIssuers = z
  .array(Issuer)
  .max(32)
  .refine(
    (issuers) => new Set(issuers.map(({ issuer }) => issuer)).size === issuers.length,
    'must not name an issuer twice',
  )

interface Given {
  audience?: string[] | undefined
  keys?: IssuerKey[] | undefined
  key_set?: string | undefined
  authjs?: z.infer<typeof AuthJs> | undefined
}

/** What proves the tokens, or what is wrong with the setting. */
function proofOf({ audience, keys, key_set: url, authjs }: Given): TokenProof | string {
  if ([keys, url, authjs].filter((one) => one !== undefined).length !== 1) {
    return 'must have one of keys, key_set and authjs'
  }
  if (authjs !== undefined) {
    return audience === undefined ? { kind: 'authjs', ...authjs } : 'audience: tokens of Auth.js name none'
  }
  // Without it, a token that the system made for another application would sign its user in here.
  if (audience === undefined) return 'audience is missing'
  return keys === undefined ? { kind: 'key set', url: url!, audience } : { kind: 'keys', keys, audience }
}

function jwkOf({
  secret: text,
  pem,
  jwk,
}: {
  secret?: string | undefined
  pem?: string | undefined
  jwk?: IssuerKey['jwk'] | undefined
}): IssuerKey['jwk'] | undefined {
  if (text !== undefined) return { kty: 'oct', k: Buffer.from(text).toString('base64url') }
  if (pem === undefined) return jwk
  // Of a private key this would make the public one, and the server would keep what it must not have.
  if (/PRIVATE KEY/.test(pem)) return undefined
  try {
    return createPublicKey(pem).export({ format: 'jwk' }) as IssuerKey['jwk']
  } catch {
    return undefined
  }
}

function isPrivate({ kty, d }: IssuerKey['jwk']): boolean {
  return kty !== 'oct' && d !== undefined
}

function isShort({ kty, k }: IssuerKey['jwk']): boolean {
  return kty === 'oct' && (typeof k !== 'string' || Buffer.from(k, 'base64url').length < LEAST_SECRET_BYTES)
}

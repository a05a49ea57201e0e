/** The keys a user signs users and devices with: Client-Server API §Cross-signing. */

import { decodeBase64 } from '../base64.ts'
import { type ErrorCode, MatrixError } from '../errors.ts'
import type { JsonObject } from '../events/canonical-json.ts'
import { signatureOf, verifySignature } from '../events/signing.ts'
import { objectField, stringField } from '../json-fields.ts'
import { sameSigned } from './device-keys.ts'

export const USAGES = ['master', 'self_signing', 'user_signing'] as const
export type Usage = (typeof USAGES)[number]
export type CrossSigningKeys = { [usage in Usage]?: JsonObject }

const KEY_BYTES = 32
const MAX_KEY = 16_384

/** The public key of a cross-signing key that was checked. */
export function publicKeyOf(key: JsonObject): string {
  return Object.values(objectField(key.keys) ?? {}).find((value) => typeof value === 'string') ?? ''
}

/** "There is exactly one property, in the form ed25519:<public key>". @throws MatrixError M_INVALID_PARAM */
export function checkCrossSigningKey(key: JsonObject, usage: Usage, userId: string): void {
  const refuse = (why: string) => new MatrixError('M_INVALID_PARAM', `${usage}_key must ${why}`)
  if (key.user_id !== userId) throw refuse('have the user_id of its user')
  if (!Array.isArray(key.usage) || !key.usage.includes(usage)) throw refuse(`have the usage ${usage}`)
  const [entry, ...more] = Object.entries(objectField(key.keys) ?? {})
  if (entry === undefined || more.length > 0) throw refuse('hold exactly one key')
  const [name, publicKey] = entry
  if (typeof publicKey !== 'string' || name !== `ed25519:${publicKey}`)
    throw refuse('name its key ed25519:<public key>')
  if (decodeBase64(publicKey).length !== KEY_BYTES) throw refuse(`hold an ed25519 key of ${KEY_BYTES} bytes`)
  if (JSON.stringify(key).length > MAX_KEY)
    throw new MatrixError('M_TOO_LARGE', `${usage}_key must not have more than ${MAX_KEY} characters`)
}

/** Whether a key carries the signature of its user's master key. */
export function isSignedBy(key: JsonObject, master: JsonObject, userId: string): boolean {
  const publicKey = publicKeyOf(master)
  const signature = signatureOf(key, userId, `ed25519:${publicKey}`)
  return signature !== undefined && verifySignature(key, signature, publicKey)
}

/** "The request contains no new keys": in that case no password is asked for. */
export function holdsNothingNew(uploaded: CrossSigningKeys, stored: CrossSigningKeys): boolean {
  return USAGES.every((usage) => {
    const key = uploaded[usage]
    const known = stored[usage]
    return key === undefined || (known !== undefined && sameSigned(key, known))
  })
}

/** Why a signature was not taken, as the `failures` of /keys/signatures/upload say it. */
export interface SignatureFailure {
  errcode: ErrorCode
  error: string
}

/**
 * The signatures of a user on an object that are new and good.
 * @param signed the object that stands there: a signature covers it, or nothing
 * @param publicKeyOfSigner the public key behind a key id that may sign such an object
 */
export function goodSignatures(
  uploaded: JsonObject,
  signed: JsonObject | undefined,
  userId: string,
  publicKeyOfSigner: (keyId: string) => string | undefined,
): Record<string, string> | SignatureFailure {
  if (signed === undefined) return { errcode: 'M_NOT_FOUND', error: 'There is no such key' }
  if (!sameSigned(uploaded, signed)) {
    return { errcode: 'M_INVALID_PARAM', error: 'What was signed is not what is stored' }
  }
  const good: Record<string, string> = {}
  const given = objectField(objectField(uploaded.signatures)?.[userId]) ?? {}
  for (const [keyId, value] of Object.entries(given)) {
    const publicKey = publicKeyOfSigner(keyId)
    if (publicKey === undefined) continue
    const signature = stringField(value)
    if (signature === undefined || !verifySignature(signed, signature, publicKey)) return badSignature()
    good[keyId] = signature
  }
  return Object.keys(good).length > 0 ? good : badSignature()
}

function badSignature(): SignatureFailure {
  return { errcode: 'M_INVALID_SIGNATURE', error: 'There is no valid signature by a key that may sign this' }
}

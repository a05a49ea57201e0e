/** Signatures that a user uploads: Client-Server API §POST /keys/signatures/upload. Each one is checked, and fails alone. */
import type { SignatureFailures, SignatureUpload } from '../../../src/objects/user/keys.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import {
  goodSignatures,
  publicKeyOf,
  type SignatureFailure,
} from '../../../src/protocol/keys/cross-signing.ts'
import { addSignatures, crossSigningKeys } from './cross-signing.ts'
import { deviceKeys } from './device-keys.ts'
import { signingKeyOfDevice } from './key-sets.ts'

export interface SignatureOutcome {
  failures: SignatureFailures
  archive: Omit<UserLogEntry, 'seq'>[]
  /** Users on whose keys there is a new signature. */
  touched: string[]
}

/**
 * Stores what is good, inside the caller's transaction: own devices signed by the self-signing key, the own master key
 * signed by devices, others' master keys signed by the user-signing key.
 */
export function uploadSignatures(
  sql: SqlStorage,
  userId: string,
  { own, others }: SignatureUpload,
): SignatureOutcome {
  const outcome: SignatureOutcome = { failures: {}, archive: [], touched: [] }
  const { master, self_signing, user_signing } = crossSigningKeys(sql)
  const take = (user: string, target: string, good: Record<string, string> | SignatureFailure) => {
    if (isFailure(good)) {
      outcome.failures[user] = { ...outcome.failures[user], [target]: good }
      return
    }
    const archive = addSignatures(sql, user, target, good)
    outcome.archive.push(...archive)
    if (archive.length > 0) outcome.touched.push(user)
  }
  for (const [target, signed] of Object.entries(own)) {
    const isMaster = master !== undefined && publicKeyOf(master) === target
    const stored = isMaster ? master : deviceKeys(sql, target)
    const signer = isMaster ? (keyId: string) => signingKeyOfDevice(sql, keyId) : onlyKey(self_signing)
    take(userId, target, goodSignatures(signed, stored, userId, signer))
  }
  for (const [user, targets] of Object.entries(others)) {
    for (const [target, { signed, stored }] of Object.entries(targets)) {
      take(user, target, goodSignatures(signed, stored, userId, onlyKey(user_signing)))
    }
  }
  return outcome
}

function onlyKey(key: JsonObject | undefined): (keyId: string) => string | undefined {
  const publicKey = key && publicKeyOf(key)
  return (keyId) => (keyId === `ed25519:${publicKey}` ? publicKey : undefined)
}

function isFailure(good: Record<string, string> | SignatureFailure): good is SignatureFailure {
  return 'errcode' in good
}

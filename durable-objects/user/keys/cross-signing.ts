/** The user's cross-signing keys, and every signature the user has made: on own devices, the own master key, others' master keys. */
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import {
  type CrossSigningKeys,
  checkCrossSigningKey,
  holdsNothingNew,
  isSignedBy,
  publicKeyOf,
  USAGES,
  type Usage,
} from '../../../src/protocol/keys/cross-signing.ts'
import { sameSigned } from '../../../src/protocol/keys/device-keys.ts'
import { first, type SqlReader } from '../../sqlite.ts'
import { findDevice } from '../account/device-rows.ts'

export const CROSS_SIGNING_TABLES = `
  -- usage: master, self_signing or user_signing.
  CREATE TABLE cross_signing_keys (usage TEXT PRIMARY KEY, key TEXT NOT NULL) WITHOUT ROWID;

  -- What this user's keys have signed after it was uploaded.
  CREATE TABLE key_signatures (
    target_user TEXT NOT NULL,
    -- A device id, or the public key of a master key.
    target TEXT NOT NULL,
    -- ed25519:<device id or public key> of the signer.
    key_id TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (target_user, target, key_id)
  ) WITHOUT ROWID;
`

type Archived = Omit<UserLogEntry, 'seq'>
export type CrossSigningRow = { usage: Usage; key: string }
export type SignatureRow = { target_user: string; target: string; key_id: string; signature: string }

export function crossSigningKeys(sql: SqlStorage): CrossSigningKeys {
  const rows = sql.exec<CrossSigningRow>('SELECT usage, key FROM cross_signing_keys').toArray()
  return Object.fromEntries(rows.map(({ usage, key }) => [usage, JSON.parse(key) as JsonObject]))
}

/** Whether the user has cross-signing keys. */
export function hasCrossSigning(sql: SqlReader): boolean {
  return first(sql, 'SELECT 1 AS found FROM cross_signing_keys LIMIT 1') !== undefined
}

/** "The device ID must not be the same as" a cross-signing public key. @throws MatrixError M_INVALID_PARAM */
export function requireNoSuchKey(sql: SqlStorage, deviceId: string): void {
  if (Object.values(crossSigningKeys(sql)).some((key) => publicKeyOf(key) === deviceId)) {
    throw new MatrixError('M_INVALID_PARAM', 'A device ID must not be the same as a cross-signing key')
  }
}

/**
 * Stores cross-signing keys, inside the caller's transaction. Answers what to archive, or that the user must prove who
 * they are first: "UIA is not required if there is no existing master key, or the request contains no new keys".
 * @throws MatrixError M_INVALID_PARAM, M_INVALID_SIGNATURE; M_FORBIDDEN where a device bears a key's name
 */
export function putCrossSigningKeys(
  sql: SqlStorage,
  userId: string,
  uploaded: CrossSigningKeys,
  confirmed: boolean,
): Archived[] | 'unconfirmed' {
  const stored = crossSigningKeys(sql)
  check(sql, userId, uploaded, stored)
  if (holdsNothingNew(uploaded, stored)) return []
  if (stored.master !== undefined && !confirmed) return 'unconfirmed'
  const master = uploaded.master ?? stored.master
  const archive: Archived[] = []
  for (const usage of USAGES) {
    const known = stored[usage]
    const key = uploaded[usage]
    if (key === undefined) {
      // A key that the new master key has not signed is void.
      const isOrphan = usage !== 'master' && known !== undefined && !isSignedBy(known, master!, userId)
      if (isOrphan) archive.push(...dropKey(sql, usage), ...dropSignaturesOf(sql, userId, publicKeyOf(known)))
    } else if (known === undefined || !sameSigned(known, key)) {
      if (known !== undefined) archive.push(...dropSignaturesOf(sql, userId, publicKeyOf(known)))
      archive.push(storeKey(sql, usage, withOwnSignatures(key, usage, master!, userId)))
    }
  }
  return archive
}

function check(sql: SqlStorage, userId: string, uploaded: CrossSigningKeys, stored: CrossSigningKeys): void {
  const master = uploaded.master ?? stored.master
  for (const usage of USAGES) {
    const key = uploaded[usage]
    if (key === undefined) continue
    checkCrossSigningKey(key, usage, userId)
    if (findDevice(sql, publicKeyOf(key)) !== undefined) {
      throw new MatrixError('M_FORBIDDEN', `${usage}_key must not be the same as a device ID`)
    }
    if (usage === 'master') continue
    if (master === undefined) throw new MatrixError('M_MISSING_PARAM', 'master_key is missing')
    if (!isSignedBy(key, master, userId)) {
      throw new MatrixError('M_INVALID_SIGNATURE', `${usage}_key must be signed by the master key`)
    }
  }
}

/** Only the master key's signatures were checked. Devices sign through /keys/signatures/upload. */
function withOwnSignatures(key: JsonObject, usage: Usage, master: JsonObject, userId: string): JsonObject {
  const { signatures: all, unsigned: _, ...bare } = key
  if (usage === 'master') return bare
  const keyId = `ed25519:${publicKeyOf(master)}`
  const own = (all as Record<string, Record<string, string>>)[userId]
  return { ...bare, signatures: { [userId]: { [keyId]: own?.[keyId] } } }
}

function storeKey(sql: SqlStorage, usage: Usage, key: JsonObject): Archived {
  const body = JSON.stringify(key)
  sql.exec('INSERT OR REPLACE INTO cross_signing_keys (usage, key) VALUES (?, ?)', usage, body)
  return { kind: 'cross_signing_key', key: usage, body }
}

function dropKey(sql: SqlStorage, usage: Usage): Archived[] {
  sql.exec('DELETE FROM cross_signing_keys WHERE usage = ?', usage)
  return [{ kind: 'cross_signing_key', key: usage, body: null }]
}

/** Takes away the keys and all that they and the devices have signed, of an account that is closed. Answers what to archive. */
export function dropCrossSigning(sql: SqlStorage): Archived[] {
  const keys = Object.keys(crossSigningKeys(sql)).flatMap((usage) => dropKey(sql, usage as Usage))
  const rows = sql.exec<SignatureRow>('SELECT * FROM key_signatures').toArray()
  sql.exec('DELETE FROM key_signatures')
  return [...keys, ...rows.map(goneSignature)]
}

// ------------------------------------------------------------ signatures

/** By key id, what the user has signed of a device or key. */
export function signaturesOn(sql: SqlStorage, targetUser: string, target: string): Record<string, string> {
  const query = 'SELECT * FROM key_signatures WHERE target_user = ? AND target = ?'
  const rows = sql.exec<SignatureRow>(query, targetUser, target).toArray()
  return Object.fromEntries(rows.map(({ key_id, signature }) => [key_id, signature]))
}

/** The devices and keys of a user of which this user has signed something. */
export function signedOf(sql: SqlReader, targetUser: string): string[] {
  const query = 'SELECT DISTINCT target FROM key_signatures WHERE target_user = ?'
  return sql
    .exec<Pick<SignatureRow, 'target'>>(query, targetUser)
    .toArray()
    .map(({ target }) => target)
}

/** Stores checked signatures. Answers what to archive: nothing, where all were known. */
export function addSignatures(
  sql: SqlStorage,
  targetUser: string,
  target: string,
  signatures: Readonly<Record<string, string>>,
): Archived[] {
  const known = signaturesOn(sql, targetUser, target)
  const news = Object.entries(signatures).filter(([keyId, signature]) => known[keyId] !== signature)
  return news.map(([keyId, signature]) => {
    sql.exec(
      'INSERT OR REPLACE INTO key_signatures (target_user, target, key_id, signature) VALUES (?, ?, ?, ?)',
      targetUser,
      target,
      keyId,
      signature,
    )
    return {
      kind: 'key_signature',
      key: JSON.stringify([targetUser, target, keyId]),
      body: JSON.stringify(signature),
    }
  })
}

/** A device or key is gone, or another under its name: what it signed, and what was signed of it, is void. */
export function dropSignaturesOf(sql: SqlStorage, userId: string, target: string): Archived[] {
  const where = 'key_id = ? OR (target_user = ? AND target = ?)'
  const bindings = [`ed25519:${target}`, userId, target] as const
  const rows = sql.exec<SignatureRow>(`SELECT * FROM key_signatures WHERE ${where}`, ...bindings).toArray()
  sql.exec(`DELETE FROM key_signatures WHERE ${where}`, ...bindings)
  return rows.map(goneSignature)
}

function goneSignature({ target_user, target, key_id }: SignatureRow): Archived {
  return { kind: 'key_signature', key: JSON.stringify([target_user, target, key_id]), body: null }
}

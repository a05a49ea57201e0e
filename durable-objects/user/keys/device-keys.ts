/** What each device publishes: identity keys, one-time keys and fallback keys. Any device id may have them, sessions or not. */
import type { KeyClaims } from '../../../src/objects/user/keys.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import {
  canonicalJson,
  type JsonObject,
  type JsonValue,
} from '../../../src/protocol/events/canonical-json.ts'
import {
  deviceSigningKey,
  SIGNED_CURVE25519,
  type UploadedKey,
} from '../../../src/protocol/keys/device-keys.ts'
import { first, type SqlReader } from '../../sqlite.ts'

export const DEVICE_KEYS_TABLE = `
  CREATE TABLE device_keys (device_id TEXT PRIMARY KEY, keys TEXT NOT NULL) WITHOUT ROWID;

  CREATE TABLE one_time_keys (
    device_id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    key_id TEXT NOT NULL,
    key TEXT NOT NULL,
    -- The order of upload: the oldest is handed out first.
    seq INTEGER NOT NULL,
    -- 1: was handed out. It stays for a while, so that an upload that is repeated does not bring it back.
    claimed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, algorithm, key_id)
  ) WITHOUT ROWID;
  CREATE INDEX one_time_keys_left ON one_time_keys (device_id, algorithm, seq) WHERE claimed = 0;

  CREATE TABLE fallback_keys (
    device_id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    key_id TEXT NOT NULL,
    key TEXT NOT NULL,
    used INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, algorithm)
  ) WITHOUT ROWID;
`

/** Clients keep 50 to 100 on the server. */
const MAX_ONE_TIME_KEYS = 500
const MAX_FALLBACK_KEYS = 10
/** Keys that were handed out are remembered as long as a repeated upload may come. */
const REMEMBERED = 500

type Archived = Omit<UserLogEntry, 'seq'>
export type DeviceKeysRow = { device_id: string; keys: string }
type OneTimeKeyRow = {
  device_id: string
  algorithm: string
  key_id: string
  key: string
  seq: number
  claimed: number
}
type FallbackKeyRow = Pick<OneTimeKeyRow, 'device_id' | 'algorithm' | 'key_id' | 'key'> & { used: number }

/** The identity keys of a device. */
export function deviceKeys(sql: SqlStorage, deviceId: string): JsonObject | undefined {
  const row = first<Pick<DeviceKeysRow, 'keys'>>(
    sql,
    'SELECT keys FROM device_keys WHERE device_id = ?',
    deviceId,
  )
  return row === undefined ? undefined : (JSON.parse(row.keys) as JsonObject)
}

/** Those of all devices that have some. */
export function allDeviceKeys(sql: SqlReader): Map<string, JsonObject> {
  const query = 'SELECT device_id, keys FROM device_keys ORDER BY device_id'
  const rows = sql.exec<DeviceKeysRow>(query).toArray()
  return new Map(rows.map(({ device_id, keys }) => [device_id, JSON.parse(keys) as JsonObject]))
}

/**
 * Stores checked identity keys. With another signing key the device is another: its one-time keys go.
 * Answers what to archive; nothing, where nothing changed.
 */
export function storeDeviceKeys(sql: SqlStorage, deviceId: string, keys: JsonObject): Archived[] {
  const known = deviceKeys(sql, deviceId)
  if (known !== undefined && canonicalJson(known) === canonicalJson(keys)) return []
  if (known !== undefined && deviceSigningKey(known, deviceId) !== deviceSigningKey(keys, deviceId)) {
    dropKeysForClaims(sql, deviceId)
  }
  const body = JSON.stringify(keys)
  sql.exec('INSERT OR REPLACE INTO device_keys (device_id, keys) VALUES (?, ?)', deviceId, body)
  return [{ kind: 'device_keys', key: deviceId, body }]
}

/** Takes everything of a device away. Answers what to archive; nothing, where it had no identity keys. */
export function dropDeviceKeys(sql: SqlStorage, deviceId: string): Archived[] {
  dropKeysForClaims(sql, deviceId)
  const { rowsWritten } = sql.exec('DELETE FROM device_keys WHERE device_id = ?', deviceId)
  return rowsWritten === 0 ? [] : [{ kind: 'device_keys', key: deviceId, body: null }]
}

function dropKeysForClaims(sql: SqlStorage, deviceId: string): void {
  sql.exec('DELETE FROM one_time_keys WHERE device_id = ?', deviceId)
  sql.exec('DELETE FROM fallback_keys WHERE device_id = ?', deviceId)
}

/**
 * Adds one-time keys. Those that are there already stay as they are.
 * @throws MatrixError M_INVALID_PARAM where a key's id is taken by another one, and for more than anybody needs
 */
export function addOneTimeKeys(sql: SqlStorage, deviceId: string, keys: readonly UploadedKey[]): void {
  if (keys.length === 0) return
  let seq = first<{ seq: number | null }>(sql, 'SELECT max(seq) AS seq FROM one_time_keys')?.seq ?? 0
  for (const { algorithm, keyId, key } of keys) {
    const query =
      'SELECT key, claimed FROM one_time_keys WHERE device_id = ? AND algorithm = ? AND key_id = ?'
    const known = first<Pick<OneTimeKeyRow, 'key' | 'claimed'>>(sql, query, deviceId, algorithm, keyId)
    if (known?.key === key) continue
    if (known !== undefined && known.claimed === 0) {
      throw new MatrixError(
        'M_INVALID_PARAM',
        `Another one-time key has the ID ${algorithm}:${keyId} already`,
      )
    }
    seq += 1
    sql.exec(
      'INSERT OR REPLACE INTO one_time_keys (device_id, algorithm, key_id, key, seq) VALUES (?, ?, ?, ?, ?)',
      deviceId,
      algorithm,
      keyId,
      key,
      seq,
    )
  }
  const held = Object.values(oneTimeKeyCounts(sql, deviceId)).reduce((sum, count) => sum + count, 0)
  if (held > MAX_ONE_TIME_KEYS) {
    throw new MatrixError('M_INVALID_PARAM', `A device may have ${MAX_ONE_TIME_KEYS} one-time keys at most`)
  }
  sql.exec(
    'DELETE FROM one_time_keys WHERE device_id = ? AND claimed = 1 AND seq <= ?',
    deviceId,
    seq - REMEMBERED - MAX_ONE_TIME_KEYS,
  )
}

/** "At most one fallback key per algorithm": a new one takes the place of the old one, and counts as unused. */
export function setFallbackKeys(sql: SqlStorage, deviceId: string, keys: readonly UploadedKey[]): void {
  for (const { algorithm, keyId, key } of keys) {
    const query = 'SELECT key FROM fallback_keys WHERE device_id = ? AND algorithm = ? AND key_id = ?'
    // The same one again was, perhaps, used in between.
    if (first<Pick<FallbackKeyRow, 'key'>>(sql, query, deviceId, algorithm, keyId)?.key === key) continue
    sql.exec(
      'INSERT OR REPLACE INTO fallback_keys (device_id, algorithm, key_id, key) VALUES (?, ?, ?, ?)',
      deviceId,
      algorithm,
      keyId,
      key,
    )
  }
  const count = 'SELECT count(*) AS held FROM fallback_keys WHERE device_id = ?'
  if (keys.length > 0 && (first<{ held: number }>(sql, count, deviceId)?.held ?? 0) > MAX_FALLBACK_KEYS) {
    throw new MatrixError('M_INVALID_PARAM', `A device may have ${MAX_FALLBACK_KEYS} fallback keys at most`)
  }
}

/** How many one-time keys are left, by algorithm. */
export function oneTimeKeyCounts(sql: SqlStorage, deviceId: string): Record<string, number> {
  const query = `SELECT algorithm, count(*) AS held FROM one_time_keys WHERE device_id = ? AND claimed = 0
     GROUP BY algorithm`
  const rows = sql.exec<Pick<OneTimeKeyRow, 'algorithm'> & { held: number }>(query, deviceId).toArray()
  return { [SIGNED_CURVE25519]: 0, ...Object.fromEntries(rows.map((row) => [row.algorithm, row.held])) }
}

/** The algorithms of fallback keys that nobody was given yet. */
export function unusedFallbackKeyTypes(sql: SqlStorage, deviceId: string): string[] {
  const query = 'SELECT algorithm FROM fallback_keys WHERE device_id = ? AND used = 0 ORDER BY algorithm'
  return sql
    .exec<Pick<FallbackKeyRow, 'algorithm'>>(query, deviceId)
    .toArray()
    .map(({ algorithm }) => algorithm)
}

/** Hands out a key for each device that has one, inside the caller's transaction: by device, `<algorithm>:<key id>`. */
export function claimKeys(sql: SqlStorage, claims: KeyClaims): Record<string, Record<string, JsonValue>> {
  const found = Object.entries(claims).map(([deviceId, algorithm]) => {
    const row = claimOne(sql, deviceId, algorithm) ?? useFallback(sql, deviceId, algorithm)
    if (row === undefined) return undefined
    return [deviceId, { [`${algorithm}:${row.key_id}`]: JSON.parse(row.key) as JsonValue }] as const
  })
  return Object.fromEntries(found.filter((entry) => entry !== undefined))
}

/** Counts all one-time keys as handed out. */
export function claimAllKeys(sql: SqlStorage): void {
  sql.exec('UPDATE one_time_keys SET claimed = 1 WHERE claimed = 0')
}

function claimOne(sql: SqlStorage, deviceId: string, algorithm: string) {
  const query = `SELECT key_id, key FROM one_time_keys WHERE device_id = ? AND algorithm = ? AND claimed = 0
     ORDER BY seq LIMIT 1`
  const row = first<Pick<OneTimeKeyRow, 'key_id' | 'key'>>(sql, query, deviceId, algorithm)
  if (row === undefined) return undefined
  const update = 'UPDATE one_time_keys SET claimed = 1 WHERE device_id = ? AND algorithm = ? AND key_id = ?'
  sql.exec(update, deviceId, algorithm, row.key_id)
  return row
}

function useFallback(sql: SqlStorage, deviceId: string, algorithm: string) {
  const query = 'SELECT key_id, key, used FROM fallback_keys WHERE device_id = ? AND algorithm = ?'
  const row = first<Pick<FallbackKeyRow, 'key_id' | 'key' | 'used'>>(sql, query, deviceId, algorithm)
  if (row?.used === 0) {
    sql.exec('UPDATE fallback_keys SET used = 1 WHERE device_id = ? AND algorithm = ?', deviceId, algorithm)
  }
  return row
}

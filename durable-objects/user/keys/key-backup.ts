/** Client-Server API §Server-side key backups: versions of the user's backup, and the room keys in each. */
import type {
  BackedUpKey,
  KeyBackupState,
  KeyBackupVersion,
  KeyPlace,
} from '../../../src/objects/user/keys.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import type { Quotas } from '../../../src/ports/config.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import {
  KEYS_AT_ONCE,
  type KeyBackupData,
  LENGTH_AT_ONCE,
  lengthInCall,
  replacesKey,
} from '../../../src/protocol/keys/key-backup.ts'
import { requireQuota } from '../../../src/quotas.ts'
import { first } from '../../sqlite.ts'

/** How many versions may exist that are not deleted: clients delete the one before when they make a new one. */
const MAX_VERSIONS = 100

type Archived = Omit<UserLogEntry, 'seq'>
type VersionRow = {
  version: number
  algorithm: string
  auth_data: string
  etag: number
  key_count: number
  bytes: number
  deleted: number
}
type PlaceRow = { room_id: string; session_id: string }
type KeyRow = PlaceRow & { data: string }

/** Makes a new version the current one. @throws MatrixError M_RESOURCE_LIMIT_EXCEEDED for too many that are not deleted */
export function createVersion(
  sql: SqlStorage,
  algorithm: string,
  authData: JsonObject,
): { value: string; archive: Archived[] } {
  const held = first<{ held: number }>(sql, 'SELECT count(*) AS held FROM backup_versions WHERE deleted = 0')
  if ((held?.held ?? 0) >= MAX_VERSIONS) {
    throw new MatrixError(
      'M_RESOURCE_LIMIT_EXCEEDED',
      `A user may have ${MAX_VERSIONS} backup versions at most: delete old ones first`,
    )
  }
  const newest = first<{ version: number | null }>(sql, 'SELECT max(version) AS version FROM backup_versions')
  const version = (newest?.version ?? 0) + 1
  const insert = 'INSERT INTO backup_versions (version, algorithm, auth_data) VALUES (?, ?, ?)'
  sql.exec(insert, version, algorithm, JSON.stringify(authData))
  return { value: String(version), archive: [archivedVersion(sql, version)] }
}

/** A version, or the current one. @throws MatrixError M_NOT_FOUND */
export function findVersion(sql: SqlStorage, version: string | undefined): KeyBackupVersion {
  const row = rowOf(sql, version)
  return {
    algorithm: row.algorithm,
    auth_data: JSON.parse(row.auth_data) as JsonObject,
    version: String(row.version),
    ...stateOf(row),
  }
}

/** @throws MatrixError M_NOT_FOUND; M_INVALID_PARAM for another algorithm */
export function updateVersion(
  sql: SqlStorage,
  version: string,
  algorithm: string,
  authData: JsonObject,
): { value: undefined; archive: Archived[] } {
  const row = rowOf(sql, version)
  if (row.algorithm !== algorithm) {
    throw new MatrixError('M_INVALID_PARAM', 'The algorithm of a backup cannot change')
  }
  const text = JSON.stringify(authData)
  sql.exec('UPDATE backup_versions SET auth_data = ? WHERE version = ?', text, row.version)
  return { value: undefined, archive: [archivedVersion(sql, row.version)] }
}

/** Deletes a version with its keys; one that was deleted before stays so. @throws MatrixError M_NOT_FOUND */
export function deleteVersion(sql: SqlStorage, version: string): { value: undefined; archive: Archived[] } {
  const row = first<VersionRow>(sql, 'SELECT * FROM backup_versions WHERE version = ?', numberOf(version))
  if (row === undefined) throw noSuchBackup()
  if (row.deleted === 1) return { value: undefined, archive: [] }
  const gone = dropKeys(sql, row.version, {})
  const update =
    "UPDATE backup_versions SET deleted = 1, auth_data = '{}', key_count = 0, bytes = 0 WHERE version = ?"
  sql.exec(update, row.version)
  return { value: undefined, archive: [archivedVersion(sql, row.version), ...gone] }
}

/** Takes away all that an account has backed up, inside the transaction that closes it. Answers what to archive. */
export function dropBackups(sql: SqlStorage): Archived[] {
  const versions = sql.exec<{ version: number }>('SELECT version FROM backup_versions').toArray()
  const gone = versions.flatMap(({ version }) => dropKeys(sql, version, {}))
  sql.exec('DELETE FROM backup_versions')
  const entries = versions.map(({ version }) => ({
    kind: 'backup_version' as const,
    key: String(version),
    body: null,
  }))
  return [...entries, ...gone]
}

/** After a rebuild: an archive that was cut off in the middle of a change has a version without its keys, or these alone. */
export function recountBackups(sql: SqlStorage): void {
  sql.exec(
    'DELETE FROM backup_keys WHERE version NOT IN (SELECT version FROM backup_versions WHERE deleted = 0)',
  )
  const ofVersion = 'FROM backup_keys k WHERE k.version = backup_versions.version'
  const held = `(SELECT count(*) ${ofVersion})`
  const bytes = `(SELECT coalesce(sum(octet_length(data)), 0) ${ofVersion})`
  sql.exec(`UPDATE backup_versions SET bytes = ${bytes}`)
  sql.exec(`UPDATE backup_versions SET etag = etag + 1, key_count = ${held} WHERE key_count <> ${held}`)
}

/**
 * Stores keys in the current version, each where it is better than the one that is there.
 * @throws MatrixError M_NOT_FOUND, M_WRONG_ROOM_KEYS_VERSION, M_TOO_LARGE past the quota
 */
export function putKeys(
  sql: SqlStorage,
  version: string,
  keys: readonly BackedUpKey[],
  quotas: Quotas,
): { value: KeyBackupState; archive: Archived[] } {
  const row = currentRow(sql, version)
  const archive: Archived[] = []
  const added = { keys: 0, bytes: 0 }
  for (const { roomId, sessionId, data } of keys) {
    const known = keyAt(sql, row.version, roomId, sessionId)
    if (known !== undefined && !replacesKey(JSON.parse(known.data), JSON.parse(data) as KeyBackupData))
      continue
    if (known === undefined) added.keys += 1
    added.bytes += Buffer.byteLength(data) - Buffer.byteLength(known?.data ?? '')
    const insert =
      'INSERT OR REPLACE INTO backup_keys (version, room_id, session_id, data) VALUES (?, ?, ?, ?)'
    sql.exec(insert, row.version, roomId, sessionId, data)
    archive.push(archivedKey(row.version, roomId, sessionId, data))
  }
  if (added.bytes > 0) {
    const all = first<{ bytes: number }>(sql, 'SELECT sum(bytes) AS bytes FROM backup_versions')
    requireQuota(quotas, 'keyBackupBytes', (all?.bytes ?? 0) + added.bytes)
  }
  return changed(sql, row, added, archive)
}

/** Deletes keys of any version; only keys that are stored must be for the current one. @throws MatrixError M_NOT_FOUND */
export function deleteKeys(
  sql: SqlStorage,
  version: string,
  place: KeyPlace,
): { value: KeyBackupState; archive: Archived[] } {
  const row = rowOf(sql, version)
  const bytes = bytesAt(sql, row.version, place)
  const archive = dropKeys(sql, row.version, place)
  return changed(sql, row, { keys: -archive.length, bytes: -bytes }, archive)
}

/** What one call carries of a version's keys, in order, after the last one of the batch before. @throws MatrixError M_NOT_FOUND */
export function readKeys(
  sql: SqlStorage,
  version: string,
  place: KeyPlace,
  after: [string, string] | undefined,
): { keys: BackedUpKey[]; more: boolean } {
  const { clause, values } = narrowed(rowOf(sql, version).version, place, after)
  const query = `SELECT room_id, session_id, data FROM backup_keys WHERE ${clause} ORDER BY room_id, session_id`
  const keys: BackedUpKey[] = []
  let length = 0
  for (const { room_id: roomId, session_id: sessionId, data } of sql.exec<KeyRow>(query, ...values)) {
    length += lengthInCall(roomId, sessionId, data)
    if (keys.length > 0 && (keys.length === KEYS_AT_ONCE || length > LENGTH_AT_ONCE))
      return { keys, more: true }
    keys.push({ roomId, sessionId, data })
  }
  return { keys, more: false }
}

function keyAt(sql: SqlStorage, version: number, roomId: string, sessionId: string) {
  const query = 'SELECT data FROM backup_keys WHERE version = ? AND room_id = ? AND session_id = ?'
  return first<{ data: string }>(sql, query, version, roomId, sessionId)
}

function bytesAt(sql: SqlStorage, version: number, place: KeyPlace): number {
  const { clause, values } = narrowed(version, place)
  const query =
    `SELECT coalesce(sum(octet_length(data)), 0) AS bytes FROM backup_keys WHERE ${clause}` as const
  return first<{ bytes: number }>(sql, query, ...values)?.bytes ?? 0
}

/** Deletes keys; answers what to archive. What they hold is not read: a backup may be larger than the memory. */
function dropKeys(sql: SqlStorage, version: number, place: KeyPlace): Archived[] {
  const { clause, values } = narrowed(version, place)
  const query = `SELECT room_id, session_id FROM backup_keys WHERE ${clause}`
  const rows = sql.exec<PlaceRow>(query, ...values).toArray()
  sql.exec(`DELETE FROM backup_keys WHERE ${clause}`, ...values)
  return rows.map(({ room_id, session_id }) => archivedKey(version, room_id, session_id, null))
}

function narrowed(version: number, { roomId, sessionId }: KeyPlace, after?: [string, string]) {
  const clauses = ['version = ?']
  const values: SqlStorageValue[] = [version]
  const narrow = (clause: string, ...more: SqlStorageValue[]) => {
    clauses.push(clause)
    values.push(...more)
  }
  if (roomId !== undefined) narrow('room_id = ?', roomId)
  if (sessionId !== undefined) narrow('session_id = ?', sessionId)
  if (after !== undefined) narrow('(room_id, session_id) > (?, ?)', ...after)
  return { clause: clauses.join(' AND '), values }
}

/** "An opaque string representing stored keys in the backup": it changes with them alone. */
function changed(
  sql: SqlStorage,
  row: VersionRow,
  added: { keys: number; bytes: number },
  archive: Archived[],
): { value: KeyBackupState; archive: Archived[] } {
  if (archive.length === 0) return { value: stateOf(row), archive }
  const update = `UPDATE backup_versions SET etag = etag + 1, key_count = key_count + ?, bytes = max(0, bytes + ?)
     WHERE version = ?`
  sql.exec(update, added.keys, added.bytes, row.version)
  const value = { etag: String(row.etag + 1), count: row.key_count + added.keys }
  return { value, archive: [archivedVersion(sql, row.version), ...archive] }
}

function stateOf({ etag, key_count: count }: VersionRow): KeyBackupState {
  return { etag: String(etag), count }
}

/** @throws MatrixError M_NOT_FOUND */
function rowOf(sql: SqlStorage, version: string | undefined): VersionRow {
  const row =
    version === undefined
      ? first<VersionRow>(
          sql,
          'SELECT * FROM backup_versions WHERE deleted = 0 ORDER BY version DESC LIMIT 1',
        )
      : first<VersionRow>(
          sql,
          'SELECT * FROM backup_versions WHERE deleted = 0 AND version = ?',
          numberOf(version),
        )
  if (row === undefined) throw noSuchBackup()
  return row
}

/** "Clients must only write to the current version." */
function currentRow(sql: SqlStorage, version: string): VersionRow {
  const row = rowOf(sql, undefined)
  if (String(row.version) === version) return row
  throw new MatrixError('M_WRONG_ROOM_KEYS_VERSION', 'This is not the current version of the backup', {
    extra: { current_version: String(row.version) },
  })
}

/** A version that is not a number of ours names no version: -1. */
function numberOf(version: string): number {
  return /^[1-9]\d{0,14}$/.test(version) ? Number(version) : -1
}

function noSuchBackup(): MatrixError {
  return new MatrixError('M_NOT_FOUND', 'There is no such version of the backup')
}

function archivedVersion(sql: SqlStorage, version: number): Archived {
  const row = first<VersionRow>(sql, 'SELECT * FROM backup_versions WHERE version = ?', version)
  return { kind: 'backup_version', key: String(version), body: JSON.stringify(row) }
}

function archivedKey(version: number, roomId: string, sessionId: string, data: string | null): Archived {
  return { kind: 'backup_key', key: JSON.stringify([version, roomId, sessionId]), body: data }
}

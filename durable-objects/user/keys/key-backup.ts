/** Client-Server API §Server-side key backups: versions of the user's backup, and the room keys in each. */
import type {
  BackedUpKey,
  DeletedKeys,
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
import {
  bytesHeld,
  countKeys,
  countVersions,
  insertVersion,
  KEY_BYTES,
  keyData,
  keyRows,
  markDeleted,
  newestVersion,
  putKey,
  removeKeys,
  removeVersions,
  setAuthData,
  type VersionRow,
  versionNumbers,
  versionRow,
  versionWithRest,
} from './backup-rows.ts'

/** How many versions may exist that are not deleted: clients delete the one before when they make a new one. */
const MAX_VERSIONS = 100

/** How many keys one call deletes: others wait for it. */
const DELETED_AT_ONCE = 5_000

type Archived = Omit<UserLogEntry, 'seq'>
/** Makes a new version the current one. @throws MatrixError M_RESOURCE_LIMIT_EXCEEDED for too many that are not deleted */
export function createVersion(
  sql: SqlStorage,
  algorithm: string,
  authData: JsonObject,
): { value: string; archive: Archived[] } {
  if (countVersions(sql) >= MAX_VERSIONS) {
    throw new MatrixError(
      'M_RESOURCE_LIMIT_EXCEEDED',
      `A user may have ${MAX_VERSIONS} backup versions at most: delete old ones first`,
    )
  }
  const version = insertVersion(sql, algorithm, JSON.stringify(authData))
  // The request that deleted one may have been cut off.
  const rest = versionWithRest(sql)
  const gone = rest === undefined ? [] : dropKeys(sql, rest, {}).archive
  return { value: String(version), archive: [archivedVersion(sql, version), ...gone] }
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
  setAuthData(sql, row.version, JSON.stringify(authData))
  return { value: undefined, archive: [archivedVersion(sql, row.version)] }
}

/**
 * Deletes a version, and the first of its keys; one that was deleted before stays so. Answers whether there are more keys:
 * the next call deletes them. @throws MatrixError M_NOT_FOUND
 */
export function deleteVersion(sql: SqlStorage, version: string): { value: boolean; archive: Archived[] } {
  const row = versionRow(sql, numberOf(version))
  if (row === undefined) throw noSuchBackup()
  const { archive: gone, more: value } = dropKeys(sql, row.version, {})
  if (row.deleted === 1) return { value, archive: gone }
  markDeleted(sql, row.version)
  return { value, archive: [archivedVersion(sql, row.version), ...gone] }
}

/** Takes away all that an account has backed up, inside the transaction that closes it. Answers what to archive. */
export function dropBackups(sql: SqlStorage): Archived[] {
  const versions = versionNumbers(sql)
  const gone = versions.flatMap((version) => dropKeys(sql, version, {}, Number.MAX_SAFE_INTEGER).archive)
  removeVersions(sql)
  const entries = versions.map((version) => ({ kind: 'backup_version', key: String(version), body: null }))
  return [...entries, ...gone]
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
    const known = keyData(sql, row.version, roomId, sessionId)
    if (known !== undefined && !replacesKey(JSON.parse(known), JSON.parse(data) as KeyBackupData)) continue
    if (known === undefined) added.keys += 1
    added.bytes += Buffer.byteLength(data) - Buffer.byteLength(known ?? '')
    putKey(sql, { version: row.version, room_id: roomId, session_id: sessionId, data })
    archive.push(archivedKey(row.version, roomId, sessionId, data))
  }
  const more = added.bytes + KEY_BYTES * added.keys
  if (more > 0) requireQuota(quotas, 'keyBackupBytes', bytesHeld(sql) + more)
  return changed(sql, row, added, archive)
}

/**
 * Deletes keys of any version; only keys that are stored must be for the current one. Answers whether there are `more`: the
 * next call deletes them. @throws MatrixError M_NOT_FOUND
 */
export function deleteKeys(
  sql: SqlStorage,
  version: string,
  place: KeyPlace,
): { value: DeletedKeys; archive: Archived[] } {
  const row = rowOf(sql, version)
  const { archive: gone, bytes, more } = dropKeys(sql, row.version, place)
  const { value: state, archive } = changed(sql, row, { keys: -gone.length, bytes: -bytes }, gone)
  return { value: { state, more }, archive }
}

/** What one call carries of a version's keys, in order, after the last one of the batch before. @throws MatrixError M_NOT_FOUND */
export function readKeys(
  sql: SqlStorage,
  version: string,
  place: KeyPlace,
  after: [string, string] | undefined,
): { keys: BackedUpKey[]; more: boolean } {
  const at = { version: rowOf(sql, version).version, place, after }
  const keys: BackedUpKey[] = []
  let length = 0
  for (const { room_id: roomId, session_id: sessionId, data } of keyRows(sql, at)) {
    length += lengthInCall(roomId, sessionId, data)
    if (keys.length > 0 && (keys.length === KEYS_AT_ONCE || length > LENGTH_AT_ONCE))
      return { keys, more: true }
    keys.push({ roomId, sessionId, data })
  }
  return { keys, more: false }
}

/** Deletes keys; answers what to archive, what they held, and whether there may be more. */
function dropKeys(sql: SqlStorage, version: number, place: KeyPlace, most = DELETED_AT_ONCE) {
  const gone = removeKeys(sql, { version, place }, most)
  return {
    archive: gone.map(({ room_id, session_id }) => archivedKey(version, room_id, session_id, null)),
    bytes: gone.reduce((sum, { bytes }) => sum + bytes, 0),
    more: gone.length === most,
  }
}

/** "An opaque string representing stored keys in the backup": it changes with them alone. */
function changed(
  sql: SqlStorage,
  row: VersionRow,
  added: { keys: number; bytes: number },
  archive: Archived[],
): { value: KeyBackupState; archive: Archived[] } {
  if (archive.length === 0) return { value: stateOf(row), archive }
  countKeys(sql, row.version, added)
  const value = { etag: String(row.etag + 1), count: row.key_count + added.keys }
  return { value, archive: [archivedVersion(sql, row.version), ...archive] }
}

function stateOf({ etag, key_count: count }: VersionRow): KeyBackupState {
  return { etag: String(etag), count }
}

/** @throws MatrixError M_NOT_FOUND */
function rowOf(sql: SqlStorage, version: string | undefined): VersionRow {
  const row = version === undefined ? newestVersion(sql) : versionRow(sql, numberOf(version))
  if (row === undefined || row.deleted === 1) throw noSuchBackup()
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
  return { kind: 'backup_version', key: String(version), body: JSON.stringify(versionRow(sql, version)) }
}

function archivedKey(version: number, roomId: string, sessionId: string, data: string | null): Archived {
  return { kind: 'backup_key', key: JSON.stringify([version, roomId, sessionId]), body: data }
}

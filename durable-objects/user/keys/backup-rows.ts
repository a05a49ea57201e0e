/** The tables `backup_versions` and `backup_keys`: versions of the user's key backup, and the room keys in each. */
import type { KeyPlace } from '../../../src/objects/user/keys.ts'
import { first, type SqlReader } from '../../sqlite.ts'

export const KEY_BACKUP_TABLES = `
  -- A deleted version stays as a row, so that its number is never given again.
  CREATE TABLE backup_versions (
    version INTEGER PRIMARY KEY,
    algorithm TEXT NOT NULL,
    auth_data TEXT NOT NULL,
    etag INTEGER NOT NULL DEFAULT 0,
    key_count INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0
  );

  CREATE TABLE backup_keys (
    version INTEGER NOT NULL,
    room_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (version, room_id, session_id)
  ) WITHOUT ROWID;
`

/** What the keys of a version hold, kept with their number. */
export const KEY_BACKUP_BYTES = `
  ALTER TABLE backup_versions ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
`

export type VersionRow = {
  version: number
  algorithm: string
  auth_data: string
  etag: number
  key_count: number
  bytes: number
  deleted: number
}
export type KeyRow = { version: number; room_id: string; session_id: string; data: string }

/** Keys of a version: all, a room's, or one; with `after`, those that follow it. */
export interface KeysAt {
  version: number
  place: KeyPlace
  after?: [string, string] | undefined
}

// ------------------------------------------------------------ versions

/** How many are not deleted. */
export function countVersions(sql: SqlReader): number {
  const query = 'SELECT count(*) AS held FROM backup_versions WHERE deleted = 0'
  return first<{ held: number }>(sql, query)?.held ?? 0
}

export function versionNumbers(sql: SqlReader): number[] {
  const rows = sql.exec<Pick<VersionRow, 'version'>>('SELECT version FROM backup_versions').toArray()
  return rows.map(({ version }) => version)
}

/** The row of a version, deleted or not. */
export function versionRow(sql: SqlReader, version: number): VersionRow | undefined {
  return first<VersionRow>(sql, 'SELECT * FROM backup_versions WHERE version = ?', version)
}

/** The newest that is not deleted. */
export function newestVersion(sql: SqlReader): VersionRow | undefined {
  const query = 'SELECT * FROM backup_versions WHERE deleted = 0 ORDER BY version DESC LIMIT 1'
  return first<VersionRow>(sql, query)
}

/** What a key costs beside its data: the names of its room and session, which may be longer than the data. */
export const KEY_BYTES = 256

/** What all versions hold, bytes. */
export function bytesHeld(sql: SqlReader): number {
  const query = `SELECT sum(bytes + ${KEY_BYTES} * key_count) AS bytes FROM backup_versions` as const
  return first<{ bytes: number }>(sql, query)?.bytes ?? 0
}

/** Answers the number of the new version. One row. */
export function insertVersion(sql: SqlStorage, algorithm: string, authData: string): number {
  const newest = first<{ version: number | null }>(sql, 'SELECT max(version) AS version FROM backup_versions')
  const version = (newest?.version ?? 0) + 1
  const insert = 'INSERT INTO backup_versions (version, algorithm, auth_data) VALUES (?, ?, ?)'
  sql.exec(insert, version, algorithm, authData)
  return version
}

/** One row. */
export function setAuthData(sql: SqlStorage, version: number, authData: string): void {
  sql.exec('UPDATE backup_versions SET auth_data = ? WHERE version = ?', authData, version)
}

/** One row, which stays. */
export function markDeleted(sql: SqlStorage, version: number): void {
  const update =
    "UPDATE backup_versions SET deleted = 1, auth_data = '{}', key_count = 0, bytes = 0 WHERE version = ?"
  sql.exec(update, version)
}

/** Keys of a version have come or gone. One row. */
export function countKeys(sql: SqlStorage, version: number, added: { keys: number; bytes: number }): void {
  const update = `UPDATE backup_versions SET etag = etag + 1, key_count = key_count + ?, bytes = max(0, bytes + ?)
     WHERE version = ?`
  sql.exec(update, added.keys, added.bytes, version)
}

export function removeVersions(sql: SqlStorage): void {
  sql.exec('DELETE FROM backup_versions')
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

// ------------------------------------------------------------ keys

export function keyData(
  sql: SqlReader,
  version: number,
  roomId: string,
  sessionId: string,
): string | undefined {
  const query = 'SELECT data FROM backup_keys WHERE version = ? AND room_id = ? AND session_id = ?'
  return first<Pick<KeyRow, 'data'>>(sql, query, version, roomId, sessionId)?.data
}

/** In order. */
export function keyRows(sql: SqlReader, at: KeysAt): Iterable<Omit<KeyRow, 'version'>> {
  const { clause, values } = narrowed(at)
  const query = `SELECT room_id, session_id, data FROM backup_keys WHERE ${clause} ORDER BY room_id, session_id`
  return sql.exec<Omit<KeyRow, 'version'>>(query as `SELECT ${string}`, ...values)
}

/** One row. */
export function putKey(sql: SqlStorage, { version, room_id, session_id, data }: KeyRow): void {
  const insert = 'INSERT OR REPLACE INTO backup_keys (version, room_id, session_id, data) VALUES (?, ?, ?, ?)'
  sql.exec(insert, version, room_id, session_id, data)
}

/** Where a key that is gone stood, and what it held, bytes. */
export type RemovedKey = Pick<KeyRow, 'room_id' | 'session_id'> & { bytes: number }

/** The first `most`, in order. What they hold is not read: a backup may be larger than the memory. */
export function removeKeys(sql: SqlStorage, at: KeysAt, most: number): RemovedKey[] {
  const { clause, values } = narrowed(at)
  const query = `SELECT room_id, session_id, octet_length(data) AS bytes FROM backup_keys WHERE ${clause}
     ORDER BY room_id, session_id LIMIT ?`
  const rows = sql.exec<RemovedKey>(query as `SELECT ${string}`, ...values, most).toArray()
  const last = rows.at(-1)
  if (last === undefined) return []
  const upToLast = `${clause} AND (room_id, session_id) <= (?, ?)`
  sql.exec(`DELETE FROM backup_keys WHERE ${upToLast}`, ...values, last.room_id, last.session_id)
  return rows
}

/** A deleted version that has keys still. */
export function versionWithRest(sql: SqlReader): number | undefined {
  const rest = 'SELECT 1 FROM backup_keys k WHERE k.version = v.version'
  const query =
    `SELECT version FROM backup_versions v WHERE deleted = 1 AND EXISTS (${rest}) LIMIT 1` as const
  return first<{ version: number }>(sql, query)?.version
}

function narrowed({ version, place: { roomId, sessionId }, after }: KeysAt) {
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

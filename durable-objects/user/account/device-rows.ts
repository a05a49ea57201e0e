/** The table `devices`: a user's devices, and with each the one session it has. */
import { first, type SqlReader } from '../../sqlite.ts'
import { coverTexts } from '../../wipe.ts'

/** The hashes and the expiry are for sessions with refresh tokens; `locked` and `suspended` were never used: see standing.ts. */
export const DEVICES_TABLE = `
  CREATE TABLE devices (
    device_id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    display_name TEXT,
    created_ts INTEGER NOT NULL,
    last_seen_ts INTEGER NOT NULL,
    last_seen_ip TEXT,
    refresh_hash TEXT,
    previous_refresh_hash TEXT,
    expires_at INTEGER,
    locked INTEGER NOT NULL DEFAULT 0,
    suspended INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;
`

/** `devices.refresh_hash` is of the newest refresh token, `previous_refresh_hash` of the one before it. */
export const REFRESH_COLUMNS = `
  -- What all refresh tokens of one login share.
  ALTER TABLE devices ADD COLUMN family TEXT;
  -- The session before this one lives until its own expiry: requests with its token may be on their way.
  ALTER TABLE devices ADD COLUMN previous_session_id TEXT;
  ALTER TABLE devices ADD COLUMN previous_expires_at INTEGER;
  -- 1 once a token of the newest pair was used: the refresh token before it is dead from then on.
  ALTER TABLE devices ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE devices ADD COLUMN refreshed_ts INTEGER;
`

export interface DeviceRow extends Record<string, SqlStorageValue> {
  device_id: string
  session_id: string
  display_name: string | null
  created_ts: number
  last_seen_ts: number
  last_seen_ip: string | null
  refresh_hash: string | null
  previous_refresh_hash: string | null
  expires_at: number | null
  locked: number
  suspended: number
  family: string | null
  previous_session_id: string | null
  previous_expires_at: number | null
  confirmed: number
  refreshed_ts: number | null
}

/** Writes a device row, whole. */
export function storeDevice(sql: SqlStorage, device: DeviceRow): void {
  const columns = Object.keys(device)
  const places = columns.map(() => '?').join(', ')
  sql.exec(
    `INSERT OR REPLACE INTO devices (${columns.join(', ')}) VALUES (${places})`,
    ...Object.values(device),
  )
}

/** A token of the newest pair was used. One row. */
export function confirmDevice(sql: SqlStorage, deviceId: string): void {
  sql.exec('UPDATE devices SET confirmed = 1 WHERE device_id = ?', deviceId)
}

/** One row. */
export function nameDevice(sql: SqlStorage, deviceId: string, displayName: string): void {
  sql.exec('UPDATE devices SET display_name = ? WHERE device_id = ?', displayName, deviceId)
}

export function removeDevice(sql: SqlStorage, deviceId: string): void {
  sql.exec('DELETE FROM devices WHERE device_id = ?', deviceId)
}

/** Leaves nothing of what people called them. */
export function removeAllDevices(sql: SqlStorage): void {
  coverTexts(sql, 'devices', 'display_name')
  sql.exec('DELETE FROM devices')
}

/** The device's row. */
export function findDevice(sql: SqlReader, deviceId: string): DeviceRow | undefined {
  return first<DeviceRow>(sql, 'SELECT * FROM devices WHERE device_id = ?', deviceId)
}

/** The device whose session ended by itself before all others, and cannot be refreshed. */
export function findEnded(sql: SqlReader, now: number): DeviceRow | undefined {
  const query = `SELECT * FROM devices WHERE expires_at <= ? AND refresh_hash IS NULL
    ORDER BY expires_at, device_id LIMIT 1`
  return first<DeviceRow>(sql, query, now)
}

export function allDevices(sql: SqlReader): DeviceRow[] {
  return sql.exec<DeviceRow>('SELECT * FROM devices ORDER BY device_id').toArray()
}

/** The ids of all devices. */
export function deviceIds(sql: SqlReader): Set<string> {
  const rows = sql.exec<{ device_id: string }>('SELECT device_id FROM devices').toArray()
  return new Set(rows.map(({ device_id }) => device_id))
}

export function countDevices(sql: SqlReader): number {
  return first<{ held: number }>(sql, 'SELECT count(*) AS held FROM devices')?.held ?? 0
}

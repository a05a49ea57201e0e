/** A user's devices, and with each the one session it has: the truth behind every access token. */
import type { Device, Random, Session, UserLogEntry } from '../../src/ports.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { first } from '../sqlite.ts'

/** The hashes and the expiry are for sessions with refresh tokens; `locked` and `suspended` for moderation. */
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

/** What a change leaves to its caller: entries for the archive, which still need their places in the user's log, */
export interface DeviceChange {
  archive: Omit<UserLogEntry, 'seq'>[]
  /** and the sessions that ended, to be removed from Redis. */
  revoked: string[]
}

interface DeviceRow extends Record<string, SqlStorageValue> {
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
}

/** As other servers' device ids: easy to read out, and hardly ever the same twice. */
const DEVICE_ID_LENGTH = 10
const SESSION_ID_LENGTH = 20

const UPSERT = `
  INSERT INTO devices (device_id, session_id, display_name, created_ts, last_seen_ts, last_seen_ip)
  VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (device_id) DO UPDATE SET session_id = excluded.session_id, last_seen_ts = excluded.last_seen_ts,
    last_seen_ip = excluded.last_seen_ip, refresh_hash = NULL, previous_refresh_hash = NULL, expires_at = NULL`

/**
 * Gives a device a new session, and ends the one it had. "initial_device_display_name is ignored if device_id
 * corresponds to a known device." Writes one row.
 */
export function openSession(
  sql: SqlStorage,
  userId: string,
  request: { deviceId?: string; displayName?: string; address?: string },
  { now, random }: { now: number; random: Random },
): DeviceChange & { session: Session; isNewDevice: boolean } {
  const deviceId = request.deviceId ?? random.token(DEVICE_ID_LENGTH).toUpperCase()
  const sessionId = random.token(SESSION_ID_LENGTH)
  const known = find(sql, deviceId)
  const { displayName = null, address = null } = request
  sql.exec(UPSERT, deviceId, sessionId, displayName, now, now, address)
  return {
    session: { userId, deviceId, sessionId },
    isNewDevice: known === undefined,
    archive: [archived(find(sql, deviceId)!)],
    revoked: known === undefined ? [] : [known.session_id],
  }
}

/**
 * Passes a live session.
 * @throws MatrixError M_UNKNOWN_TOKEN, or M_USER_LOCKED for a locked one
 */
export function checkSession(sql: SqlStorage, session: Session, now: number): void {
  const device = ownDevice(sql, session)
  if (device.expires_at !== null && device.expires_at <= now) {
    throw new MatrixError('M_UNKNOWN_TOKEN', 'The access token has expired', { extra: { soft_logout: true } })
  }
  if (device.locked !== 0) {
    throw new MatrixError('M_USER_LOCKED', 'This account is locked', { extra: { soft_logout: true } })
  }
}

/** Deletes the session's device. A locked or expired session may still do so. */
export function logout(sql: SqlStorage, session: Session): DeviceChange {
  const device = ownDevice(sql, session)
  sql.exec('DELETE FROM devices WHERE device_id = ?', device.device_id)
  return deletion([device])
}

/** Deletes all devices. */
export function logoutAll(sql: SqlStorage, session: Session): DeviceChange {
  ownDevice(sql, session)
  const devices = all(sql)
  sql.exec('DELETE FROM devices')
  return deletion(devices)
}

/** All devices, as clients see them. */
export function listDevices(sql: SqlStorage): Device[] {
  return all(sql).map(clientDevice)
}

/** @throws MatrixError M_NOT_FOUND */
export function getDevice(sql: SqlStorage, deviceId: string): Device {
  return clientDevice(existing(sql, deviceId))
}

/** Names a device. The same name again changes nothing. @throws MatrixError M_NOT_FOUND */
export function renameDevice(sql: SqlStorage, deviceId: string, displayName: string): DeviceChange {
  const device = existing(sql, deviceId)
  if (device.display_name === displayName) return { archive: [], revoked: [] }
  sql.exec('UPDATE devices SET display_name = ? WHERE device_id = ?', displayName, deviceId)
  return { archive: [archived({ ...device, display_name: displayName })], revoked: [] }
}

function all(sql: SqlStorage): DeviceRow[] {
  return sql.exec<DeviceRow>('SELECT * FROM devices ORDER BY device_id').toArray()
}

function find(sql: SqlStorage, deviceId: string): DeviceRow | undefined {
  return first<DeviceRow>(sql, 'SELECT * FROM devices WHERE device_id = ?', deviceId)
}

function existing(sql: SqlStorage, deviceId: string): DeviceRow {
  const device = find(sql, deviceId)
  if (device === undefined) throw new MatrixError('M_NOT_FOUND', 'No such device')
  return device
}

/** The device that the session belongs to, if it is still the device's session. */
function ownDevice(sql: SqlStorage, { deviceId, sessionId }: Session): DeviceRow {
  const device = find(sql, deviceId)
  if (device?.session_id === sessionId) return device
  throw new MatrixError('M_UNKNOWN_TOKEN', 'The access token is not valid any more')
}

function deletion(devices: DeviceRow[]): DeviceChange {
  return {
    archive: devices.map(({ device_id }) => ({ kind: 'device', key: device_id, body: null })),
    revoked: devices.map(({ session_id }) => session_id),
  }
}

function archived(device: DeviceRow): Omit<UserLogEntry, 'seq'> {
  return { kind: 'device', key: device.device_id, body: JSON.stringify(device) }
}

function clientDevice(device: DeviceRow): Device {
  return {
    device_id: device.device_id,
    last_seen_ts: device.last_seen_ts,
    ...(device.display_name !== null && { display_name: device.display_name }),
    ...(device.last_seen_ip !== null && { last_seen_ip: device.last_seen_ip }),
  }
}

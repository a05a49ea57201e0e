/** A user's devices, and with each the one session it has: the truth behind every access token. */
import type { Device, FirstProfile, Session } from '../../../src/objects/user/session.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import type { Quotas } from '../../../src/ports/config.ts'
import type { Random } from '../../../src/ports/system.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { requireQuota } from '../../../src/quotas.ts'
import {
  allDevices,
  countDevices,
  type DeviceRow,
  findDevice,
  findEnded,
  nameDevice,
  removeAllDevices,
  removeDevice,
  storeDevice,
} from './device-rows.ts'

/** What a change leaves to its caller: entries for the archive, which still need their places in the user's log, */
export interface DeviceChange {
  archive: Omit<UserLogEntry, 'seq'>[]
  /** and the sessions that ended, to be removed from Redis. */
  revoked: string[]
}

/** What a device asks for when it logs in. */
export interface LoginRequest {
  deviceId?: string
  displayName?: string
  address?: string
  /** Of the first refresh token, where the client wants one: the session expires then. */
  refreshHash?: string
  /** How long the session lives, ms; with it, it ends without a refresh token too. */
  lifetimeMs?: number
  profile?: FirstProfile
}

/** A session that has just begun: when it ends, if it does, and with `refreshHash` what its tokens share. */
export type OpenedSession = Session & { expiresAt?: number; family?: string }

/** As other servers' device ids: easy to read out, and hardly ever the same twice. */
const DEVICE_ID_LENGTH = 10
const SESSION_ID_LENGTH = 20

/**
 * Gives a device a new session, and ends the one it had, unless the new one renews it. "initial_device_display_name is ignored if device_id
 * corresponds to a known device." Writes one row.
 * @throws MatrixError M_RESOURCE_LIMIT_EXCEEDED past the quota
 */
export function openSession(
  sql: SqlStorage,
  userId: string,
  request: LoginRequest,
  { now, random, lifetimeMs, quotas }: { now: number; random: Random; lifetimeMs: number; quotas: Quotas },
): DeviceChange & { session: OpenedSession; isNewDevice: boolean } {
  const deviceId = request.deviceId ?? random.token(DEVICE_ID_LENGTH).toUpperCase()
  const sessionId = random.token(SESSION_ID_LENGTH)
  const known = findDevice(sql, deviceId)
  const displaced = known === undefined ? makeRoom(sql, quotas, now) : deletion([])
  const refreshes = request.refreshHash !== undefined
  const lives = request.lifetimeMs ?? (refreshes ? lifetimeMs : undefined)
  const expiresAt = lives === undefined ? undefined : now + lives
  const goesOn = known !== undefined && renews(known, request)
  const device: DeviceRow = {
    device_id: deviceId,
    session_id: sessionId,
    display_name: known === undefined ? (request.displayName ?? null) : known.display_name,
    created_ts: known?.created_ts ?? now,
    last_seen_ts: now,
    last_seen_ip: request.address ?? null,
    refresh_hash: request.refreshHash ?? null,
    previous_refresh_hash: null,
    expires_at: expiresAt ?? null,
    locked: 0,
    suspended: 0,
    family: refreshes ? sessionId : null,
    previous_session_id: goesOn ? known.session_id : null,
    previous_expires_at: goesOn ? known.expires_at : null,
    confirmed: 1,
    refreshed_ts: null,
  }
  storeDevice(sql, device)
  return {
    session: {
      userId,
      deviceId,
      sessionId,
      ...(expiresAt !== undefined && { expiresAt }),
      ...(refreshes && { family: sessionId }),
    },
    isNewDevice: known === undefined,
    archive: [...displaced.archive, archivedDevice(device)],
    revoked: known === undefined ? displaced.revoked : endedBy(known, goesOn),
  }
}

/**
 * Whether a login renews the device's session, as a refresh would: both end by themselves, and neither has a refresh
 * token. The former one then lives until its own end, since requests and streams with its token are under way.
 */
function renews(known: DeviceRow, request: LoginRequest): boolean {
  return known.expires_at !== null && known.refresh_hash === null && request.lifetimeMs !== undefined
}

function endedBy(known: DeviceRow, goesOn: boolean): string[] {
  const { previous_session_id: before } = known
  if (!goesOn) return sessionsOf(known)
  return before === null ? [] : [before]
}

/**
 * Sees to it that one more device is within the quota. Sessions that end by themselves leave devices that nobody logs
 * out: the one that ended first goes for the new one.
 * @throws MatrixError M_RESOURCE_LIMIT_EXCEEDED where there is none
 */
function makeRoom(sql: SqlStorage, quotas: Quotas, now: number): DeviceChange {
  const held = countDevices(sql) + 1
  const isFull = quotas.devices !== 0 && held > quotas.devices
  const ended = isFull ? findEnded(sql, now) : undefined
  requireQuota(quotas, 'devices', ended === undefined ? held : held - 1)
  if (ended === undefined) return deletion([])
  removeDevice(sql, ended.device_id)
  return deletion([ended])
}

/**
 * Passes a live session; answers its device.
 * @param found the row of the session's device, as it is now
 * @throws MatrixError M_UNKNOWN_TOKEN
 */
export function checkSession(found: DeviceRow | undefined, session: Session, now: number): DeviceRow {
  const device = requireOwn(found, session)
  const isNewest = device.session_id === session.sessionId
  const expiresAt = isNewest ? device.expires_at : device.previous_expires_at
  if (expiresAt !== null && expiresAt <= now) throw tokenExpired()
  return device
}

/** "soft_logout": the client keeps its keys, and refreshes its token or logs in again. */
export function tokenExpired(): MatrixError {
  return new MatrixError('M_UNKNOWN_TOKEN', 'The access token has expired', { extra: { soft_logout: true } })
}

/** Deletes the session's device. A locked or expired session may still do so. */
export function logout(sql: SqlStorage, session: Session): DeviceChange {
  const device = ownDevice(sql, session)
  removeDevice(sql, device.device_id)
  return deletion([device])
}

/** Deletes all devices. */
export function logoutAll(sql: SqlStorage, session: Session): DeviceChange {
  ownDevice(sql, session)
  return deleteAllDevices(sql)
}

/** Deletes all devices but the session's own. */
export function logoutOthers(sql: SqlStorage, session: Session): DeviceChange {
  const { device_id: own } = ownDevice(sql, session)
  const others = allDevices(sql).filter(({ device_id }) => device_id !== own)
  for (const { device_id } of others) removeDevice(sql, device_id)
  return deletion(others)
}

/** Deletes devices. Those that are gone already are left out of the answer. */
export function deleteDevices(sql: SqlStorage, deviceIds: readonly string[]): DeviceChange {
  const devices = [...new Set(deviceIds)].map((id) => findDevice(sql, id)).filter((row) => row !== undefined)
  for (const { device_id } of devices) removeDevice(sql, device_id)
  return deletion(devices)
}

/** Deletes all devices of an account that is closed. */
export function deleteAllDevices(sql: SqlStorage): DeviceChange {
  const devices = allDevices(sql)
  removeAllDevices(sql)
  return deletion(devices)
}

/** The ids of all live sessions. */
export function liveSessions(sql: SqlStorage): string[] {
  return allDevices(sql).flatMap(sessionsOf)
}

/** All devices, as clients see them. */
export function listDevices(sql: SqlStorage): Device[] {
  return allDevices(sql).map(clientDevice)
}

/** @throws MatrixError M_NOT_FOUND */
export function getDevice(sql: SqlStorage, deviceId: string): Device {
  return clientDevice(existing(sql, deviceId))
}

/** Names a device. The same name again changes nothing. @throws MatrixError M_NOT_FOUND */
export function renameDevice(sql: SqlStorage, deviceId: string, displayName: string): DeviceChange {
  const device = existing(sql, deviceId)
  if (device.display_name === displayName) return { archive: [], revoked: [] }
  nameDevice(sql, deviceId, displayName)
  return { archive: [archivedDevice({ ...device, display_name: displayName })], revoked: [] }
}

function existing(sql: SqlStorage, deviceId: string): DeviceRow {
  const device = findDevice(sql, deviceId)
  if (device === undefined) throw new MatrixError('M_NOT_FOUND', 'No such device')
  return device
}

function ownDevice(sql: SqlStorage, session: Session): DeviceRow {
  return requireOwn(findDevice(sql, session.deviceId), session)
}

/** The device that the session belongs to, if it is the device's session, or the one before its last refresh. */
function requireOwn(device: DeviceRow | undefined, { sessionId }: Session): DeviceRow {
  if (device?.session_id === sessionId || device?.previous_session_id === sessionId) return device
  // Another request of the same client may have renewed its session meanwhile: the device's keys are still good.
  if (device?.expires_at != null) throw tokenExpired()
  throw new MatrixError('M_UNKNOWN_TOKEN', 'The access token is not valid any more')
}

/** The ids of the devices that a mutation deletes: other tables have rows that go with them. */
export function deletedDevices(changes: readonly Omit<UserLogEntry, 'seq'>[]): string[] {
  return changes.filter(({ kind, body }) => kind === 'device' && body === null).map(({ key }) => key)
}

/** What a deletion leaves to its caller. */
export function deletion(devices: readonly DeviceRow[]): DeviceChange {
  return {
    archive: devices.map(({ device_id }) => ({ kind: 'device', key: device_id, body: null })),
    revoked: devices.flatMap(sessionsOf),
  }
}

function sessionsOf({ session_id, previous_session_id }: DeviceRow): string[] {
  return previous_session_id === null ? [session_id] : [session_id, previous_session_id]
}

/** The entry of a device for the archive. */
export function archivedDevice(device: DeviceRow): Omit<UserLogEntry, 'seq'> {
  return { kind: 'device', key: device.device_id, body: JSON.stringify(device) }
}

/** Where an address is not known there is a null, and no gap: clients were made against servers that answer so. */
function clientDevice({ device_id, display_name, last_seen_ip, last_seen_ts }: DeviceRow): Device {
  return { device_id, last_seen_ts, last_seen_ip, ...(display_name !== null && { display_name }) }
}

/** Refresh tokens: the rotation of a device's session, and what becomes of a token that is used twice. */
import type { Session } from '../../../src/objects/user/session.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import type { Random } from '../../../src/ports/system.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { confirmDevice, type DeviceRow, findDevice, removeDevice, storeDevice } from './device-rows.ts'
import { archivedDevice, type DeviceChange, deletion } from './devices.ts'

/** Two tabs of one client may refresh at once: the slower one is refused, but is no thief. */
const TWINS_MS = 60_000

export interface RefreshRequest {
  deviceId: string
  family: string
  /** Hashes of the token that was presented, and of the one to take its place. */
  presented: string
  next: string
}

export type Refreshed = Session & { expiresAt: number }

interface Context {
  now: number
  random: Random
  lifetimeMs: number
}

const SESSION_ID_LENGTH = 20

/**
 * A new session for a device whose client presents a refresh token. "The old refresh token remains valid until the new
 * access token or refresh token is used, at which point the old refresh token is revoked." A token that comes even
 * later was copied by somebody: the whole session ends then, whoever holds it.
 *
 * Answers no session where the token was no good; the change is to be committed all the same.
 */
export function refreshSession(
  sql: SqlStorage,
  userId: string,
  { deviceId, family, presented, next }: RefreshRequest,
  { now, random, lifetimeMs }: Context,
): DeviceChange & { session?: Refreshed } {
  const device = findDevice(sql, deviceId)
  if (device?.refresh_hash == null || device.family !== family) return { archive: [], revoked: [] }
  const isNewest = device.refresh_hash === presented
  const isPrevious = device.previous_refresh_hash === presented
  if (!isNewest && !(isPrevious && device.confirmed === 0)) return reused(sql, device, now)
  const session = { userId, deviceId, sessionId: random.token(SESSION_ID_LENGTH) }
  const expiresAt = now + lifetimeMs
  const renewed: DeviceRow = {
    ...device,
    session_id: session.sessionId,
    expires_at: expiresAt,
    refresh_hash: next,
    previous_refresh_hash: presented,
    confirmed: 0,
    refreshed_ts: now,
    last_seen_ts: now,
    // A pair that nobody used is replaced; the session before it is still the one in use.
    ...(isNewest && { previous_session_id: device.session_id, previous_expires_at: device.expires_at }),
  }
  storeDevice(sql, renewed)
  const superseded = isNewest ? device.previous_session_id : device.session_id
  return {
    session: { ...session, expiresAt },
    archive: [archivedDevice(renewed)],
    revoked: superseded === null ? [] : [superseded],
  }
}

/** A token that was replaced: in the minute after a rotation it is refused; later it ends the session. */
function reused(sql: SqlStorage, device: DeviceRow, now: number): DeviceChange {
  if (now - (device.refreshed_ts ?? 0) < TWINS_MS) return { archive: [], revoked: [] }
  removeDevice(sql, device.device_id)
  return deletion([device])
}

/** The answer to a refresh token that is no good. */
export function refreshRefused(): MatrixError {
  return new MatrixError('M_UNKNOWN_TOKEN', 'The refresh token is not valid any more')
}

/** Notes that a token of the newest pair was used; one row, once a refresh. */
export function confirmSession(sql: SqlStorage, device: DeviceRow): Omit<UserLogEntry, 'seq'> {
  confirmDevice(sql, device.device_id)
  return archivedDevice({ ...device, confirmed: 1 })
}

/** Whether the session is the first use of the newest pair. */
export function isFirstUse(device: DeviceRow, session: Session): boolean {
  return device.confirmed === 0 && device.session_id === session.sessionId
}

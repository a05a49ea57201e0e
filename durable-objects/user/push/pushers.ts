/** Client-Server API §Push notifications: where the user's devices want to be told of events while they sleep. */
import type { Pusher } from '../../../src/objects/user/settings.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { pusherKey } from '../../../src/push/pusher-key.ts'
import { first, type SqlReader } from '../../sqlite.ts'
import { deletedDevices } from '../account/devices.ts'
import { dropBadges } from './badges.ts'
import { dropQueuedFor, type PusherId } from './queue-rows.ts'

export const PUSHERS_TABLE = `
  CREATE TABLE pushers (
    app_id TEXT NOT NULL,
    pushkey TEXT NOT NULL,
    -- Its pushers go with it.
    device_id TEXT NOT NULL,
    -- When the pushkey was last set, ms.
    set_ts INTEGER NOT NULL,
    -- JSON: as clients see it.
    pusher TEXT NOT NULL,
    PRIMARY KEY (app_id, pushkey)
  ) WITHOUT ROWID;
`

/** Each is told of every event. */
const MAX_PUSHERS = 50

export type PusherRow = PusherId & { device_id: string; set_ts: number; pusher: string }
type Archive = Omit<UserLogEntry, 'seq'>[]

/** The user's pushers, as clients see them. */
export function listPushers(sql: SqlStorage): JsonObject[] {
  const query = 'SELECT pusher, device_id FROM pushers ORDER BY app_id, pushkey'
  const rows = sql.exec<{ pusher: string; device_id: string }>(query).toArray()
  return rows.map(({ pusher, device_id }) => ({
    // MSC3881: whether it is switched on, and which device set it.
    'org.matrix.msc3881.enabled': true,
    'org.matrix.msc3881.device_id': device_id,
    ...(JSON.parse(pusher) as JsonObject),
  }))
}

export function allPushers(sql: SqlReader): PusherRow[] {
  return sql.exec<PusherRow>('SELECT app_id, pushkey, device_id, set_ts, pusher FROM pushers').toArray()
}

/** Whether any device wants to be told. */
export function hasPushers(sql: SqlStorage): boolean {
  return sql.exec('SELECT 1 FROM pushers LIMIT 1').toArray().length > 0
}

/** Adds a pusher, or puts it in the place of the one with its app and pushkey. One row. @throws MatrixError M_INVALID_PARAM */
export function putPusher(sql: SqlStorage, deviceId: string, pusher: Pusher, now: number): Archive {
  const { app_id, pushkey } = pusher
  checkCount(sql, pusher)
  const row: PusherRow = { app_id, pushkey, device_id: deviceId, set_ts: now, pusher: JSON.stringify(pusher) }
  sql.exec(
    'INSERT OR REPLACE INTO pushers (app_id, pushkey, device_id, set_ts, pusher) VALUES (?, ?, ?, ?, ?)',
    ...Object.values(row),
  )
  return [{ kind: 'pusher', key: pusherKey(row), body: JSON.stringify(row) }]
}

function checkCount(sql: SqlStorage, { app_id, pushkey }: Pusher): void {
  const query = 'SELECT count(*) AS n FROM pushers WHERE app_id != ? OR pushkey != ?'
  if ((first<{ n: number }>(sql, query, app_id, pushkey)?.n ?? 0) < MAX_PUSHERS) return
  throw new MatrixError('M_INVALID_PARAM', `A user has ${MAX_PUSHERS} pushers at most`)
}

/** Removes a pusher; one that is gone stays gone. */
export function removePusher(sql: SqlStorage, appId: string, pushkey: string): Archive {
  return removeWhere(sql, { clause: 'app_id = ? AND pushkey = ?', values: [appId, pushkey] })
}

/** Removes the pushers of the devices that a mutation deletes, inside its transaction. */
export function dropPushersWith(sql: SqlStorage, changes: readonly Omit<UserLogEntry, 'seq'>[]): Archive {
  return deletedDevices(changes).flatMap((deviceId) =>
    removeWhere(sql, { clause: 'device_id = ?', values: [deviceId] }),
  )
}

function removeWhere(sql: SqlStorage, where: { clause: string; values: string[] }): Archive {
  const query = `SELECT * FROM pushers WHERE ${where.clause}`
  const rows = sql.exec<PusherRow>(query, ...where.values).toArray()
  sql.exec(`DELETE FROM pushers WHERE ${where.clause}`, ...where.values)
  // Their queued notifications are useless now, and hold texts of messages.
  for (const row of rows) dropQueuedFor(sql, row)
  // With the last of them: for a later one everything is counted anew.
  if (!hasPushers(sql)) dropBadges(sql)
  return rows.map((row) => ({ kind: 'pusher', key: pusherKey(row), body: null }))
}

/** The tables `push_queue`, `push_retries` and `push_told`: what waits for each pusher, and how far it has come. */
import { first, type SqlReader } from '../../sqlite.ts'
import { coverTexts } from '../../wipe.ts'

export const PUSH_QUEUE_TABLES = `
  CREATE TABLE push_queue (
    seq INTEGER PRIMARY KEY,
    app_id TEXT NOT NULL,
    pushkey TEXT NOT NULL,
    queued_ts INTEGER NOT NULL,
    notification TEXT NOT NULL
  );

  -- Pushers whose gateway has not taken the last notification.
  CREATE TABLE push_retries (
    app_id TEXT NOT NULL,
    pushkey TEXT NOT NULL,
    failures INTEGER NOT NULL,
    retry_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, pushkey)
  ) WITHOUT ROWID;
`

export const PUSH_TOLD_TABLE = `
  -- The number that each pusher was told last.
  CREATE TABLE push_told (
    app_id TEXT NOT NULL,
    pushkey TEXT NOT NULL,
    unread INTEGER NOT NULL,
    PRIMARY KEY (app_id, pushkey)
  ) WITHOUT ROWID;
`

/** Stands in for a notification: only the number on the device is told. */
export const BADGE = ''

/** What identifies a pusher. */
export type PusherId = { app_id: string; pushkey: string }

export type QueueRow = PusherId & { seq: number; queued_ts: number; notification: string }

/** What a pusher is to be told next, and which number it was told last. */
export type NextRow = Pick<QueueRow, 'app_id' | 'pushkey' | 'seq' | 'notification'> & { told: number | null }

/** One row. */
export function addToQueue(sql: SqlStorage, row: QueueRow): void {
  const insert =
    'INSERT INTO push_queue (seq, app_id, pushkey, queued_ts, notification) VALUES (?, ?, ?, ?, ?)'
  sql.exec(insert, row.seq, row.app_id, row.pushkey, row.queued_ts, row.notification)
}

/** Drops one notification. */
export function dropQueued(sql: SqlStorage, seq: number): void {
  dropWhere(sql, 'seq = ?', seq)
}

/** Drops what has waited since before a time, ms. */
export function dropQueuedBefore(sql: SqlStorage, ts: number): void {
  dropWhere(sql, 'queued_ts < ?', ts)
}

/** Drops all but the newest ones. */
export function dropQueuedBeyond(sql: SqlStorage, kept: number): void {
  dropWhere(sql, 'seq <= (SELECT max(seq) FROM push_queue) - ?', kept)
}

/** Drops those that tell of the number only. */
export function dropQueuedBadges(sql: SqlStorage): void {
  dropWhere(sql, 'notification = ?', BADGE)
}

/** Drops what waits for a pusher. */
export function dropQueuedFor(sql: SqlStorage, { app_id, pushkey }: PusherId): void {
  dropWhere(sql, 'app_id = ? AND pushkey = ?', app_id, pushkey)
}

/** Drops those that tell of events, of rooms or from users. One look at each notification, however many are named. */
export function dropQueuedOf(
  sql: SqlStorage,
  of: 'event_id' | 'room_id' | 'sender',
  values: readonly string[],
): void {
  const clause = `json_extract(notification, '$.${of}') IN (SELECT value FROM json_each(?))`
  dropWhere(sql, `notification != '' AND ${clause}`, JSON.stringify(values))
}

/** Overwrites texts of messages first: an erasure must leave none in free space. */
function dropWhere(sql: SqlStorage, clause: string, ...values: SqlStorageValue[]): void {
  const query = `SELECT seq FROM push_queue WHERE ${clause}`
  for (const { seq } of sql.exec<{ seq: number }>(query, ...values).toArray()) {
    coverTexts(sql, 'push_queue', 'notification', { clause: 'seq = ?', values: [seq] })
    sql.exec('DELETE FROM push_queue WHERE seq = ?', seq)
  }
}

/** The newest number in the queue; 0: it is empty. */
export function newestQueued(sql: SqlReader): number {
  return first<{ seq: number | null }>(sql, 'SELECT max(seq) AS seq FROM push_queue')?.seq ?? 0
}

/** Whether nothing waits. */
export function isQueueEmpty(sql: SqlReader): boolean {
  return first(sql, 'SELECT 1 AS found FROM push_queue LIMIT 1') === undefined
}

/** Whether something waits for a pusher. */
export function hasQueued(sql: SqlReader, { app_id, pushkey }: PusherId): boolean {
  const query = 'SELECT 1 FROM push_queue WHERE app_id = ? AND pushkey = ? LIMIT 1'
  return first(sql, query, app_id, pushkey) !== undefined
}

/** The oldest for each pusher whose gateway may be asked at this time. */
export function nextQueued(sql: SqlReader, now: number): NextRow[] {
  const query = `SELECT min(q.seq) AS seq, q.app_id, q.pushkey, q.notification, t.unread AS told
    FROM push_queue q
      LEFT JOIN push_retries r USING (app_id, pushkey) LEFT JOIN push_told t USING (app_id, pushkey)
    WHERE coalesce(r.retry_at, 0) <= ? GROUP BY q.app_id, q.pushkey ORDER BY 1`
  return sql.exec<NextRow>(query, now).toArray()
}

/** When a gateway may be asked next, ms; undefined: nothing waits. */
export function nextDue(sql: SqlReader): number | undefined {
  const query = `SELECT min(coalesce(r.retry_at, 0)) AS at
    FROM push_queue q LEFT JOIN push_retries r USING (app_id, pushkey)`
  return first<{ at: number | null }>(sql, query)?.at ?? undefined
}

/** Every pusher that something is kept for. */
export function pushersKept(sql: SqlReader): PusherId[] {
  const query = `SELECT app_id, pushkey FROM push_queue UNION SELECT app_id, pushkey FROM push_retries
    UNION SELECT app_id, pushkey FROM push_told`
  return sql.exec<PusherId>(query).toArray()
}

/** Drops all that is kept of a pusher that is gone. */
export function forgetPusher(sql: SqlStorage, { app_id, pushkey }: PusherId): void {
  dropQueuedFor(sql, { app_id, pushkey })
  dropRetry(sql, { app_id, pushkey })
  sql.exec('DELETE FROM push_told WHERE app_id = ? AND pushkey = ?', app_id, pushkey)
}

/** How often a pusher's gateway has failed in a row. */
export function failuresOf(sql: SqlReader, { app_id, pushkey }: PusherId): number {
  const query = 'SELECT failures FROM push_retries WHERE app_id = ? AND pushkey = ?'
  return first<{ failures: number }>(sql, query, app_id, pushkey)?.failures ?? 0
}

/** One row. */
export function putRetry(sql: SqlStorage, { app_id, pushkey }: PusherId, failures: number, at: number): void {
  const insert =
    'INSERT OR REPLACE INTO push_retries (app_id, pushkey, failures, retry_at) VALUES (?, ?, ?, ?)'
  sql.exec(insert, app_id, pushkey, failures, at)
}

export function dropRetry(sql: SqlStorage, { app_id, pushkey }: PusherId): void {
  sql.exec('DELETE FROM push_retries WHERE app_id = ? AND pushkey = ?', app_id, pushkey)
}

/** One row. */
export function putTold(sql: SqlStorage, { app_id, pushkey }: PusherId, unread: number): void {
  const insert = 'INSERT OR REPLACE INTO push_told (app_id, pushkey, unread) VALUES (?, ?, ?)'
  sql.exec(insert, app_id, pushkey, unread)
}

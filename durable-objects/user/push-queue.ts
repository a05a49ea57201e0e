/** Notifications on their way to push gateways: in order for each pusher, at least once, for a day. */

import type { Pusher, PushGateway } from '../../src/ports.ts'
import type { JsonObject } from '../../src/protocol/canonical-json.ts'
import { notificationFor, type PushSubject } from '../../src/push/notification.ts'
import { first } from '../sqlite.ts'

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

/** Kept for a user; the newest say the most. */
const KEPT = 200
const GIVEN_UP_MS = 24 * 60 * 60 * 1_000
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60 * 60 * 1_000
/** Gateways asked at once: an invocation has six connections. */
const AT_ONCE = 3

type PusherRow = { app_id: string; pushkey: string; set_ts: number; pusher: string }
type QueueRow = { seq: number; app_id: string; pushkey: string; notification: string; url: string }

export interface PushQueueParts {
  sql: SqlStorage
  gateway: PushGateway
  now: () => number
  transaction: <T>(work: () => T) => T
  /** Removes a pusher that its gateway refuses. */
  refused: (appId: string, pushkey: string) => void
}

export class PushQueue {
  readonly #parts: PushQueueParts

  constructor(parts: PushQueueParts) {
    this.#parts = parts
  }

  /** Queues events for every pusher, inside the caller's transaction; one row each. */
  add(subjects: readonly PushSubject[]): void {
    const { sql, now } = this.#parts
    const pushers = sql.exec<PusherRow>('SELECT app_id, pushkey, set_ts, pusher FROM pushers').toArray()
    for (const subject of subjects) {
      for (const { app_id, pushkey, set_ts, pusher } of pushers) {
        const notification = notificationFor(JSON.parse(pusher) as Pusher, set_ts, subject)
        const insert = 'INSERT INTO push_queue (app_id, pushkey, queued_ts, notification) VALUES (?, ?, ?, ?)'
        sql.exec(insert, app_id, pushkey, now(), JSON.stringify(notification))
      }
    }
    sql.exec('DELETE FROM push_queue WHERE seq <= (SELECT max(seq) FROM push_queue) - ?', KEPT)
  }

  /** Sends the oldest of each pusher that is due. Answers when to send more. */
  async run(): Promise<number | undefined> {
    this.#dropOld()
    const due = this.#oldest().slice(0, AT_ONCE)
    await Promise.all(due.map((row) => this.#send(row)))
    return this.#next()
  }

  #dropOld(): void {
    const { sql, now } = this.#parts
    sql.exec('DELETE FROM push_queue WHERE queued_ts < ?', now() - GIVEN_UP_MS)
    const gone = '(app_id, pushkey) NOT IN (SELECT app_id, pushkey FROM pushers)'
    sql.exec(`DELETE FROM push_queue WHERE ${gone}`)
    sql.exec(`DELETE FROM push_retries WHERE ${gone}`)
  }

  #oldest(): QueueRow[] {
    const query = `
      SELECT min(q.seq) AS seq, q.app_id, q.pushkey, q.notification, json_extract(p.pusher, '$.data.url') AS url
      FROM push_queue q JOIN pushers p USING (app_id, pushkey) LEFT JOIN push_retries r USING (app_id, pushkey)
      WHERE coalesce(r.retry_at, 0) <= ? GROUP BY q.app_id, q.pushkey ORDER BY 1`
    return this.#parts.sql.exec<QueueRow>(query, this.#parts.now()).toArray()
  }

  #next(): number | undefined {
    const query = `
      SELECT min(coalesce(r.retry_at, 0)) AS at
      FROM push_queue q LEFT JOIN push_retries r USING (app_id, pushkey)`
    const at = first<{ at: number | null }>(this.#parts.sql, query)?.at ?? undefined
    return at === undefined ? undefined : Math.max(at, this.#parts.now())
  }

  async #send({ seq, app_id: appId, pushkey, notification, url }: QueueRow): Promise<void> {
    const { gateway, sql, transaction, refused } = this.#parts
    try {
      const rejected = await gateway.notify(url, JSON.parse(notification) as JsonObject)
      if (rejected.includes(pushkey)) refused(appId, pushkey)
      transaction(() => {
        sql.exec('DELETE FROM push_queue WHERE seq = ?', seq)
        sql.exec('DELETE FROM push_retries WHERE app_id = ? AND pushkey = ?', appId, pushkey)
      })
    } catch {
      this.#putOff(appId, pushkey)
    }
  }

  #putOff(appId: string, pushkey: string): void {
    const { sql, now } = this.#parts
    const query = 'SELECT failures FROM push_retries WHERE app_id = ? AND pushkey = ?'
    const failures = first<{ failures: number }>(sql, query, appId, pushkey)?.failures ?? 0
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 20))
    const insert =
      'INSERT OR REPLACE INTO push_retries (app_id, pushkey, failures, retry_at) VALUES (?, ?, ?, ?)'
    sql.exec(insert, appId, pushkey, failures + 1, now() + wait)
  }
}

/** Notifications on their way to push gateways: in order for each pusher, at least once, for a day. */

import type { Pusher } from '../../../src/objects/user/settings.ts'
import type { PushGateway } from '../../../src/ports/push.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { badgeFor, isEnabled, notificationFor, type PushSubject } from '../../../src/push/notification.ts'
import { first } from '../../sqlite.ts'
import { coverTexts } from '../../wipe.ts'
import type { Badges } from './badges.ts'

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

/** Kept for a user; the newest say the most. */
const KEPT = 200
const GIVEN_UP_MS = 24 * 60 * 60 * 1_000
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60 * 60 * 1_000
/** Gateways asked at once: an invocation has six connections. */
const AT_ONCE = 3
/** A notification whose answer was lost with its object is sent again after this, ms. */
const LOOK_AGAIN_MS = 20_000

type PusherRow = { app_id: string; pushkey: string; set_ts: number; pusher: string }
type QueueRow = PusherRow & { seq: number; notification: string; told: number | null }

export interface PushQueueParts {
  sql: SqlStorage
  gateway: PushGateway
  badges: Badges
  now: () => number
  transaction: <T>(work: () => T) => T
  /** Asks for a run at a time (ms), from the alarm. */
  arm: (at: number) => void
  /** Removes a pusher that its gateway refuses. */
  refused: (appId: string, pushkey: string) => void
}

/** Stands in for a notification: only the number on the device is told. */
const BADGE = ''

export class PushQueue {
  readonly #parts: PushQueueParts
  /** Pushers whose gateway is being asked. */
  readonly #sending = new Set<string>()
  /** No number is given twice: one that is taken back while it is being sent would take another along. */
  #lastSeq = 0

  constructor(parts: PushQueueParts) {
    this.#parts = parts
  }

  /** Queues events for every pusher, inside the caller's transaction; one row each. */
  add(subjects: readonly PushSubject[]): void {
    for (const subject of subjects) {
      for (const { app_id, pushkey, set_ts, pusher } of this.#pushers()) {
        const settings = JSON.parse(pusher) as Pusher
        if (isEnabled(settings))
          this.#queue(app_id, pushkey, JSON.stringify(notificationFor(settings, set_ts, subject)))
      }
    }
    this.#drop('seq <= (SELECT max(seq) FROM push_queue) - ?', KEPT)
  }

  /** The number may have fallen, inside the caller's transaction: whether it has is seen when it is to be told. */
  addBadge(): void {
    this.#drop('notification = ?', BADGE)
    for (const row of this.#pushers()) {
      if (isEnabled(JSON.parse(row.pusher) as Pusher) && !this.#willTell(row)) {
        this.#queue(row.app_id, row.pushkey, BADGE)
      }
    }
  }

  /** Whether something waits that will bring the number along: what is under way may have counted already. */
  #willTell(row: PusherRow): boolean {
    if (this.#sending.has(keyOf(row))) return false
    const query = 'SELECT 1 FROM push_queue WHERE app_id = ? AND pushkey = ? LIMIT 1'
    return first(this.#parts.sql, query, row.app_id, row.pushkey) !== undefined
  }

  /** Takes back what waits to be told of events, of rooms or from users, inside the caller's transaction. */
  takeBack(of: 'event_id' | 'room_id' | 'sender', values: Iterable<string>): void {
    const wanted = [...values]
    if (wanted.length === 0) return
    // One look at each notification, however many are taken back.
    const clause = `json_extract(notification, '$.${of}') IN (SELECT value FROM json_each(?))`
    this.#drop(`notification != '' AND ${clause}`, JSON.stringify(wanted))
  }

  /** Whether anything is to be sent. */
  waiting(): boolean {
    return first(this.#parts.sql, 'SELECT 1 AS found FROM push_queue LIMIT 1') !== undefined
  }

  /**
   * Begins to send the oldest of each pusher that is due, and does not wait for it: a gateway that hangs holds up
   * nothing else. Answers when to look again, at the latest.
   */
  async run(): Promise<number | undefined> {
    this.#dropOld()
    const free = AT_ONCE - this.#sending.size
    const due = this.#oldest().filter((row) => !this.#sending.has(keyOf(row)))
    for (const row of due.slice(0, Math.max(0, free))) void this.#sendNext(row)
    return this.#sending.size > 0 ? this.#parts.now() + LOOK_AGAIN_MS : this.#next()
  }

  async #sendNext(row: QueueRow): Promise<void> {
    this.#sending.add(keyOf(row))
    await this.#send(row)
    this.#sending.delete(keyOf(row))
    const next = this.#next()
    if (next !== undefined) this.#parts.arm(next)
  }

  #pushers(): PusherRow[] {
    const query = 'SELECT app_id, pushkey, set_ts, pusher FROM pushers'
    return this.#parts.sql.exec<PusherRow>(query).toArray()
  }

  #queue(appId: string, pushkey: string, notification: string): void {
    const { sql, now } = this.#parts
    const newest = first<{ seq: number | null }>(sql, 'SELECT max(seq) AS seq FROM push_queue')?.seq ?? 0
    this.#lastSeq = Math.max(this.#lastSeq, newest) + 1
    const insert =
      'INSERT INTO push_queue (seq, app_id, pushkey, queued_ts, notification) VALUES (?, ?, ?, ?, ?)'
    sql.exec(insert, this.#lastSeq, appId, pushkey, now(), notification)
  }

  /** What people wrote must not outlast an erasure as free space. */
  #drop(clause: string, ...values: SqlStorageValue[]): void {
    const { sql } = this.#parts
    const query = `SELECT seq FROM push_queue WHERE ${clause}`
    for (const { seq } of sql.exec<{ seq: number }>(query, ...values).toArray()) {
      coverTexts(sql, 'push_queue', 'notification', { clause: 'seq = ?', values: [seq] })
      sql.exec('DELETE FROM push_queue WHERE seq = ?', seq)
    }
  }

  #dropOld(): void {
    const { sql, now } = this.#parts
    this.#drop('queued_ts < ?', now() - GIVEN_UP_MS)
    const gone = '(app_id, pushkey) NOT IN (SELECT app_id, pushkey FROM pushers)'
    this.#drop(gone)
    sql.exec(`DELETE FROM push_retries WHERE ${gone}`)
    sql.exec(`DELETE FROM push_told WHERE ${gone}`)
  }

  #oldest(): QueueRow[] {
    const query = `
      SELECT min(q.seq) AS seq, q.app_id, q.pushkey, q.notification, p.pusher, p.set_ts, t.unread AS told
      FROM push_queue q JOIN pushers p USING (app_id, pushkey)
        LEFT JOIN push_retries r USING (app_id, pushkey) LEFT JOIN push_told t USING (app_id, pushkey)
      WHERE coalesce(r.retry_at, 0) <= ? GROUP BY q.app_id, q.pushkey ORDER BY 1`
    return this.#parts.sql.exec<QueueRow>(query, this.#parts.now()).toArray()
  }

  #next(): number | undefined {
    const query = `SELECT min(coalesce(r.retry_at, 0)) AS at
      FROM push_queue q LEFT JOIN push_retries r USING (app_id, pushkey)`
    const at = first<{ at: number | null }>(this.#parts.sql, query)?.at ?? undefined
    return at === undefined ? undefined : Math.max(at, this.#parts.now())
  }

  async #send(row: QueueRow): Promise<void> {
    const { seq, app_id: appId, pushkey } = row
    const { gateway, badges, sql, transaction, refused } = this.#parts
    try {
      const unread = await badges.count()
      const { url, notification } = toldOf(row, unread)
      const rejected = notification === undefined ? [] : await gateway.notify(url, notification)
      if (rejected.includes(pushkey)) refused(appId, pushkey)
      transaction(() => {
        this.#drop('seq = ?', seq)
        sql.exec('DELETE FROM push_retries WHERE app_id = ? AND pushkey = ?', appId, pushkey)
        if (notification !== undefined && unread !== row.told) this.#noteTold(appId, pushkey, unread)
      })
    } catch {
      this.#putOff(appId, pushkey)
    }
  }

  #noteTold(appId: string, pushkey: string, unread: number): void {
    const insert = 'INSERT OR REPLACE INTO push_told (app_id, pushkey, unread) VALUES (?, ?, ?)'
    this.#parts.sql.exec(insert, appId, pushkey, unread)
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

function keyOf({ app_id, pushkey }: Pick<PusherRow, 'app_id' | 'pushkey'>): string {
  return JSON.stringify([app_id, pushkey])
}

/** What a pusher is told now; nothing if there is only a number and it has not fallen. */
function toldOf(
  { notification, pusher, set_ts, told }: QueueRow,
  unread: number,
): { url: string; notification?: JsonObject } {
  const settings = JSON.parse(pusher) as Pusher
  const { url } = settings.data
  if (notification !== BADGE) {
    return { url, notification: { ...(JSON.parse(notification) as JsonObject), counts: { unread } } }
  }
  // If a pusher was told nothing yet, its device may show any number.
  const hasFallen = told === null ? unread > 0 : unread < told
  return hasFallen ? { url, notification: badgeFor(settings, set_ts, unread) } : { url }
}

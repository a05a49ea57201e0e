/**
 * Client-Server API §Send-to-Device messaging, the receiving end: what waits for a user's devices. A message stays
 * until its own device comes back with a token of an answer that contained it.
 */
import type { ToDeviceMessage, ToDeviceParcel } from '../../src/ports.ts'
import type { JsonObject } from '../../src/protocol/canonical-json.ts'
import { first, readMeta, writeMeta } from '../sqlite.ts'

export const INBOX_TABLES = `
  CREATE TABLE inbox (
    id INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    type TEXT NOT NULL,
    content TEXT NOT NULL
  );
  CREATE INDEX inbox_by_device ON inbox (device_id);

  -- The last parcel of each sender: parcels come in order, and may come twice.
  CREATE TABLE inbox_heard (sender TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
`

/** "The server should limit the number of messages in a response to 100." */
const BATCH = 100
/** How much of them goes into one answer, characters; one message at least. An answer passes through memory whole. */
const BATCH_LENGTH = 1_000_000
/**
 * Messages that wait for one device at most: for one that never comes back, the oldest go. A client whose messages
 * have a gap asks for the keys it misses; with 64 KiB a message at most, a device holds 640 MB of the object's 10 GB.
 */
const MAX_WAITING = 10_000
/** That many stay then: they are not counted at every message. */
const KEPT_WAITING = 9_000
/** In `device_id` of a message: every device of the user. */
const EVERY_DEVICE = '*'
/** Whatever may receive messages: devices with a session, and the dehydrated one. */
const DEVICES = 'SELECT device_id FROM devices UNION ALL SELECT device_id FROM dehydrated_device'
const LAST_ID = 'inbox_id'
export const LAST_SEQ = 'outbox_seq'
/** What numbers the messages that a rebuild keeps. */
export const MESSAGE_SERIES = [LAST_ID, LAST_SEQ]

interface InboxRow extends Record<string, SqlStorageValue> {
  id: number
  sender: string
  type: string
  content: string
}

export interface Batch {
  events: JsonObject[]
  /** The id of the last one; undefined where there is none. */
  last: number | undefined
}

export class Inbox {
  readonly #sql: SqlStorage
  /** How many wait for a device, as far as it was asked for; more than that after a transaction that failed. */
  readonly #waiting = new Map<string, number>()
  /** The newest message of each device, as far as it was asked for. */
  readonly #newest = new Map<string, number>()

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** The newest message that waits for a device; 0: none. */
  newest(deviceId: string): number {
    const known = this.#newest.get(deviceId)
    if (known !== undefined) return known
    const query = 'SELECT max(id) AS id FROM inbox WHERE device_id = ?'
    const newest = first<{ id: number | null }>(this.#sql, query, deviceId)?.id ?? 0
    this.#newest.set(deviceId, newest)
    return newest
  }

  /** The oldest messages that wait for a device. */
  batch(deviceId: string): Batch {
    return this.newest(deviceId) === 0 ? { events: [], last: undefined } : this.batchAfter(deviceId, 0)
  }

  /** The oldest messages of a device that came after one of them. */
  batchAfter(deviceId: string, after: number, limit = BATCH): Batch {
    const query = `SELECT id, sender, type, content FROM inbox WHERE device_id = ? AND id > ?
       ORDER BY id LIMIT ?`
    const batch: Batch = { events: [], last: undefined }
    let length = 0
    for (const row of this.#sql.exec<InboxRow>(query, deviceId, after, Math.min(limit, BATCH))) {
      const { id, sender, type, content } = row
      length += content.length
      if (batch.events.length > 0 && length > BATCH_LENGTH) break
      batch.events.push({ sender, type, content: JSON.parse(content) })
      batch.last = id
    }
    return batch
  }

  /** Messages were deleted beside this. */
  forget(): void {
    this.#newest.clear()
    this.#waiting.clear()
  }

  /**
   * A device has come back with a token: what the token's answer contained is its own now. The token names the last
   * message of that answer. Where no such message waits for this device, it was acknowledged before, or the token
   * is another device's: nothing is deleted.
   */
  acknowledge(deviceId: string, upTo: number): void {
    if (upTo === 0 || this.newest(deviceId) === 0) return
    const own = first(
      this.#sql,
      'SELECT 1 AS found FROM inbox WHERE id = ? AND device_id = ?',
      upTo,
      deviceId,
    )
    if (own === undefined) return
    this.#sql.exec('DELETE FROM inbox WHERE device_id = ? AND id <= ?', deviceId, upTo)
    this.#newest.delete(deviceId)
    this.#waiting.delete(deviceId)
  }

  /**
   * Takes a sender's parcels, oldest first, inside the caller's transaction; those that were taken before are passed
   * over. Messages for devices that do not exist are dropped.
   */
  take(sender: string, parcels: readonly ToDeviceParcel[], now: number): void {
    const heard = first<{ seq: number }>(this.#sql, 'SELECT seq FROM inbox_heard WHERE sender = ?', sender)
    const fresh = parcels.filter(({ seq }) => seq > (heard?.seq ?? 0))
    const stored = fresh.flatMap(({ messages }) => messages.map((message) => this.put(sender, message, now)))
    const last = fresh.at(-1)
    if (last === undefined || !stored.includes(true)) return
    const insert = 'INSERT OR REPLACE INTO inbox_heard (sender, seq) VALUES (?, ?)'
    this.#sql.exec(insert, sender, last.seq)
  }

  /** Stores one message for each device it is for. Answers whether there was any. */
  put(sender: string, { deviceId, type, content }: ToDeviceMessage, now: number): boolean {
    const devices = this.#sql
      .exec<{ device_id: string }>(
        `SELECT device_id FROM (${DEVICES}) WHERE ?1 = ?2 OR device_id = ?1`,
        deviceId,
        EVERY_DEVICE,
      )
      .toArray()
    for (const { device_id } of devices) {
      const id = nextNumber(this.#sql, LAST_ID, now)
      const insert = 'INSERT INTO inbox (id, device_id, sender, type, content) VALUES (?, ?, ?, ?, ?)'
      this.#sql.exec(insert, id, device_id, sender, type, content)
      this.#newest.delete(device_id)
      this.#bound(device_id)
    }
    return devices.length > 0
  }

  /** Counts a message that was stored, and lets the oldest go where there are too many. */
  #bound(deviceId: string): void {
    const known = this.#waiting.get(deviceId)
    const count = 'SELECT count(*) AS held FROM inbox WHERE device_id = ?'
    const held =
      known === undefined ? (first<{ held: number }>(this.#sql, count, deviceId)?.held ?? 0) : known + 1
    this.#waiting.set(deviceId, held)
    if (held <= MAX_WAITING) return
    const oldest = `SELECT id FROM inbox WHERE device_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ${KEPT_WAITING}`
    this.#sql.exec(`DELETE FROM inbox WHERE device_id = ?1 AND id <= (${oldest})`, deviceId)
    this.#waiting.set(deviceId, KEPT_WAITING)
  }
}

/** What waits for devices that are gone, and what these have sent: inside the transaction that deletes them. */
export function dropStrayMessages(sql: SqlStorage): void {
  sql.exec(`DELETE FROM inbox WHERE device_id NOT IN (${DEVICES})`)
  sql.exec('DELETE FROM outbox_txns WHERE device_id NOT IN (SELECT device_id FROM devices)')
}

/**
 * The next of a series that never repeats, also after a rebuild has taken the tables away: it follows the clock (ms),
 * and runs ahead of it in a busy moment. One row.
 */
export function nextNumber(sql: SqlStorage, series: string, now: number): number {
  const next = Math.max((readMeta<number>(sql, series) ?? 0) + 1, now)
  writeMeta(sql, series, next)
  return next
}

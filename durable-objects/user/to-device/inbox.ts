/**
 * Client-Server API §Send-to-Device messaging, the receiving end: what waits for a user's devices. A message stays
 * until its own device comes back with a token of an answer that contained it.
 */
import type { ToDeviceMessage, ToDeviceParcel } from '../../../src/objects/user/to-device.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { first, readMeta, writeMeta } from '../../sqlite.ts'

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
 * How much waits for one device at most, in messages and in bytes: if a device never comes back, or is flooded, some
 * must go. A client whose messages have a gap asks for the keys it misses.
 */
const MOST = { messages: 10_000, bytes: 100_000_000 }
/** How much then stays, so that not every message leads to a look through all. */
const KEPT = { messages: 9_000, bytes: 90_000_000 }
/** In `device_id` of a message: every device of the user. */
const EVERY_DEVICE = '*'
const LAST_ID = 'inbox_id'
export const LAST_SEQ = 'outbox_seq'
/** What numbers the messages that a rebuild keeps. */
export const MESSAGE_SERIES = [LAST_ID, LAST_SEQ]

type InboxRow = { id: number; device_id: string; sender: string; type: string; content: string }
type HeardRow = { sender: string; seq: number }

interface Load extends Record<string, SqlStorageValue> {
  messages: number
  bytes: number
}

export interface Batch {
  events: JsonObject[]
  /** The id of the last one; undefined where there is none. */
  last: number | undefined
}

export class Inbox {
  readonly #sql: SqlStorage
  readonly #devices: () => ReadonlySet<string>
  /** What waits for a device, as far as it was asked for; less than that after a transaction that failed. */
  readonly #waiting = new Map<string, Load>()
  /** The newest message of each device, as far as it was asked for. */
  readonly #newest = new Map<string, number>()

  /** @param devices those that may receive messages */
  constructor(sql: SqlStorage, devices: () => ReadonlySet<string>) {
    this.#sql = sql
    this.#devices = devices
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
    for (const row of this.#sql.exec<Omit<InboxRow, 'device_id'>>(
      query,
      deviceId,
      after,
      Math.min(limit, BATCH),
    )) {
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
    const heard = first<Pick<HeardRow, 'seq'>>(
      this.#sql,
      'SELECT seq FROM inbox_heard WHERE sender = ?',
      sender,
    )
    const fresh = parcels.filter(({ seq }) => seq > (heard?.seq ?? 0))
    const stored = fresh.flatMap(({ messages }) => messages.map((message) => this.put(sender, message, now)))
    const last = fresh.at(-1)
    if (last === undefined || !stored.includes(true)) return
    const insert = 'INSERT OR REPLACE INTO inbox_heard (sender, seq) VALUES (?, ?)'
    this.#sql.exec(insert, sender, last.seq)
  }

  /** Stores one message for each device it is for. Answers whether there was any. */
  put(sender: string, { deviceId, type, content }: ToDeviceMessage, now: number): boolean {
    const devices = [...this.#devices()].filter((id) => deviceId === EVERY_DEVICE || deviceId === id)
    for (const device_id of devices)
      this.#store({ id: nextNumber(this.#sql, LAST_ID, now), device_id, sender, type, content })
    return devices.length > 0
  }

  #store({ id, device_id, sender, type, content }: InboxRow): void {
    const insert = 'INSERT INTO inbox (id, device_id, sender, type, content) VALUES (?, ?, ?, ?, ?)'
    this.#sql.exec(insert, id, device_id, sender, type, content)
    this.#newest.delete(device_id)
    this.#bound(device_id, content)
  }

  /** Counts a message that was stored, and makes room where there is too much. */
  #bound(deviceId: string, content: string): void {
    const known = this.#waiting.get(deviceId)
    const load =
      known === undefined
        ? loadOf(this.#sql, deviceId)
        : { messages: known.messages + 1, bytes: known.bytes + Buffer.byteLength(content) }
    this.#waiting.set(deviceId, load)
    if (load.messages <= MOST.messages && load.bytes <= MOST.bytes) return
    makeRoom(this.#sql, deviceId)
    this.#waiting.delete(deviceId)
  }
}

function loadOf(sql: SqlStorage, deviceId: string): Load {
  const query = `SELECT count(*) AS messages, coalesce(sum(octet_length(content)), 0) AS bytes
     FROM inbox WHERE device_id = ?`
  return first<Load>(sql, query, deviceId) ?? { messages: 0, bytes: 0 }
}

/**
 * Lets messages go until what is kept fits: the oldest of the sender that has sent the most, so that a flood from one
 * sender does not take what others have sent.
 */
function makeRoom(sql: SqlStorage, deviceId: string): void {
  const query = `SELECT count(*) AS messages, sum(octet_length(content)) AS bytes
     FROM inbox WHERE device_id = ? GROUP BY sender`
  const loads = sql.exec<Load>(query, deviceId).toArray()
  const most = (unit: keyof typeof KEPT) =>
    shareOf(
      loads.map((load) => load[unit] as number),
      KEPT[unit],
    )
  // Newest first: what exceeds the sender's share goes.
  const newestFirst = 'OVER (PARTITION BY sender ORDER BY id DESC)'
  sql.exec(
    `DELETE FROM inbox WHERE id IN (SELECT id FROM (
       SELECT id, count(*) ${newestFirst} AS messages, sum(octet_length(content)) ${newestFirst} AS bytes
       FROM inbox WHERE device_id = ?) WHERE messages > ? OR bytes > ?)`,
    deviceId,
    most('messages'),
    most('bytes'),
  )
}

/**
 * How much each sender may have at most, so that all together have no more than `kept`: a sender with less leaves the
 * rest to others.
 */
function shareOf(loads: readonly number[], kept: number): number {
  const ascending = [...loads].sort((a, b) => a - b)
  let left = kept
  for (const [index, load] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - index))
    if (load > share) return share
    left -= load
  }
  return kept
}

/** Drops what waits for devices that are not there any more: inside the transaction that deletes them. */
export function dropStrayMessages(sql: SqlStorage, devices: ReadonlySet<string>): void {
  const rows = sql.exec<Pick<InboxRow, 'device_id'>>('SELECT DISTINCT device_id FROM inbox').toArray()
  for (const { device_id } of rows) if (!devices.has(device_id)) dropMessages(sql, device_id)
}

/** Drops what waits for a device. */
export function dropMessages(sql: SqlStorage, deviceId: string): void {
  sql.exec('DELETE FROM inbox WHERE device_id = ?', deviceId)
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

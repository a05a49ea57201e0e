/**
 * Client-Server API §Send-to-Device messaging, the sending end. A message is stored here before it is acknowledged, and
 * sent to the receivers' objects until they have taken it: in order, and each message counts once there.
 */
import type { UserPeer } from '../../src/objects/user/peer.ts'
import type { ToDeviceMessage, ToDeviceParcel } from '../../src/objects/user/to-device.ts'
import { Courier, type Outlet } from '../consumer.ts'
import { first } from '../sqlite.ts'
import { type Inbox, LAST_SEQ, nextNumber } from './to-device/inbox.ts'

export const OUTBOX_TABLES = `
  CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY,
    target TEXT NOT NULL,
    messages TEXT NOT NULL
  );

  CREATE TABLE outbox_txns (
    device_id TEXT NOT NULL,
    txn_id TEXT NOT NULL,
    sent_ts INTEGER NOT NULL,
    PRIMARY KEY (device_id, txn_id)
  ) WITHOUT ROWID;
`

/** A client retries for minutes, not for days. */
const TXN_LIFETIME_MS = 24 * 60 * 60 * 1_000
/** How many rows, and how many bytes, are on their way to one user at once. */
const ROWS_AT_ONCE = 100
const BYTES_AT_ONCE = 400_000
/** How many users are reached at once: an object has six waiting connections. */
const USERS_AT_ONCE = 6

export interface ToDeviceRequest {
  deviceId: string
  txnId: string
  /** By local user. */
  messages: Record<string, ToDeviceMessage[]>
}

interface OutboxParts {
  sql: SqlStorage
  userId: () => string
  inbox: () => Inbox
  now: () => number
  user: (userId: string) => Pick<UserPeer, 'takeToDevice'>
}

type OutboxRow = { seq: number; target: string; messages: string }
type TransactionRow = { device_id: string; txn_id: string; sent_ts: number }

export class Outbox {
  readonly #parts: OutboxParts
  readonly #courier: Courier<string, number>

  constructor(parts: OutboxParts) {
    this.#parts = parts
    this.#courier = new Courier(this.#outlet, parts.now)
  }

  /**
   * Stores what is to be sent, inside the caller's transaction. A transaction id that was used before changes nothing.
   */
  store({ deviceId, txnId, messages }: ToDeviceRequest): void {
    const { sql, userId, inbox } = this.#parts
    const now = this.#parts.now()
    const known = 'SELECT 1 AS found FROM outbox_txns WHERE device_id = ? AND txn_id = ?'
    if (first(sql, known, deviceId, txnId) !== undefined) return
    sql.exec('DELETE FROM outbox_txns WHERE device_id = ? AND sent_ts < ?', deviceId, now - TXN_LIFETIME_MS)
    sql.exec('INSERT INTO outbox_txns (device_id, txn_id, sent_ts) VALUES (?, ?, ?)', deviceId, txnId, now)
    for (const [target, list] of Object.entries(messages)) {
      if (target === userId()) for (const message of list) inbox().put(target, message, now)
      else this.#queue(target, list, now)
    }
  }

  /** Whether anything is on its way. */
  waiting(): boolean {
    return first(this.#parts.sql, 'SELECT 1 AS found FROM outbox LIMIT 1') !== undefined
  }

  /** Delivers what there is. @throws when somebody was not reached: nothing is lost, the alarm tries again */
  flush(): Promise<boolean> {
    return this.#courier.flush()
  }

  /** From the alarm. Answers when to go on. */
  run(): Promise<number | undefined> {
    return this.#courier.run()
  }

  #queue(target: string, messages: ToDeviceMessage[], now: number): void {
    const seq = nextNumber(this.#parts.sql, LAST_SEQ, now)
    const insert = 'INSERT INTO outbox (seq, target, messages) VALUES (?, ?, ?)'
    this.#parts.sql.exec(insert, seq, target, JSON.stringify(messages))
  }

  /** One flight at a time, since the order of a sender's parcels counts. */
  get #outlet(): Outlet<string, number> {
    const { sql, user, userId } = this.#parts
    const query = 'SELECT DISTINCT target FROM outbox'
    return {
      atOnce: USERS_AT_ONCE,
      read: () => ({
        items: [...sql.exec<Pick<OutboxRow, 'target'>>(query)].map(({ target }) => target),
        more: () => this.waiting(),
      }),
      deliver: async (target) => {
        const rows = this.#nextRows(target)
        const parcels: ToDeviceParcel[] = rows.map(({ seq, messages }) => ({
          seq,
          messages: JSON.parse(messages),
        }))
        await user(target).takeToDevice(userId(), parcels)
        return rows.at(-1)?.seq ?? 0
      },
      acknowledge: (target, upTo) => {
        sql.exec('DELETE FROM outbox WHERE target = ? AND seq <= ?', target, upTo)
      },
    }
  }

  /** The oldest rows for somebody, as many as one call takes. */
  #nextRows(target: string): OutboxRow[] {
    const query = `SELECT seq, target, messages, length(messages) AS size FROM outbox
       WHERE target = ? ORDER BY seq LIMIT ?`
    let bytes = 0
    const rows = this.#parts.sql.exec<OutboxRow & { size: number }>(query, target, ROWS_AT_ONCE).toArray()
    return rows.filter(({ size }, index) => {
      bytes += size
      return index === 0 || bytes <= BYTES_AT_ONCE
    })
  }
}

/** Drops what is known of devices that are not there any more: inside the transaction that deletes them. */
export function dropStrayTransactions(sql: SqlStorage, devices: ReadonlySet<string>): void {
  const query = 'SELECT DISTINCT device_id FROM outbox_txns'
  for (const { device_id } of sql.exec<Pick<TransactionRow, 'device_id'>>(query).toArray())
    if (!devices.has(device_id)) sql.exec('DELETE FROM outbox_txns WHERE device_id = ?', device_id)
}

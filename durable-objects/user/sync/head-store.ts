/** The tables `epochs`, `moved` and `device_epochs`: what outlives an incarnation of the rooms' heads. */
import { first, readMeta, type SqlReader } from '../../sqlite.ts'
import type { Positions } from './heads/epochs.ts'
import type { HeadStore } from './heads/heads.ts'

export const HEAD_TABLES = `
  -- Snapshots of the user's room positions, which sync tokens refer to.
  CREATE TABLE epochs (
    epoch INTEGER PRIMARY KEY,
    created_ts INTEGER NOT NULL,
    positions TEXT NOT NULL
  );

  -- The newest epoch in which a room moved: one row a room an epoch, however busy the room.
  CREATE TABLE moved (no INTEGER PRIMARY KEY, epoch INTEGER NOT NULL);

  -- The epochs of the last two tokens that each device sent back: they are kept.
  CREATE TABLE device_epochs (
    device_id TEXT PRIMARY KEY,
    last INTEGER NOT NULL,
    previous INTEGER NOT NULL
  ) WITHOUT ROWID;
`

const FIRST = 1
const DAY_MS = 86_400_000

type MovedRow = { no: number; epoch: number }

export interface HeadStoreParts {
  sql: SqlStorage
  now: () => number
  transaction: <T>(work: () => T) => T
}

export class StoredHeads implements HeadStore {
  readonly #parts: HeadStoreParts
  /** Epochs before this one belonged to an object that is gone. */
  readonly firstEpoch: number
  /** The epoch of each device's token, as far as this incarnation has read it. */
  readonly #named = new Map<string, number>()

  constructor(parts: HeadStoreParts) {
    this.#parts = parts
    this.firstEpoch = readMeta<number>(parts.sql, 'first_epoch') ?? FIRST
  }

  transaction<T>(work: () => T): T {
    return this.#parts.transaction(work)
  }

  readNotes(): Iterable<{ room: number; epoch: number }> {
    const rows = this.#parts.sql.exec<MovedRow>('SELECT no, epoch FROM moved').toArray()
    return rows.map(({ no, epoch }) => ({ room: no, epoch }))
  }

  writeNote(room: number, epoch: number): void {
    this.#parts.sql.exec('INSERT OR REPLACE INTO moved (no, epoch) VALUES (?, ?)', room, epoch)
  }

  newestEpoch(): number | undefined {
    const query = 'SELECT max(epoch) AS epoch FROM epochs'
    return first<{ epoch: number | null }>(this.#parts.sql, query)?.epoch ?? undefined
  }

  readEpoch(epoch: number): Positions | undefined {
    const query = 'SELECT positions FROM epochs WHERE epoch = ?'
    const row = first<{ positions: string }>(this.#parts.sql, query, epoch)
    return row && new Map(JSON.parse(row.positions) as [number, number][])
  }

  /** One row. Keeps besides it the epoch before, those of each device's last two tokens, and the last of each day. */
  writeEpoch(epoch: number, positions: Positions): void {
    const { sql, now } = this.#parts
    const insert = 'INSERT INTO epochs (epoch, created_ts, positions) VALUES (?, ?, ?)'
    sql.exec(insert, epoch, now(), JSON.stringify([...positions]))
    sql.exec(
      `DELETE FROM epochs WHERE epoch < ? - 1
         AND epoch NOT IN (SELECT last FROM device_epochs UNION SELECT previous FROM device_epochs)
         AND epoch NOT IN (SELECT max(epoch) FROM epochs GROUP BY created_ts / ${DAY_MS})`,
      epoch,
    )
  }

  /** Remembers the epoch of a token of a device, or of whoever else holds one: of its first, and of each that it sends back. A row where it changes. */
  named(deviceId: string, epoch: number): void {
    const { sql } = this.#parts
    const query = 'SELECT last FROM device_epochs WHERE device_id = ?'
    const last = this.#named.get(deviceId) ?? first<{ last: number }>(sql, query, deviceId)?.last
    this.#named.set(deviceId, epoch)
    if (last === epoch) return
    const insert = 'INSERT OR REPLACE INTO device_epochs (device_id, last, previous) VALUES (?, ?, ?)'
    sql.exec(insert, deviceId, epoch, last ?? epoch)
  }

  /** These hold epochs no more. Call it inside a transaction. */
  unnamed(holders: readonly string[]): void {
    for (const holder of holders) {
      this.#named.delete(holder)
      this.#parts.sql.exec('DELETE FROM device_epochs WHERE device_id = ?', holder)
    }
  }

  /** Devices were deleted: a later one may have the id of one of them. */
  forgetDevices(): void {
    this.#named.clear()
  }
}

/** Removes the epochs of devices that are gone, inside the transaction that deletes them. */
export function dropStrayEpochs(sql: SqlStorage, devices: ReadonlySet<string>): void {
  const rows = sql.exec<{ device_id: string }>('SELECT device_id FROM device_epochs').toArray()
  for (const { device_id } of rows) {
    if (!devices.has(device_id)) sql.exec('DELETE FROM device_epochs WHERE device_id = ?', device_id)
  }
}

/** Drops all epochs, and which rooms moved in them. */
export function dropHeads(sql: SqlStorage): void {
  sql.exec('DELETE FROM epochs')
  sql.exec('DELETE FROM device_epochs')
  sql.exec('DELETE FROM moved')
}

/** Whether a sync was ever answered. */
export function hasEpochs(sql: SqlReader): boolean {
  return first(sql, 'SELECT 1 AS found FROM epochs LIMIT 1') !== undefined
}

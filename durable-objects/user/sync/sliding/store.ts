/**
 * The tables of sliding sync: its connections, what each client was told on its own, and the order of the user's rooms.
 */
import type { RoomCard } from '../../../../src/objects/room/sync.ts'
import { first, type SqlReader } from '../../../sqlite.ts'

export const SLIDING_TABLES = `
  -- The connections of each device. The name is random: a token of another connection, or of another user, names none.
  CREATE TABLE connections (
    device_id TEXT NOT NULL,
    conn_id TEXT NOT NULL,
    name TEXT NOT NULL,
    -- What was asked for last, as JSON.
    asked TEXT NOT NULL,
    -- When it was written last, ms.
    written_ts INTEGER NOT NULL,
    PRIMARY KEY (device_id, conn_id)
  ) WITHOUT ROWID;

  -- What a client has, if it has the answer whose token names this.
  CREATE TABLE connection_states (
    name TEXT NOT NULL,
    generation INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (name, generation)
  ) WITHOUT ROWID;

  -- One row: the order of the rooms when the newest epoch began that sliding sync has begun.
  CREATE TABLE room_order (only INTEGER PRIMARY KEY CHECK (only = 1), rooms TEXT NOT NULL);
`

/** A room in the stored order, and where it stood. */
export interface OrderRow {
  no: number
  pos: number
  epoch: number
  card: RoomCard
}

export type ConnectionRow = {
  device_id: string
  conn_id: string
  name: string
  asked: string
  written_ts: number
}

type StateRow = { name: string; generation: number; state: string }

/** A device has no more; the one that was written longest ago gives way. */
const CONNECTIONS_OF_A_DEVICE = 8
/** States kept beside the one whose token came back last: answers that may still arrive. */
const STATES_AHEAD = 3

export class SlidingStore {
  readonly #sql: SqlStorage
  readonly #now: () => number

  constructor(sql: SqlStorage, now: () => number) {
    this.#sql = sql
    this.#now = now
  }

  find(deviceId: string, connId: string): ConnectionRow | undefined {
    const query =
      'SELECT device_id, conn_id, name, asked, written_ts FROM connections WHERE device_id = ? AND conn_id = ?'
    return first<ConnectionRow>(this.#sql, query, deviceId, connId)
  }

  /** Whether there is any. */
  get used(): boolean {
    return first(this.#sql, 'SELECT 1 AS found FROM connections LIMIT 1') !== undefined
  }

  /**
   * Begins a connection, in the place of one of the same name. Others of the device end, if they are too many. Call it
   * inside a transaction.
   * @returns the names of those that ended
   */
  begin(row: Omit<ConnectionRow, 'written_ts'>): string[] {
    const ended = this.find(row.device_id, row.conn_id)
    const others = this.#sql
      .exec<ConnectionRow>(
        `SELECT device_id, conn_id, name, asked, written_ts FROM connections
         WHERE device_id = ? AND conn_id != ? ORDER BY written_ts DESC, conn_id`,
        row.device_id,
        row.conn_id,
      )
      .toArray()
    const gone = [...others.slice(CONNECTIONS_OF_A_DEVICE - 1), ...(ended === undefined ? [] : [ended])]
    for (const one of gone) this.#drop(one)
    this.#put({ ...row, written_ts: this.#now() })
    return gone.map(({ name }) => name)
  }

  /** Remembers what is asked for from now on. One row. */
  ask(row: ConnectionRow, asked: string): void {
    this.#put({ ...row, asked, written_ts: this.#now() })
  }

  readState(name: string, generation: number): string | undefined {
    const query = 'SELECT state FROM connection_states WHERE name = ? AND generation = ?'
    return first<Pick<StateRow, 'state'>>(this.#sql, query, name, generation)?.state
  }

  /**
   * Stores what a client has after an answer. One row.
   * @param from the generation that the answer went on from
   * @returns its generation
   */
  writeState(name: string, from: number, state: string): number {
    const query = 'SELECT max(generation) AS newest FROM connection_states WHERE name = ?'
    const newest = first<{ newest: number | null }>(this.#sql, query, name)?.newest ?? 0
    const generation = newest + 1
    const insert = 'INSERT INTO connection_states (name, generation, state) VALUES (?, ?, ?)'
    this.#sql.exec(insert, name, generation, state)
    const drop = 'DELETE FROM connection_states WHERE name = ? AND generation != ? AND generation <= ?'
    this.#sql.exec(drop, name, from, generation - STATES_AHEAD)
    return generation
  }

  readOrder(): OrderRow[] {
    const row = first<{ rooms: string }>(this.#sql, 'SELECT rooms FROM room_order WHERE only = 1')
    return row === undefined ? [] : (JSON.parse(row.rooms) as OrderRow[])
  }

  writeOrder(rows: readonly OrderRow[]): void {
    const insert = 'INSERT OR REPLACE INTO room_order (only, rooms) VALUES (1, ?)'
    this.#sql.exec(insert, JSON.stringify(rows))
  }

  #put({ device_id, conn_id, name, asked, written_ts }: ConnectionRow): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO connections (device_id, conn_id, name, asked, written_ts) VALUES (?, ?, ?, ?, ?)',
      device_id,
      conn_id,
      name,
      asked,
      written_ts,
    )
  }

  #drop({ device_id, conn_id, name }: ConnectionRow): void {
    this.#sql.exec('DELETE FROM connections WHERE device_id = ? AND conn_id = ?', device_id, conn_id)
    this.#sql.exec('DELETE FROM connection_states WHERE name = ?', name)
  }
}

/** For whom an epoch is kept: a client that asks on from it, and one that was given it. */
export function askedOf(name: string): string {
  return `${name} asked`
}

export function givenTo(name: string): string {
  return `${name} given`
}

/** All for whom epochs are kept on a connection. */
export function holdersOf(name: string): string[] {
  return [askedOf(name), givenTo(name)]
}

/** The same of every connection. */
export function epochHolders(sql: SqlReader): string[] {
  const rows = sql.exec<{ name: string }>('SELECT name FROM connections').toArray()
  return rows.flatMap(({ name }) => holdersOf(name))
}

/** Removes the connections of devices that are gone, inside the transaction that deletes them. */
export function dropStrayConnections(sql: SqlStorage, devices: ReadonlySet<string>): void {
  const rows = sql
    .exec<{ device_id: string; name: string }>('SELECT device_id, name FROM connections')
    .toArray()
  for (const { device_id, name } of rows) {
    if (devices.has(device_id)) continue
    sql.exec('DELETE FROM connections WHERE name = ?', name)
    sql.exec('DELETE FROM connection_states WHERE name = ?', name)
  }
}

/** Drops all connections and the order, after a restore: their clients begin anew. */
export function dropConnections(sql: SqlReader & SqlStorage): void {
  sql.exec('DELETE FROM connections')
  sql.exec('DELETE FROM connection_states')
  sql.exec('DELETE FROM room_order')
}

/** Numbered, append-only migrations of an object's own SQLite, and the small facts in its `meta` table. */

import { noteAlarm, noteStatement } from '../src/limiter.ts'
import { asTransaction } from '../src/tracing/trace.ts'
import { freshTables } from './fresh-tables.ts'

/**
 * Brings the schema to its newest number. Runs before an object's first use, so every migration must be O(1): table
 * definitions only; what has to walk rows is done in batches from a timer.
 */
function migrate(storage: ObjectStorage, migrations: readonly string[]): void {
  const { sql } = storage
  sql.exec('CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID')
  const done = readMeta<number>(sql, 'schema') ?? 0
  if (done >= migrations.length) return
  storage.transactionSync(() => {
    if (done === 0) sql.exec(freshTables(migrations))
    else for (const statements of migrations.slice(done)) sql.exec(statements)
    writeMeta(sql, 'schema', migrations.length)
  })
}

/** A statement that only reads. */
export type ReadQuery = `SELECT ${string}` | `WITH ${string}`

/** An object's SQLite, for what only reads: a statement that writes is a type error. */
export interface SqlReader {
  exec<T extends Record<string, SqlStorageValue>>(
    query: ReadQuery,
    ...bindings: SqlStorageValue[]
  ): SqlStorageCursor<T>
}

export function readMeta<T extends SqlStorageValue>(sql: SqlReader, key: string): T | undefined {
  return sql.exec<{ value: T }>('SELECT value FROM meta WHERE key = ?', key).toArray()[0]?.value
}

/** Writes one row. */
export function writeMeta(sql: SqlStorage, key: string, value: SqlStorageValue): void {
  sql.exec('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)', key, value)
}

export function deleteMeta(sql: SqlStorage, key: string): void {
  sql.exec('DELETE FROM meta WHERE key = ?', key)
}

/** The first row of a query, or undefined. */
export function first<T extends Record<string, SqlStorageValue>>(
  sql: SqlReader,
  query: ReadQuery,
  ...bindings: SqlStorageValue[]
): T | undefined {
  return sql.exec<T>(query, ...bindings).toArray()[0]
}

/** The parts of an object's storage that the objects use. */
export type ObjectStorage = Pick<DurableObjectStorage, 'sql' | 'transactionSync' | 'getAlarm' | 'setAlarm'>

/** An object's storage whose tables are made by the first row that is put into one. */
export interface LazyStorage extends ObjectStorage {
  /** Whether the object has ever been written to. */
  readonly hasTables: boolean
}

/** The statements that put rows into tables. Any other statement finds nothing to do in an object without tables. */
const INSERT = /^\s*(INSERT|REPLACE)\b/i

/** The answer of tables that do not exist: no rows. */
const NO_ROWS = {
  toArray: () => [],
  one: () => {
    throw new Error('The object has no tables yet')
  },
  raw: () => [].values(),
  next: () => ({ done: true, value: undefined }),
  columnNames: [],
  rowsRead: 0,
  rowsWritten: 0,
  [Symbol.iterator]: () => [].values(),
}

/**
 * The same storage, whose tables are made by the first row: an object that is only read from stores nothing. The tables
 * of an older version are brought up to date at once.
 * @param begin run with the first row, once the tables are there
 */
export function lazyStorage(
  storage: ObjectStorage,
  migrations: readonly string[],
  begin: (storage: ObjectStorage) => void,
): LazyStorage {
  const look = () =>
    first(storage.sql, "SELECT 1 AS found FROM sqlite_master WHERE name = 'meta'") !== undefined
  let made = look()
  if (made) migrate(storage, migrations)
  const exec: SqlStorage['exec'] = (query, ...bindings) => {
    if (!made) {
      if (!INSERT.test(query)) return NO_ROWS as never
      migrate(storage, migrations)
      begin(storage)
      made = true
    }
    return storage.sql.exec(query, ...bindings)
  }
  const transaction = <T>(work: () => T): T => {
    const wasMade = made
    try {
      return storage.transactionSync(work)
    } catch (error) {
      // The tables went with the transaction that made them.
      if (!wasMade) made = look()
      throw error
    }
  }
  return {
    get hasTables() {
      return made
    },
    sql: { exec } as SqlStorage,
    transactionSync: (work) => asTransaction(() => transaction(work)),
    getAlarm: () => storage.getAlarm(),
    setAlarm: (at) => storage.setAlarm(at),
  }
}

/** The same storage, counting every row written (an alarm is one): for the tests of the cost budgets. */
export function countingStorage(
  storage: DurableObjectStorage,
  count: (rows: 'rows_written' | 'rows_read', n: number) => void,
): ObjectStorage {
  let last: SqlStorageCursor<never> | undefined
  const exec: SqlStorage['exec'] = (query, ...bindings) => {
    noteStatement(query)
    // A cursor knows how many rows it has read only at its end, which has come by the next statement.
    if (last !== undefined) count('rows_read', last.rowsRead)
    const cursor = storage.sql.exec(query, ...bindings)
    last = cursor as never
    count('rows_written', cursor.rowsWritten)
    return cursor as never
  }
  return {
    sql: { exec } as SqlStorage,
    transactionSync: (work) => storage.transactionSync(work),
    getAlarm: () => storage.getAlarm(),
    setAlarm: (at) => {
      count('rows_written', 1)
      noteAlarm(Number(at))
      return storage.setAlarm(at)
    },
  }
}

/** Numbered, append-only migrations of an object's own SQLite, and the small facts in its `meta` table. */

/**
 * Brings the schema to its newest number. Runs in the constructor, so every migration must be O(1): table
 * definitions only; what has to walk rows is done in batches from a timer.
 */
export function migrate(storage: ObjectStorage, migrations: readonly string[]): void {
  const { sql } = storage
  sql.exec('CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID')
  const done = readMeta<number>(sql, 'schema') ?? 0
  if (done >= migrations.length) return
  storage.transactionSync(() => {
    for (const statements of migrations.slice(done)) sql.exec(statements)
    writeMeta(sql, 'schema', migrations.length)
  })
}

export function readMeta<T extends SqlStorageValue>(sql: SqlStorage, key: string): T | undefined {
  return sql.exec<{ value: T }>('SELECT value FROM meta WHERE key = ?', key).toArray()[0]?.value
}

/** Writes one row. */
export function writeMeta(sql: SqlStorage, key: string, value: SqlStorageValue): void {
  sql.exec('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)', key, value)
}

/** The first row of a query, or undefined. */
export function first<T extends Record<string, SqlStorageValue>>(
  sql: SqlStorage,
  query: string,
  ...bindings: SqlStorageValue[]
): T | undefined {
  return sql.exec<T>(query, ...bindings).toArray()[0]
}

/** The parts of an object's storage that the objects use. */
export type ObjectStorage = Pick<DurableObjectStorage, 'sql' | 'transactionSync' | 'getAlarm' | 'setAlarm'>

/** The same storage, counting every row written (an alarm is one): for the tests of the cost budgets. */
export function countingStorage(
  storage: DurableObjectStorage,
  count: (rowsWritten: number) => void,
): ObjectStorage {
  const exec: SqlStorage['exec'] = (query, ...bindings) => {
    const cursor = storage.sql.exec(query, ...bindings)
    count(cursor.rowsWritten)
    return cursor as never
  }
  return {
    sql: { exec } as SqlStorage,
    transactionSync: (work) => storage.transactionSync(work),
    getAlarm: () => storage.getAlarm(),
    setAlarm: (at) => {
      count(1)
      return storage.setAlarm(at)
    },
  }
}

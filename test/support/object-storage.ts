/** An object's storage on Node's own SQLite, for tests of what stands between a mutation and its rows. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'

/** Holds one object's tables in memory. Transactions may stand within each other, as the platform's do. */
export function objectStorage(): object {
  let depth = 0
  const database = new DatabaseSync(':memory:')
  const statements = new Map<string, StatementSync>()
  const prepare = (query: string): StatementSync => {
    const known = statements.get(query) ?? database.prepare(query)
    statements.set(query, known)
    return known
  }
  const exec = (query: string, ...bindings: SQLInputValue[]) => {
    const statement = query.includes(';') ? undefined : prepare(query)
    if (statement === undefined) database.exec(query)
    const rows = statement?.all(...bindings) ?? []
    const { changes } = prepare('SELECT changes() AS changes').get() as { changes: number }
    return Object.assign(rows.values(), { toArray: () => rows, rowsWritten: changes })
  }
  const transactionSync = <T>(work: () => T): T => {
    depth += 1
    database.exec(`SAVEPOINT s${depth}`)
    try {
      const value = work()
      database.exec(`RELEASE s${depth}`)
      return value
    } catch (error) {
      database.exec(`ROLLBACK TO s${depth}`)
      throw error
    } finally {
      depth -= 1
    }
  }
  return { sql: { exec }, transactionSync }
}

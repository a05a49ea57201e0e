/** The table `ends`: where a topic goes on of which no batch is left. */
import type { Topic } from '../../../src/protocol/event-stream.ts'
import { first, type SqlReader } from '../../sqlite.ts'

export const ENDS_TABLE = `
  CREATE TABLE ends (
    topic TEXT PRIMARY KEY,
    -- No record was ever given an offset at or above this.
    next INTEGER NOT NULL,
    total INTEGER NOT NULL
  ) WITHOUT ROWID;
`

export type EndRow = { topic: Topic; next: number; total: number }

export function readEnd(sql: SqlReader, topic: Topic): Pick<EndRow, 'next' | 'total'> {
  const query = 'SELECT next, total FROM ends WHERE topic = ?'
  return first<Pick<EndRow, 'next' | 'total'>>(sql, query, topic) ?? { next: 0, total: 0 }
}

export function writeEnd(sql: SqlStorage, { topic, next, total }: EndRow): void {
  sql.exec('INSERT OR REPLACE INTO ends (topic, next, total) VALUES (?, ?, ?)', topic, next, total)
}

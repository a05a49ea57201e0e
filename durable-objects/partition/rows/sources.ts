/** The table `sources`: how much of each room's and each user's log is here. */
import { first, type SqlReader } from '../../sqlite.ts'

export const SOURCES_TABLE = `
  CREATE TABLE sources (source TEXT PRIMARY KEY, pos INTEGER NOT NULL) WITHOUT ROWID;
`

/** Undefined of a source that has told nothing yet. */
export function positionOf(sql: SqlReader, source: string): number | undefined {
  return first<{ pos: number }>(sql, 'SELECT pos FROM sources WHERE source = ?', source)?.pos
}

export function notePosition(sql: SqlStorage, source: string, pos: number): void {
  sql.exec('INSERT OR REPLACE INTO sources (source, pos) VALUES (?, ?)', source, pos)
}

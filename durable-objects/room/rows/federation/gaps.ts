/** The table `gaps`: events that events of the room name as their prev_events, and that are not there. */
import { first, type SqlReader } from '../../../sqlite.ts'

export const GAPS_TABLE = `
  CREATE TABLE gaps (
    -- The event that is missing.
    event_id TEXT PRIMARY KEY,
    -- The position that it gets if it comes. Those below are kept free for what comes before it.
    pos INTEGER NOT NULL
  ) WITHOUT ROWID;
`

export type GapRow = { event_id: string; pos: number }

/** Positions that are kept free for what a gap lacks. */
export const GAP_WIDTH = 1_000_000

export function noteGap(sql: SqlStorage, { event_id, pos }: GapRow): void {
  sql.exec('INSERT OR IGNORE INTO gaps (event_id, pos) VALUES (?, ?)', event_id, pos)
}

/** Where a missing event belongs; undefined: no event names it. */
export function gapOf(sql: SqlReader, eventId: string): number | undefined {
  return first<Pick<GapRow, 'pos'>>(sql, 'SELECT pos FROM gaps WHERE event_id = ?', eventId)?.pos
}

export function closeGap(sql: SqlStorage, eventId: string): void {
  sql.exec('DELETE FROM gaps WHERE event_id = ?', eventId)
}

export function hasGaps(sql: SqlReader): boolean {
  return first(sql, 'SELECT 1 FROM gaps LIMIT 1') !== undefined
}

/** The highest position of these at which something is missing. */
export function highestGap(sql: SqlReader, from: number, to: number): number | undefined {
  const query = 'SELECT max(pos) AS pos FROM gaps WHERE pos >= ? AND pos <= ?'
  return first<{ pos: number | null }>(sql, query, from, to)?.pos ?? undefined
}

export function allGaps(sql: SqlReader): string[] {
  const rows = sql.exec<Pick<GapRow, 'event_id'>>('SELECT event_id FROM gaps').toArray()
  return rows.map(({ event_id }) => event_id)
}

/** The missing events that belong at one of these positions, the newest first; the upper end is not included. */
export function gapsBetween(sql: SqlReader, from: number, to: number, limit: number): string[] {
  return sql
    .exec<Pick<GapRow, 'event_id'>>(
      'SELECT event_id FROM gaps WHERE pos >= ? AND pos < ? ORDER BY pos DESC LIMIT ?',
      from,
      to,
      limit,
    )
    .toArray()
    .map(({ event_id }) => event_id)
}

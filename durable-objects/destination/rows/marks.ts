/** The table `marks`: the rooms that have something for the server, or had. */
import { first, type SqlReader } from '../../sqlite.ts'

export const MARKS_TABLE = `
  CREATE TABLE marks (
    room_id TEXT PRIMARY KEY,
    -- The position up to which the server must get the room's events, as far as is known.
    up_to INTEGER NOT NULL,
    -- The position up to which it has them.
    sent INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX marks_waiting ON marks (room_id) WHERE sent < up_to;
`

export type MarkRow = { room_id: string; up_to: number; sent: number }

export function markOf(sql: SqlReader, roomId: string): MarkRow | undefined {
  return first(sql, 'SELECT room_id, up_to, sent FROM marks WHERE room_id = ?', roomId)
}

export function putMark(sql: SqlStorage, { room_id, up_to, sent }: MarkRow): void {
  sql.exec('INSERT OR REPLACE INTO marks (room_id, up_to, sent) VALUES (?, ?, ?)', room_id, up_to, sent)
}

/** The rooms that wait, after one of them in the order of their ids. */
export function waitingMarks(sql: SqlReader, after: string, limit: number): MarkRow[] {
  return sql
    .exec<MarkRow>(
      'SELECT room_id, up_to, sent FROM marks WHERE sent < up_to AND room_id > ? ORDER BY room_id LIMIT ?',
      after,
      limit,
    )
    .toArray()
}

export function isAnyWaiting(sql: SqlReader): boolean {
  return first(sql, 'SELECT 1 FROM marks WHERE sent < up_to LIMIT 1') !== undefined
}

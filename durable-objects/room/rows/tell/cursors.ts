/** How far the room's consumers are. */
import { readMeta, type SqlReader, writeMeta } from '../../../sqlite.ts'

/** What a Room's consumers have done: one row, written when a batch has reached the archive. */
export interface Cursors {
  /** The position up to which the archive knows. */
  archived: number
  /** The position up to which every subscriber was woken. */
  woken: number
  /** The position up to which the event stream knows, once it has been on. */
  streamed?: number
}

export function readCursors(sql: SqlReader): Cursors {
  const stored = readMeta<string>(sql, 'cursors')
  return stored === undefined ? { archived: 0, woken: 0 } : (JSON.parse(stored) as Cursors)
}

export function writeCursors(sql: SqlStorage, cursors: Cursors): void {
  writeMeta(sql, 'cursors', JSON.stringify(cursors))
}

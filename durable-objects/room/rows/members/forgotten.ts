/** The users that have forgotten the room. */
import { first, type SqlReader } from '../../../sqlite.ts'

/** A user who left and forgot the room is shown nothing of it until they come back. */
export const FORGOTTEN_TABLE = `
  CREATE TABLE forgotten (user_id TEXT PRIMARY KEY) WITHOUT ROWID;
`

export function hasForgotten(sql: SqlReader, userId: string): boolean {
  return first(sql, 'SELECT 1 AS found FROM forgotten WHERE user_id = ?', userId) !== undefined
}

/** One row the first time. */
export function noteForgotten(sql: SqlStorage, userId: string): void {
  sql.exec('INSERT OR IGNORE INTO forgotten (user_id) VALUES (?)', userId)
}

/** A user who is invited, knocks or joins has the room on their list again. Writes nothing for anybody else. */
export function remember(sql: SqlStorage, userId: string): void {
  sql.exec('DELETE FROM forgotten WHERE user_id = ?', userId)
}

/** The table `subscribers`: the users whose objects want wakes. */
import type { SqlReader } from '../../../sqlite.ts'

export const SUBSCRIBERS_TABLE = `
  -- The users whose objects want wakes.
  CREATE TABLE subscribers (user_id TEXT PRIMARY KEY) WITHOUT ROWID;
`

export function subscriberIds(sql: SqlReader): string[] {
  return sql
    .exec<{ user_id: string }>('SELECT user_id FROM subscribers')
    .toArray()
    .map((row) => row.user_id)
}

/** One row the first time. */
export function addSubscriber(sql: SqlStorage, userId: string): void {
  sql.exec('INSERT OR IGNORE INTO subscribers (user_id) VALUES (?)', userId)
}

export function removeSubscriber(sql: SqlStorage, userId: string): void {
  sql.exec('DELETE FROM subscribers WHERE user_id = ?', userId)
}

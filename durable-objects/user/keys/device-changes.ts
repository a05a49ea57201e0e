/** The table `device_changes`: which users' device lists this user must look at again, by the user's own log. */
import type { SqlReader } from '../../sqlite.ts'

export const DEVICE_CHANGES_TABLE = `
  -- One row a user, however often they change: themselves, and others whose master key they have signed.
  CREATE TABLE device_changes (
    user_id TEXT PRIMARY KEY,
    own INTEGER NOT NULL
  ) WITHOUT ROWID;
`

/** Notes that a user's devices or keys have changed, at a position of the own log. One row. */
export function noteDeviceChange(sql: SqlStorage, userId: string, own: number): void {
  sql.exec('INSERT OR REPLACE INTO device_changes (user_id, own) VALUES (?, ?)', userId, own)
}

/** The users with a change after one position of the own log and up to another. */
export function changedBetween(sql: SqlReader, after: number, upTo: number): string[] {
  const query = 'SELECT user_id FROM device_changes WHERE own > ? AND own <= ?'
  return sql
    .exec<{ user_id: string }>(query, after, upTo)
    .toArray()
    .map(({ user_id }) => user_id)
}

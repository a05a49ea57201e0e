/** The table `relayed`: joins and leaves of other servers' users that came in through this server. It tells the others. */

import { first, type SqlReader } from '../../../sqlite.ts'

export const RELAYED_TABLE = 'CREATE TABLE relayed (pos INTEGER PRIMARY KEY);'

export function noteRelayed(sql: SqlStorage, pos: number): void {
  sql.exec('INSERT OR IGNORE INTO relayed (pos) VALUES (?)', pos)
}

export function isRelayed(sql: SqlReader, pos: number): boolean {
  return first(sql, 'SELECT 1 AS found FROM relayed WHERE pos = ?', pos) !== undefined
}

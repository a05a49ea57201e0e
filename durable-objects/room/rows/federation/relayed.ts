/** The table `relayed`: joins and leaves of other servers' users that came in through this server. It tells the others. */

export const RELAYED_TABLE = 'CREATE TABLE relayed (pos INTEGER PRIMARY KEY);'

export function noteRelayed(sql: SqlStorage, pos: number): void {
  sql.exec('INSERT OR IGNORE INTO relayed (pos) VALUES (?)', pos)
}

/** The table `relayed`: events of users of other servers that came in by this one, which alone tells the others of them. */

export const RELAYED_TABLE = 'CREATE TABLE relayed (pos INTEGER PRIMARY KEY);'

export function noteRelayed(sql: SqlStorage, pos: number): void {
  sql.exec('INSERT OR IGNORE INTO relayed (pos) VALUES (?)', pos)
}

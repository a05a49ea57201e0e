/** The table `dehydrated_device`: one row at most. */
import { first, type SqlReader } from '../../sqlite.ts'

export const DEHYDRATED_TABLE = `
  CREATE TABLE dehydrated_device (
    device_id TEXT PRIMARY KEY,
    display_name TEXT,
    -- What the client sealed: of no meaning here.
    data TEXT NOT NULL
  ) WITHOUT ROWID;
`

export type DehydratedRow = { device_id: string; display_name: string | null; data: string }

/** The device, if there is one. */
export function dehydratedRow(sql: SqlReader): DehydratedRow | undefined {
  return first<DehydratedRow>(sql, 'SELECT * FROM dehydrated_device')
}

/** One row. */
export function insertDehydrated(sql: SqlStorage, { device_id, display_name, data }: DehydratedRow): void {
  const insert = 'INSERT INTO dehydrated_device (device_id, display_name, data) VALUES (?, ?, ?)'
  sql.exec(insert, device_id, display_name, data)
}

export function removeDehydrated(sql: SqlStorage): void {
  sql.exec('DELETE FROM dehydrated_device')
}

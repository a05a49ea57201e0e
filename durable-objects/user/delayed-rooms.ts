/** The rooms that may hold delayed events of the user (MSC4140). The list may name too many rooms, never too few. */

export const DELAYED_ROOMS_TABLE = `
  CREATE TABLE delayed_rooms (room_id TEXT PRIMARY KEY) WITHOUT ROWID;
`

/** Notes a room, before it is given a delayed event. One row, the first time. */
export function noteDelayed(sql: SqlStorage, roomId: string): void {
  sql.exec('INSERT OR IGNORE INTO delayed_rooms (room_id) VALUES (?)', roomId)
}

export function delayedRooms(sql: SqlStorage): string[] {
  const rows = sql.exec<{ room_id: string }>('SELECT room_id FROM delayed_rooms ORDER BY room_id')
  return rows.toArray().map((row) => row.room_id)
}

export function pruneDelayed(sql: SqlStorage, roomIds: readonly string[]): void {
  for (const roomId of roomIds) sql.exec('DELETE FROM delayed_rooms WHERE room_id = ?', roomId)
}

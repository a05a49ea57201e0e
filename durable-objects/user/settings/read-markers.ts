/** The user's m.fully_read markers: account data of a room that only the server writes, and that never moves back. */
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import { first } from '../../sqlite.ts'
import { writeAccountData } from './account-data.ts'

export const READ_MARKERS_TABLE = `
  -- How far each marker has come, by the room's positions: a lower one is old.
  CREATE TABLE read_markers (room_id TEXT PRIMARY KEY, event_pos INTEGER NOT NULL) WITHOUT ROWID;
`

/** Moves a marker forward, inside the caller's transaction; one further back changes nothing. */
export function setFullyRead(
  sql: SqlStorage,
  marker: { roomId: string; eventId: string; eventPos: number },
  nextOwn: () => number,
): { archive: UserLogEntry[] } {
  const { roomId, eventId, eventPos } = marker
  const query = 'SELECT event_pos FROM read_markers WHERE room_id = ?'
  const old = first<{ event_pos: number }>(sql, query, roomId)
  if (old !== undefined && old.event_pos >= eventPos) return { archive: [] }
  sql.exec('INSERT OR REPLACE INTO read_markers (room_id, event_pos) VALUES (?, ?)', roomId, eventPos)
  return writeAccountData(sql, { roomId, type: 'm.fully_read', content: { event_id: eventId } }, nextOwn)
}

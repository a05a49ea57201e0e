/** The typed log of what the archive must learn besides events. */
import type { RoomLogEntry } from '../../../src/ports/archive.ts'
import type { RoomWriter } from '../context.ts'

/** Adds an entry, inside the caller's transaction, at the room's next position, and answers that. */
export function appendLog(room: RoomWriter, entry: RoomLogEntry): number {
  const pos = room.store.positions.next()
  room.logged = true
  room.store.sql.exec('INSERT INTO log (pos, entry) VALUES (?, ?)', pos, JSON.stringify({ ...entry, pos }))
  return pos
}

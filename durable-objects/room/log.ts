/** The typed log of what the archive must learn besides events. */
import type { RoomLogEntry } from '../../src/ports.ts'
import type { RoomContext } from './context.ts'

/** Adds an entry, inside the caller's transaction, and gives it the room's next position. */
export function appendLog(room: RoomContext, entry: RoomLogEntry): void {
  const pos = room.store.positions.next()
  room.store.sql.exec('INSERT INTO log (pos, entry) VALUES (?, ?)', pos, JSON.stringify({ ...entry, pos }))
}

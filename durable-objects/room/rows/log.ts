/** The table `log`: what the archive must learn besides events, until it knows. */
import type { RoomLogEntry } from '../../../src/ports/archive.ts'
import type { SqlReader } from '../../sqlite.ts'
import { coverTexts } from '../../wipe.ts'
import type { RoomWriter } from '../context.ts'

export const LOG_TABLE = `
  -- What the archive must learn besides events, by position.
  CREATE TABLE log (pos INTEGER PRIMARY KEY, entry TEXT NOT NULL);
`

export type LogRow = { pos: number; entry: string }

/** Adds an entry, inside the caller's transaction, at the room's next position, and answers that. */
export function appendLog(room: RoomWriter, entry: RoomLogEntry): number {
  const pos = room.store.positions.next()
  room.logged = true
  putLog(room.store.sql, { ...entry, pos })
  return pos
}

/** Adds an entry at a position that was taken for it. */
export function putLog(sql: SqlStorage, entry: RoomLogEntry): void {
  sql.exec('INSERT INTO log (pos, entry) VALUES (?, ?)', entry.pos, JSON.stringify(entry))
}

/** Entries after a position, oldest first, read as far as somebody looks. */
export function logAfter(sql: SqlReader, pos: number, limit: number): Iterable<LogRow> {
  return sql.exec<LogRow>('SELECT pos, entry FROM log WHERE pos > ? ORDER BY pos LIMIT ?', pos, limit)
}

/** Removes what the archive knows. What an entry says must not outlast an erasure as free space. */
export function dropLog(sql: SqlStorage, upTo: number): void {
  const holdsText = `(entry LIKE '{"kind":"delayed"%' OR entry LIKE '{"kind":"redacted"%')`
  coverTexts(sql, 'log', 'entry', { clause: `pos <= ? AND ${holdsText}`, values: [upTo] })
  sql.exec('DELETE FROM log WHERE pos <= ?', upTo)
}

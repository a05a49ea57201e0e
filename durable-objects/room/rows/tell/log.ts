/** What the archive must learn: the events, and in the table `log` everything that is not an event. */
import type { RoomLogEntry } from '../../../../src/ports/archive.ts'
import type { SqlReader } from '../../../sqlite.ts'
import { coverTexts } from '../../../wipe.ts'
import type { RoomWriter } from '../../context.ts'
import { type EventRow, JOINED_EVENT_COLUMNS } from '../events/events.ts'
import type { StateRow } from '../state/state.ts'

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

/** Entries after a position, oldest first, read only as far as the caller looks. */
export function logAfter(sql: SqlReader, pos: number, limit: number): Iterable<LogRow> {
  return sql.exec<LogRow>('SELECT pos, entry FROM log WHERE pos > ? ORDER BY pos LIMIT ?', pos, limit)
}

/** Removes what the archive knows. What an entry says must not outlast an erasure as free space. */
export function dropLog(sql: SqlStorage, upTo: number): void {
  const holdsText = `(entry LIKE '{"kind":"delayed"%' OR entry LIKE '{"kind":"redacted"%')`
  coverTexts(sql, 'log', 'entry', { clause: `pos <= ? AND ${holdsText}`, values: [upTo] })
  sql.exec('DELETE FROM log WHERE pos <= ?', upTo)
}

/** An event and its entry in the state; nulls for an event that is no state. */
export type ArchivedRow = EventRow & Pick<StateRow, 'value'> & { from_pos: number | null }

/** Events after a position, oldest first, read only as far as the caller looks. */
export function archivedAfter(sql: SqlReader, pos: number, limit: number): Iterable<ArchivedRow> {
  return sql.exec<ArchivedRow>(
    `SELECT ${JOINED_EVENT_COLUMNS}, s.from_pos, s.value
     FROM events e LEFT JOIN state s ON s.type = e.type AND s.state_key = e.state_key AND s.from_pos = e.pos
       AND s.event_id = e.event_id
     WHERE e.pos > ? AND e.flags = 0 ORDER BY e.pos LIMIT ?`,
    pos,
    limit,
  )
}

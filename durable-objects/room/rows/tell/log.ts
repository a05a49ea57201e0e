/** What the archive must learn: the events, and in the table `log` everything that is not an event. */
import type { PlacedEvent, RoomLogEntry, StatesAround } from '../../../../src/ports/archive.ts'
import { first, type SqlReader } from '../../../sqlite.ts'
import { coverTexts } from '../../../wipe.ts'
import type { RoomWriter } from '../../context.ts'
import { JOINED_EVENT_COLUMNS } from '../events/events.ts'
import type { JudgedRow } from '../events/judged-events.ts'
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

/** An event with the state around it, and its entry in the room's state; nulls for an event that is no state. */
export type ArchivedRow = JudgedRow & Pick<StateRow, 'value'> & { from_pos: number | null }

const ARCHIVED =
  `SELECT ${JOINED_EVENT_COLUMNS}, e.flags, e.state_pos, e.state_group, e.after_group, s.from_pos, s.value
  FROM events e LEFT JOIN state s ON s.type = e.type AND s.state_key = e.state_key AND s.from_pos = e.pos
    AND s.event_id = e.event_id` as const

/** Events after a position, oldest first, read only as far as the caller looks. */
export function archivedAfter(sql: SqlReader, pos: number, limit: number): Iterable<ArchivedRow> {
  return sql.exec<ArchivedRow>(
    `${ARCHIVED} WHERE e.pos > ? AND e.flags = 0 ORDER BY e.pos LIMIT ?`,
    pos,
    limit,
  )
}

/** An event as it stands now, for an entry that names it. */
export function placedEvent(sql: SqlReader, eventId: string): PlacedEvent | undefined {
  const row = first<ArchivedRow>(sql, `${ARCHIVED} WHERE e.event_id = ?`, eventId)
  if (row === undefined) return undefined
  return { ...factsOf(row), at: row.pos, flags: row.flags }
}

/** What the archive keeps of an event wherever it stands. */
export function factsOf(row: ArchivedRow) {
  return {
    depth: row.depth,
    pdu: row.pdu.trimEnd(),
    type: row.type,
    stateKey: row.state_key,
    sender: row.sender,
    ts: row.ts,
    current: row.from_pos !== null,
    ...aroundOf(row),
  }
}

function aroundOf({ state_pos, state_group, after_group }: ArchivedRow): { around?: StatesAround } {
  return state_pos === null ? {} : { around: { pos: state_pos, before: state_group, after: after_group } }
}

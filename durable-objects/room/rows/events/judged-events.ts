/** Events with what the room made of them, whether they are shown or not. */
import { slicesOf } from '../../../../src/slices.ts'
import { first, type SqlReader } from '../../../sqlite.ts'
import type { StatePlace } from '../federation/state-groups.ts'
import { EVENT_COLUMNS, type EventRow } from './events.ts'

/** Events of a statement: a value may have 2 MB, and ids 255 bytes each. */
const AT_ONCE = 5_000

/** An event with what the room made of it, and the state around it. */
export type JudgedRow = EventRow & { flags: number } & Record<
    'state_pos' | 'state_group' | 'after_group',
    number | null
  >

/** The event with its flags and the state around it. */
export function judgedEvent(sql: SqlReader, eventId: string): JudgedRow | undefined {
  return first<JudgedRow>(
    sql,
    `SELECT ${EVENT_COLUMNS}, flags, state_pos, state_group, after_group FROM events WHERE event_id = ?`,
    eventId,
  )
}

/** The states before and after the event at a position, where it did not follow on all the forward extremities. */
export function statesAround(
  sql: SqlReader,
  pos: number,
): { before: StatePlace; after: StatePlace } | undefined {
  const row = first<Pick<JudgedRow, 'state_pos' | 'state_group' | 'after_group'>>(
    sql,
    'SELECT state_pos, state_group, after_group FROM events WHERE pos = ? AND state_pos IS NOT NULL',
    pos,
  )
  if (row === undefined || row.state_pos === null) return undefined
  const base = row.state_pos
  return { before: { pos: base, group: row.state_group }, after: { pos: base, group: row.after_group } }
}

/** Those of these events that are there, with their flags. */
export function flagsOf(sql: SqlReader, eventIds: readonly string[]): Map<string, number> {
  const query = 'SELECT event_id, flags FROM events WHERE event_id IN (SELECT value FROM json_each(?))'
  const rows = slicesOf(eventIds, AT_ONCE).flatMap((ids) =>
    sql.exec<Pick<JudgedRow, 'event_id' | 'flags'>>(query, JSON.stringify(ids)).toArray(),
  )
  return new Map(rows.map((row) => [row.event_id, row.flags]))
}

/** What says whether an event stands in a state, and where. */
export type StandingRow = Pick<JudgedRow, 'event_id' | 'type' | 'state_key' | 'flags'>

/** The same of those that may stand in a state, without their texts. */
export function standingOf(sql: SqlReader, eventIds: readonly string[]): Map<string, StandingRow> {
  const query =
    'SELECT event_id, type, state_key, flags FROM events WHERE event_id IN (SELECT value FROM json_each(?))'
  const rows = sql.exec<StandingRow>(query, JSON.stringify(eventIds)).toArray()
  return new Map(rows.map((row) => [row.event_id, row]))
}

/** Events that nobody is shown have positions of their own, below all that backfill gives. */
const HIDDEN = -1_000_000_000_000_000

/** The next position for an event that nobody is shown. */
export function nextHidden(sql: SqlReader): number {
  return (
    Math.min(first<{ pos: number | null }>(sql, 'SELECT min(pos) AS pos FROM events')?.pos ?? 0, HIDDEN) - 1
  )
}

/** Whether there are events that nobody is shown. */
export function hasHidden(sql: SqlReader): boolean {
  const query = 'SELECT 1 AS found FROM events WHERE pos < ? LIMIT 1'
  return first(sql, query, HIDDEN) !== undefined
}

/** The events that may have come to their places otherwise than as the newest. */
export function eventsOutOfLine(sql: SqlReader): string[] {
  const query =
    'SELECT event_id FROM events WHERE pos <= 0 OR flags != 0 OR state_pos IS NOT NULL ORDER BY pos'
  const rows = sql.exec<Pick<JudgedRow, 'event_id'>>(query).toArray()
  return rows.map(({ event_id }) => event_id)
}

/** The highest position up to this one that no event has. */
export function freePosition(sql: SqlReader, upTo: number): number {
  let pos = upTo
  for (const taken of sql.exec<{ pos: number }>(
    'SELECT pos FROM events WHERE pos <= ? ORDER BY pos DESC',
    upTo,
  )) {
    if (taken.pos !== pos) break
    pos -= 1
  }
  return pos
}

/** Users that asked to be forgotten, and which of the room's events are to be pruned for them. */
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { first, type SqlReader } from '../../../sqlite.ts'
import { EVENT_COLUMNS, type EventRow } from '../events/events.ts'
import type { RowReader } from '../reader.ts'

const BEFORE_ALL = -Number.MAX_SAFE_INTEGER

export const ERASED_TABLE = `
  -- Erased users, and the room's head when they asked for it.
  CREATE TABLE erased (user_id TEXT PRIMARY KEY, pos INTEGER NOT NULL) WITHOUT ROWID;
`

export const ERASING_TABLE = `
  -- Users whose events are being pruned, and the position up to which that is done.
  CREATE TABLE erasing (user_id TEXT PRIMARY KEY, done_pos INTEGER NOT NULL) WITHOUT ROWID;
  -- Erased before there were jobs.
  INSERT INTO erasing (user_id, done_pos) SELECT user_id, ${BEFORE_ALL} FROM erased;
`

type ErasingRow = { user_id: string; done_pos: number }

export function isErased(sql: SqlReader, userId: string): boolean {
  return first(sql, 'SELECT 1 AS found FROM erased WHERE user_id = ?', userId) !== undefined
}

/** Notes that a user was erased when the room's head was at `pos`. */
export function noteErased(sql: SqlStorage, userId: string, pos: number): void {
  sql.exec('INSERT OR IGNORE INTO erased (user_id, pos) VALUES (?, ?)', userId, pos)
}

/** The erased users: where the head stood then, and whether their events are taken from everybody. */
export function erasedUsers(sql: SqlReader): Map<string, { pos: number; forAll: boolean }> {
  const query = 'SELECT user_id, pos, user_id IN (SELECT user_id FROM erasing) AS for_all FROM erased'
  return new Map(
    sql
      .exec<{ user_id: string; pos: number; for_all: number }>(query)
      .toArray()
      .map(({ user_id, pos, for_all }) => [user_id, { pos, forAll: for_all === 1 }]),
  )
}

/** One user's events are being pruned; `after`: the position up to which that is done. */
export interface ErasureJob {
  userId: string
  after: number
}

export function beginErasing(sql: SqlStorage, userId: string): void {
  sql.exec('INSERT OR IGNORE INTO erasing (user_id, done_pos) VALUES (?, ?)', userId, BEFORE_ALL)
}

/** Whether anything is to be pruned. */
export function isErasing(sql: SqlReader): boolean {
  return first(sql, 'SELECT 1 AS found FROM erasing LIMIT 1') !== undefined
}

export function nextErasing(sql: SqlReader): ErasureJob | undefined {
  const row = first<ErasingRow>(sql, 'SELECT * FROM erasing LIMIT 1')
  return row && { userId: row.user_id, after: row.done_pos }
}

export function noteErasing(sql: SqlStorage, userId: string, upTo: number): void {
  sql.exec('UPDATE erasing SET done_pos = ? WHERE user_id = ?', upTo, userId)
}

export function endErasing(sql: SqlStorage, userId: string): void {
  sql.exec('DELETE FROM erasing WHERE user_id = ?', userId)
}

/** The position of the last of the next `limit` events; undefined: there are none. */
export function endOfBatch(sql: SqlReader, { after }: ErasureJob, limit: number): number | undefined {
  const batch = 'SELECT pos FROM events WHERE pos > ? ORDER BY pos LIMIT ?'
  const query = `SELECT max(pos) AS pos FROM (${batch})` as const
  return first<{ pos: number | null }>(sql, query, after, limit)?.pos ?? undefined
}

/** The events in one batch that the user sent, or that changed their membership. */
export function eventsToPrune(sql: SqlReader, { userId, after }: ErasureJob, upTo: number): EventRow[] {
  return sql
    .exec<EventRow>(
      `SELECT ${EVENT_COLUMNS} FROM events
       WHERE pos > ? AND pos <= ? AND (sender = ? OR (type = 'm.room.member' AND state_key = ?))`,
      after,
      upTo,
      userId,
      userId,
    )
    .toArray()
}

/**
 * Whether an event is the user's own word. State in force belongs to the room: its encryption and its name do not go
 * with the user that set them. Of what others did to the user, only what shows the profile counts as theirs.
 */
export function isPruned(store: RowReader, row: EventRow, userId: string): boolean {
  if (row.type === 'm.room.member' && row.state_key === userId) {
    const content = (JSON.parse(row.pdu) as Pdu).content
    return row.sender === userId || content.displayname !== undefined || content.avatar_url !== undefined
  }
  return row.state_key === null || store.get(row.type, row.state_key)?.eventId !== row.event_id
}

/** The rows of delayed events (MSC4140): those that wait, and for one day those that are over. */

import type { DelayedEvent } from '../../../../src/objects/room/send.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { first, type SqlReader } from '../../../sqlite.ts'
import { coverTexts } from '../../../wipe.ts'
import type { RoomReader, RoomWriter } from '../../context.ts'
import { appendLog } from '../tell/log.ts'

export const DELAYED_EVENTS_TABLE = `
  CREATE TABLE delayed_events (
    delay_id TEXT PRIMARY KEY,
    sender TEXT NOT NULL,
    type TEXT NOT NULL,
    state_key TEXT,
    -- Emptied once it is sent or cancelled: what was said then stands in the event alone.
    content TEXT NOT NULL,
    redacts TEXT,
    -- Device, path and transaction id of the request.
    txn TEXT,
    delay_ms INTEGER NOT NULL,
    running_since INTEGER NOT NULL,
    -- Null: sent or cancelled.
    send_at INTEGER,
    -- What became of it, as JSON.
    finalised TEXT,
    finalised_at INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX delayed_events_due ON delayed_events (send_at) WHERE send_at IS NOT NULL;
  CREATE UNIQUE INDEX delayed_events_by_txn ON delayed_events (sender, txn) WHERE txn IS NOT NULL;
`

/** By which those that have been over for long are found. */
export const DELAYED_OVER_INDEX = `
  CREATE INDEX delayed_events_over ON delayed_events (finalised_at) WHERE finalised_at IS NOT NULL;
`

export type Finalised = NonNullable<DelayedEvent['finalised']>

export interface DelayedRow extends Record<string, SqlStorageValue> {
  delay_id: string
  sender: string
  type: string
  state_key: string | null
  content: string
  redacts: string | null
  txn: string | null
  delay_ms: number
  running_since: number
  send_at: number | null
  finalised: string | null
  finalised_at: number | null
}

/** The events whose time has come, in their order. */
export function dueEvents(sql: SqlReader, now: number): { delayId: string; sender: string }[] {
  const query = 'SELECT delay_id, sender FROM delayed_events WHERE send_at <= ? ORDER BY send_at'
  return sql
    .exec<Pick<DelayedRow, 'delay_id' | 'sender'>>(query, now)
    .toArray()
    .map(({ delay_id, sender }) => ({ delayId: delay_id, sender }))
}

/** When the next one is due (ms). */
export function nextDue(sql: SqlReader): number | undefined {
  const query = 'SELECT min(send_at) AS at FROM delayed_events WHERE send_at IS NOT NULL'
  return first<{ at: number | null }>(sql, query)?.at ?? undefined
}

/** How long a delayed event that is over can still be asked for, ms. */
const KEPT_MS = 86_400_000

/**
 * Stores a delayed event, or what became of it. The archive learns of it too, but not of each new start: a client
 * that keeps one from being sent starts it anew all the time.
 */
export function putDelayed(room: RoomWriter, row: DelayedRow): void {
  const columns = Object.keys(row)
  const values = columns.map(() => '?').join(', ')
  room.store.sql.exec(
    `INSERT OR REPLACE INTO delayed_events (${columns.join(', ')}) VALUES (${values})`,
    ...Object.values(row),
  )
  appendLog(room, { kind: 'delayed', pos: 0, delayId: row.delay_id, body: JSON.stringify(row) })
}

/**
 * Stores one as the archive gives it back. Its wait begins anew, since the request that would have put it off may be
 * late.
 */
export function restoreDelayed(room: RoomWriter, body: string): void {
  const row = JSON.parse(body) as DelayedRow
  const now = room.clock.now()
  const waits = row.send_at !== null
  const restored = waits ? { ...row, running_since: now, send_at: now + row.delay_ms } : row
  const columns = Object.keys(restored)
  const values = columns.map(() => '?').join(', ')
  room.store.sql.exec(
    `INSERT OR IGNORE INTO delayed_events (${columns.join(', ')}) VALUES (${values})`,
    ...Object.values(restored),
  )
}

/** How many are removed at once: more than come at once. */
const DROPPED_AT_ONCE = 100

/** Removes those that have been over for a day. */
export function dropOld(room: RoomWriter): void {
  const over = `SELECT delay_id FROM delayed_events WHERE finalised_at < ? LIMIT ${DROPPED_AT_ONCE}`
  dropDelayed(room, `delay_id IN (${over})`, room.clock.now() - KEPT_MS)
}

/** Removes what a user has waiting here and what is over, without a trace. */
export function dropDelayedOf(room: RoomWriter, userId: string): void {
  coverTexts(room.store.sql, 'delayed_events', 'content', { clause: 'sender = ?', values: [userId] })
  dropDelayed(room, 'sender = ?', userId)
}

function dropDelayed(room: RoomWriter, clause: string, value: SqlStorageValue): void {
  const query = `DELETE FROM delayed_events WHERE ${clause} RETURNING delay_id`
  const dropped = room.store.sql.exec<{ delay_id: string }>(query, value).toArray()
  for (const { delay_id } of dropped) {
    appendLog(room, { kind: 'delayed', pos: 0, delayId: delay_id, body: null })
  }
}

/** Ends the wait of a delayed event. */
export function finalise(room: RoomWriter, row: DelayedRow, how: Omit<Finalised, 'at'>): void {
  const at = room.clock.now()
  const finalised = JSON.stringify({ ...how, at } satisfies Finalised)
  putDelayed(room, { ...row, send_at: null, content: '{}', finalised, finalised_at: at })
}

/** Cancels the delayed events of other users that would have set the state that this event sets. */
export function cancelForState(room: RoomWriter, { type, state_key, sender }: Pdu): void {
  const rows = room.store.sql.exec<DelayedRow>(
    `SELECT * FROM delayed_events
     WHERE send_at IS NOT NULL AND type = ? AND state_key = ? AND sender != ?`,
    type,
    state_key ?? '',
    sender,
  )
  for (const row of rows.toArray()) {
    const error = { errcode: 'M_CANCELLED_BY_STATE_UPDATE', error: 'Somebody else has set this state' }
    finalise(room, row, { outcome: 'cancel', reason: 'error', error })
  }
}

/** Delayed events of a user that one answer of a room shows: all that wait, and the newest that are over. */
const MAX_SHOWN = 300

/** A user's delayed events in this room, those that are over too. */
export function delayedEventsOf(room: RoomReader, userId: string): DelayedEvent[] {
  const query = `SELECT * FROM delayed_events WHERE sender = ?
    ORDER BY send_at IS NULL, running_since DESC LIMIT ${MAX_SHOWN}`
  return room.store.sql
    .exec<DelayedRow>(query, userId)
    .toArray()
    .sort((a, b) => a.running_since - b.running_since)
    .map((row) => ({
      delayId: row.delay_id,
      roomId: room.store.roomId,
      type: row.type,
      ...(row.state_key !== null && { stateKey: row.state_key }),
      content: JSON.parse(row.content) as JsonObject,
      delayMs: row.delay_ms,
      runningSince: row.running_since,
      ...(row.finalised !== null && { finalised: JSON.parse(row.finalised) as Finalised }),
    }))
}

/** The event that a user scheduled with this key; see `txnKey`. */
export function delayedByTxn(sql: SqlReader, sender: string, txn: string | null): DelayedRow | undefined {
  return first(sql, 'SELECT * FROM delayed_events WHERE sender = ? AND txn = ?', sender, txn)
}

/** How many a user has waiting, and characters of their contents. */
export function waitingOf(sql: SqlReader, sender: string): { n: number; length: number } {
  const query = `SELECT count(*) AS n, coalesce(sum(length(content)), 0) AS length FROM delayed_events
     WHERE sender = ? AND send_at IS NOT NULL`
  return first(sql, query, sender) ?? { n: 0, length: 0 }
}

/** Begins the wait anew. The archive does not learn of it. */
export function restartDelayed({ store: { sql } }: RoomWriter, row: DelayedRow, now: number): void {
  const query = 'UPDATE delayed_events SET running_since = ?, send_at = ? WHERE delay_id = ?'
  sql.exec(query, now, now + row.delay_ms, row.delay_id)
}

export function findDelayed(sql: SqlReader, delayId: string): DelayedRow | undefined {
  return first<DelayedRow>(sql, 'SELECT * FROM delayed_events WHERE delay_id = ?', delayId)
}

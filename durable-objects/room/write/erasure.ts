/**
 * Users who asked to be forgotten: who joins later is shown their events redacted (Client-Server API §POST
 * /account/deactivate, `erase`). Where the server takes them from everybody, a job takes them out of the room.
 */

import type { JsonObject, JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import { clientEvent, type Pdu } from '../../../src/protocol/events/event.ts'
import { redact } from '../../../src/protocol/events/redaction.ts'
import { objectField } from '../../../src/protocol/json-fields.ts'
import type { SqlReader } from '../../sqlite.ts'
import { first } from '../../sqlite.ts'
import type { RoomWriter } from '../context.ts'
import { dropDelayedOf } from '../rows/delayed-store.ts'
import { isPruned } from '../rows/erasures.ts'
import type { EventRow } from '../rows/events.ts'
import { appendLog } from '../rows/log.ts'
import { isWhole } from '../rows/redacted-because.ts'
import { removeRelation } from '../rows/relations.ts'

/** Events looked at in one transaction: every one that is pruned writes two rows. */
const BATCH = 500
const BEFORE_ALL = -Number.MAX_SAFE_INTEGER

/** Notes an erasure, which the alarm carries out. Asked again, it changes nothing. */
export function markErased(room: RoomWriter, userId: string): void {
  const { head, sql } = room.store
  if (first(sql, 'SELECT 1 AS found FROM erased WHERE user_id = ?', userId) !== undefined) return
  restoreErased(room, userId, head)
  // What was waiting to be sent never will be.
  dropDelayedOf(room, userId)
  appendLog(room, { kind: 'erased', pos: 0, userId, erasedPos: head })
}

/** As the archive gives an erasure back: it may have been made again before all of it was pruned. */
export function restoreErased(
  { store: { sql }, erasesForAll }: RoomWriter,
  userId: string,
  pos: number,
): void {
  sql.exec('INSERT OR IGNORE INTO erased (user_id, pos) VALUES (?, ?)', userId, pos)
  if (!erasesForAll) return
  sql.exec('INSERT OR IGNORE INTO erasing (user_id, done_pos) VALUES (?, ?)', userId, BEFORE_ALL)
}

/** Whether anything is to be pruned. */
export function isErasing(sql: SqlReader): boolean {
  return first(sql, 'SELECT 1 AS found FROM erasing LIMIT 1') !== undefined
}

/** Prunes a batch of what erased users said, inside the caller's transaction. Answers whether any is left. */
export function pruneErased(room: RoomWriter): boolean {
  const { sql } = room.store
  const job = first<{ user_id: string; done_pos: number }>(sql, 'SELECT * FROM erasing LIMIT 1')
  if (job === undefined) return false
  const { user_id: userId, done_pos: after } = job
  const batch = 'SELECT pos FROM events WHERE pos > ? ORDER BY pos LIMIT ?'
  const end = first<{ pos: number | null }>(sql, `SELECT max(pos) AS pos FROM (${batch})`, after, BATCH)?.pos
  if (end == null) finish(room, userId)
  else {
    for (const row of eventsOf(sql, userId, after, end))
      if (isPruned(room.store, row, userId)) prune(room, row)
    forgetSends(sql, userId, after, end)
    sql.exec('UPDATE erasing SET done_pos = ? WHERE user_id = ?', end, userId)
  }
  return isErasing(sql)
}

/**
 * Nobody sends as this user any more: what tells a repeated send of theirs is not needed. Covered first, as texts are
 * (see `coverTexts`), but by its own number each, since no two may be alike.
 */
function forgetSends(sql: SqlStorage, userId: string, after: number, end: number): void {
  const where = 'WHERE sender = ? AND pos > ? AND pos <= ? AND txn IS NOT NULL'
  const number = "printf('%0*d', length(CAST(txn AS BLOB)), abs(pos))"
  for (const text of [number, 'NULL'])
    sql.exec(`UPDATE events SET txn = ${text} ${where}`, userId, after, end)
}

/** Those who keep increments in memory are told that the room moved, by a wake that carries none. */
function finish(room: RoomWriter, userId: string): void {
  const { sql } = room.store
  sql.exec('DELETE FROM erasing WHERE user_id = ?', userId)
  room.store.moveHead(room.store.positions.next())
  room.rewritten = true
}

function eventsOf(sql: SqlStorage, userId: string, after: number, end: number): EventRow[] {
  return sql
    .exec<EventRow>(
      `SELECT pos, event_id, type, state_key, sender, ts, depth, txn, pdu FROM events
       WHERE pos > ? AND pos <= ? AND (sender = ? OR (type = 'm.room.member' AND state_key = ?))`,
      after,
      end,
      userId,
      userId,
    )
    .toArray()
}

/** "Redacted copies": the event keeps its id, which is the hash of what is left. */
function prune(room: RoomWriter, row: EventRow): void {
  const { store } = room
  const original = JSON.parse(row.pdu) as Pdu
  const redacted = redact(original, store.rules)
  if (original.type === 'm.room.redaction') pruneReason(room, row, original, redacted)
  const because = original.unsigned?.redacted_because
  // Who redacted it before is told as before.
  const kept = because === undefined ? redacted : { ...redacted, unsigned: { redacted_because: because } }
  rewrite(room, row, original, JSON.stringify(kept))
}

function rewrite(room: RoomWriter, row: EventRow, original: Pdu, json: string): void {
  if (json === row.pdu.trimEnd()) return
  room.store.rewriteEvent(row, json)
  removeRelation(room.store.sql, original, row.pos)
  room.rewritten = true
  appendLog(room, { kind: 'redacted', pos: 0, eventId: row.event_id, pdu: json })
}

/** An event that was redacted long ago carries the redaction whole, and with it the reason its sender gave. */
function pruneReason(room: RoomWriter, row: EventRow, redaction: Pdu, pruned: Pdu): void {
  const { store } = room
  const target = store.rules.redactsInContent ? redaction.content.redacts : redaction.redacts
  const redacted = typeof target === 'string' ? store.event(target) : undefined
  if (redacted === undefined) return
  const pdu = JSON.parse(redacted.pdu) as Pdu
  const carried = objectField(pdu.unsigned?.redacted_because as JsonValue | undefined)
  if (carried?.event_id !== row.event_id || !isWhole(carried)) return
  const because = clientEvent(row.event_id, pruned, store.roomId) as unknown as JsonValue
  rewrite(
    room,
    redacted,
    pdu,
    JSON.stringify({ ...pdu, unsigned: { redacted_because: because } satisfies JsonObject }),
  )
}

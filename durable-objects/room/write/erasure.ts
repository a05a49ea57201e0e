/**
 * Users that asked to be forgotten: a user that joins later is shown their events redacted (Client-Server API §POST
 * /account/deactivate, `erase`). On a server that erases for everybody, a job prunes the events in the room.
 */
import type { JsonObject, JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import { clientEvent, type Pdu } from '../../../src/protocol/events/event.ts'
import { redact } from '../../../src/protocol/events/redaction.ts'
import { objectField } from '../../../src/protocol/json-fields.ts'
import type { RoomWriter } from '../context.ts'
import { isWhole } from '../read/redacted-because.ts'
import { dropDelayedOf } from '../rows/events/delayed-store.ts'
import { type EventRow, forgetSends } from '../rows/events/events.ts'
import { removeRelation } from '../rows/events/relations.ts'
import { keepJudged } from '../rows/federation/apart.ts'
import {
  beginErasing,
  endErasing,
  endOfBatch,
  eventsToPrune,
  isErased,
  isErasing,
  isPruned,
  nextErasing,
  noteErased,
  noteErasing,
} from '../rows/members/erasures.ts'
import { appendLog } from '../rows/tell/log.ts'

/** Events looked at in one transaction: every one that is pruned writes two rows. */
const BATCH = 500

/** Notes an erasure, which the alarm carries out. Asked again, it changes nothing. */
export function markErased(room: RoomWriter, userId: string): void {
  const { head, sql } = room.store
  if (isErased(sql, userId)) return
  restoreErased(room, userId, head)
  // What was waiting to be sent never will be.
  dropDelayedOf(room, userId)
  appendLog(room, { kind: 'erased', pos: 0, userId, erasedPos: head })
}

/** Stores an erasure as the archive gives it back. It begins anew, since not all of it may have been pruned. */
export function restoreErased({ store, erasesForAll }: RoomWriter, userId: string, pos: number): void {
  noteErased(store.sql, userId, pos)
  if (erasesForAll) beginErasing(store.sql, userId)
}

/** Prunes a batch of what erased users said, inside the caller's transaction. Answers whether anything is left. */
export function pruneErased(room: RoomWriter): boolean {
  const { sql } = room.store
  const job = nextErasing(sql)
  if (job === undefined) return false
  const end = endOfBatch(sql, job, BATCH)
  if (end === undefined) finish(room, job.userId)
  else {
    for (const row of eventsToPrune(sql, job, end))
      if (isPruned(room.store, row, job.userId)) prune(room, row)
    forgetSends(sql, { sender: job.userId, after: job.after, upTo: end })
    noteErasing(sql, job.userId, end)
  }
  return isErasing(sql)
}

/** User objects that keep increments in memory are told that the room moved, by a wake that carries none. */
function finish(room: RoomWriter, userId: string): void {
  endErasing(room.store.sql, userId)
  room.store.moveHead(room.store.positions.next())
  room.rewritten = true
}

/** "Redacted copies": the event keeps its id, which is the hash of what is left. */
function prune(room: RoomWriter, row: EventRow): void {
  const { store } = room
  const original = JSON.parse(row.pdu) as Pdu
  const redacted = redact(original, store.rules)
  if (original.type === 'm.room.redaction') pruneReason(room, row, original, redacted)
  const because = original.unsigned?.redacted_because
  // An event that was redacted before still names its redaction.
  const kept = because === undefined ? redacted : { ...redacted, unsigned: { redacted_because: because } }
  rewrite(room, row, original, JSON.stringify(kept))
}

function rewrite(room: RoomWriter, row: EventRow, original: Pdu, json: string): void {
  if (json === row.pdu.trimEnd()) return
  keepJudged(room, row.event_id, original)
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

/** Read receipts: how far each member has read, by type and thread. They take positions, and never move backwards. */
import type { MarkReadRequest, Receipt } from '../../../../src/objects/room/sync.ts'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import {
  MAIN_THREAD,
  relatesTo,
  relationContent,
  relationOf,
  threadOf,
} from '../../../../src/protocol/events/thread.ts'
import { first } from '../../../sqlite.ts'
import type { RoomWriter } from '../../context.ts'
import { requireJoined } from '../../outsiders.ts'
import type { EventRow } from '../events/events.ts'
import { hasThread } from '../events/relations.ts'
import type { RowReader } from '../reader.ts'
import type { RoomStore } from '../store.ts'
import { putLog } from '../tell/log.ts'
import { notePushRead } from '../tell/push-members.ts'

export const RECEIPTS_TABLE = `
  CREATE TABLE receipts (
    user_id TEXT NOT NULL,
    receipt_type TEXT NOT NULL,
    -- The root of a thread, or main; empty: of the whole room.
    thread_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event_pos INTEGER NOT NULL,
    ts INTEGER NOT NULL,
    -- The room position that the receipt took.
    pos INTEGER NOT NULL,
    PRIMARY KEY (user_id, receipt_type, thread_id)
  ) WITHOUT ROWID;
  CREATE INDEX receipts_by_pos ON receipts (pos);
`

const WHOLE_ROOM = ''
/** What a receipt counts for where it is kept, in characters. */
const RECEIPT_LENGTH = 200
const PUBLIC: Receipt['type'] = 'm.read'

type ReceiptRow = {
  user_id: string
  receipt_type: string
  thread_id: string
  event_id: string
  event_pos: number
  ts: number
  pos: number
}

const COLUMNS = 'r.user_id, r.receipt_type, r.thread_id, r.event_id, r.event_pos, r.ts, r.pos'

/** The users that must hear of the receipts of one request: everybody, only their user, or nobody if none moved. */
export type Audience = 'all' | 'own' | 'none'

/** Moves receipts forward, inside the caller's transaction. Fails as `RoomGateway.markRead` does. */
export function markRead(
  room: RoomWriter,
  { userId, receipts, fullyRead }: MarkReadRequest,
): { answer: { fullyReadPos?: number }; audience: Audience } {
  requireJoined(room.store, userId)
  let audience: Audience = 'none'
  for (const { type, threadId, eventId } of receipts) {
    const event = eventOf(room.store, eventId)
    checkThread(room.store, event, threadId)
    const moved = putReceipt(room, {
      userId,
      type,
      threadId,
      eventId,
      eventPos: event.pos,
      ts: room.clock.now(),
    })
    if (!moved) continue
    notePushRead(room, userId)
    room.receiptsMoved = true
    if (audience !== 'all') audience = type === PUBLIC ? 'all' : 'own'
  }
  const answer = fullyRead === undefined ? {} : { fullyReadPos: eventOf(room.store, fullyRead).pos }
  return { answer, audience }
}

/** Stores a receipt as it was archived, at the position it had. */
export function restoreReceipt(store: RoomStore, receipt: Receipt): void {
  store.sql.exec(
    `INSERT OR REPLACE INTO receipts (user_id, receipt_type, thread_id, event_id, event_pos, ts, pos)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    receipt.userId,
    receipt.type,
    receipt.threadId ?? WHOLE_ROOM,
    receipt.eventId,
    receipt.eventPos,
    receipt.ts,
    receipt.pos,
  )
}

/** Of members alone: what a user had read before they left is of no use to anybody. */
const OF_MEMBERS = `JOIN members m ON m.user_id = r.user_id AND m.membership = 'join'`

/** Public receipts in (from, to], for everybody. */
export function publicReceipts(store: RowReader, from: number, to: number): Receipt[] {
  return select(
    store,
    `${OF_MEMBERS} WHERE r.pos > ? AND r.pos <= ? AND r.receipt_type = ? ORDER BY r.pos`,
    from,
    to,
    PUBLIC,
  )
}

/** What a user may see of the receipts after a position: those of members, and their own private ones. */
export function receiptsFor(store: RowReader, userId: string, since: number): Receipt[] {
  const shared = store.recall.once(
    `receipts ${since}`,
    () => publicReceipts(store, since, Number.MAX_SAFE_INTEGER),
    (receipts) => receipts.length * RECEIPT_LENGTH,
  )
  const own = select(
    store,
    `${OF_MEMBERS} WHERE r.user_id = ? AND r.receipt_type != ? AND r.pos > ?`,
    userId,
    PUBLIC,
    since,
  )
  return own.length === 0 ? [...shared] : [...shared, ...own].sort((a, b) => a.pos - b.pos)
}

/**
 * Up to where a user has read, by thread: "between m.read and m.read.private, the receipt which is more ahead"
 * counts, and one of the whole room covers every thread.
 */
export function readUpTo(store: RowReader, userId: string): { room: number; threads: Map<string, number> } {
  const marks = { room: 0, threads: new Map<string, number>() }
  for (const { threadId, eventPos } of select(store, 'WHERE r.user_id = ?', userId)) {
    if (threadId === undefined) marks.room = Math.max(marks.room, eventPos)
    else marks.threads.set(threadId, Math.max(marks.threads.get(threadId) ?? 0, eventPos))
  }
  return marks
}

/** The thread of an event in this room. */
export function threadIn(store: RowReader, content: JsonObject): string {
  return threadOf(content, contentIn(store))
}

function contentIn(store: RowReader): (eventId: string) => JsonObject | undefined {
  return (eventId) => {
    const row = store.event(eventId)
    return row && (JSON.parse(row.pdu) as Pdu).content
  }
}

/** As `threadIn`, for many events: what they relate to is read once, and is often the same. */
export function threadFinder(store: RowReader): (content: JsonObject) => string {
  const relations = new Map<string, JsonObject | undefined>()
  const relationsOf = (eventId: string): JsonObject | undefined => {
    if (relations.has(eventId)) return relations.get(eventId)
    const row = store.event(eventId)
    const found = row && relationOf((JSON.parse(row.pdu) as Pdu).content)
    const kept = row && (found === undefined ? {} : { 'm.relates_to': relationContent(found) })
    relations.set(eventId, kept)
    return kept
  }
  return (content) => threadOf(content, relationsOf)
}

function eventOf(store: RowReader, eventId: string): EventRow {
  const row = store.event(eventId)
  if (row === undefined) throw new MatrixError('M_INVALID_PARAM', 'There is no such event in this room')
  return row
}

/**
 * "If the thread_id is not the thread the event is in": a root stands in the main timeline, and begins its thread.
 * What relates to a root may be read with its thread, as on other servers.
 */
function checkThread(store: RowReader, event: EventRow, threadId: string | undefined): void {
  if (threadId === undefined || threadId === event.event_id) return
  const { content } = JSON.parse(event.pdu) as Pdu
  if (threadIn(store, content) === threadId) return
  if (hasThread(store.sql, threadId) && relatesTo(content, threadId, contentIn(store))) return
  throw new MatrixError('M_INVALID_PARAM', `The event is not in the thread ${threadId}`)
}

/** Answers whether it moved: four rows if so, its part of the archive's log included. */
function putReceipt(room: RoomWriter, receipt: Omit<Receipt, 'pos'>): boolean {
  const { store } = room
  const old = first<{ event_pos: number }>(
    store.sql,
    'SELECT event_pos FROM receipts WHERE user_id = ? AND receipt_type = ? AND thread_id = ?',
    receipt.userId,
    receipt.type,
    receipt.threadId ?? WHOLE_ROOM,
  )
  if (old !== undefined && old.event_pos >= receipt.eventPos) return false
  const placed: Receipt = { ...receipt, pos: store.positions.next() }
  restoreReceipt(store, placed)
  store.moveHead(placed.pos)
  putLog(store.sql, { kind: 'receipt', ...placed })
  if (placed.type === PUBLIC) room.read.push(placed)
  return true
}

function select(store: RowReader, rest: string, ...bindings: (string | number)[]): Receipt[] {
  return store.sql
    .exec<ReceiptRow>(`SELECT ${COLUMNS} FROM receipts r ${rest}`, ...bindings)
    .toArray()
    .map(fromRow)
}

function fromRow(row: ReceiptRow): Receipt {
  const receipt: Receipt = {
    pos: row.pos,
    userId: row.user_id,
    type: row.receipt_type as Receipt['type'],
    eventId: row.event_id,
    eventPos: row.event_pos,
    ts: row.ts,
  }
  if (row.thread_id !== WHOLE_ROOM) receipt.threadId = row.thread_id
  return receipt
}

/** The thread of an event, where it is in one: the main timeline has no entry of its own. */
export function threadRoot(store: RowReader, content: JsonObject): string | undefined {
  const thread = threadIn(store, content)
  return thread === MAIN_THREAD ? undefined : thread
}

/** The table `events`: every event of the room by its position. */
import type { IdentifiedPdu } from '../../../../src/protocol/events/event.ts'
import { first, type SqlReader } from '../../../sqlite.ts'
import type { StatePlace } from '../federation/state-groups.ts'
import { FLAGS } from './flags.ts'

export const EVENTS_TABLE = `
  -- Every event, by its position in the room. An event costs two rows, and a third with a transaction id.
  CREATE TABLE events (
    pos INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    state_key TEXT,
    sender TEXT NOT NULL,
    ts INTEGER NOT NULL,
    depth INTEGER NOT NULL,
    -- 0 for an event that clients see; otherwise the bits of flags.ts.
    flags INTEGER NOT NULL DEFAULT 0,
    -- The position after which the state before this event was current; null: all prev_events were the forward
    -- extremities, so it is the position before its own.
    state_pos INTEGER,
    -- Chain cover of the auth graph; state events only.
    chain INTEGER,
    seq INTEGER,
    -- Device, path and transaction id of a local send.
    txn TEXT,
    -- Canonical JSON, signatures included.
    pdu TEXT NOT NULL
  );
  CREATE UNIQUE INDEX events_by_txn ON events (sender, txn) WHERE txn IS NOT NULL;
  CREATE UNIQUE INDEX events_by_chain ON events (chain, seq) WHERE chain IS NOT NULL;
`

/**
 * The state around an event that did not follow on all the forward extremities: `state_pos` and `state_group` are that
 * before it, `state_pos` and `after_group` that after it. See `StatePlace`.
 */
export const STATE_GROUP_COLUMNS = `
  ALTER TABLE events ADD COLUMN state_group INTEGER;
  ALTER TABLE events ADD COLUMN after_group INTEGER;
`

export type EventRow = {
  pos: number
  event_id: string
  type: string
  state_key: string | null
  sender: string
  ts: number
  depth: number
  txn: string | null
  pdu: string
}

/** The one list of an event's columns. */
export const EVENT_COLUMN_NAMES: readonly (keyof EventRow)[] = [
  'pos',
  'event_id',
  'type',
  'state_key',
  'sender',
  'ts',
  'depth',
  'txn',
  'pdu',
]
export const EVENT_COLUMNS = EVENT_COLUMN_NAMES.join(', ')

/** The same for a join in which `events` is called `e`. */
export const JOINED_EVENT_COLUMNS = EVENT_COLUMN_NAMES.map((name) => `e.${name}`).join(', ')

export interface NewEvent extends IdentifiedPdu {
  pos: number
  json: string
  txn: string | null
  chain: { chain: number; seq: number } | null
  /** See `FLAGS`. */
  flags: number
  /** The state around it, unless it follows on all the forward extremities. */
  around?: { before: StatePlace; after: StatePlace }
}

/**
 * White space after an event's JSON. What is stored of it when it is redacted, with the reference to its redaction,
 * then needs no more bytes: a row that grows would move others to another page, and leave their texts lying about.
 */
const ROOM_TO_REDACT = ' '.repeat(96)

/** An event that clients see. */
export function shownEventById(sql: SqlReader, eventId: string): EventRow | undefined {
  return first<EventRow>(sql, `SELECT ${EVENT_COLUMNS} FROM events WHERE event_id = ? AND flags = 0`, eventId)
}

/** The event, whatever its flags. */
export function eventById(sql: SqlReader, eventId: string): EventRow | undefined {
  return first<EventRow>(sql, `SELECT ${EVENT_COLUMNS} FROM events WHERE event_id = ?`, eventId)
}

/** As `eventById`, for many. */
export function eventsById(sql: SqlReader, eventIds: readonly string[]): Map<string, EventRow> {
  const rows = sql.exec<EventRow>(
    `SELECT ${EVENT_COLUMNS} FROM events WHERE event_id IN (SELECT value FROM json_each(?))`,
    JSON.stringify(eventIds),
  )
  return new Map(rows.toArray().map((row) => [row.event_id, row]))
}

/** The event that a user sent with this key; see `txnKey`. */
export function eventIdByTxn(sql: SqlReader, sender: string, txn: string): string | undefined {
  const query = 'SELECT event_id FROM events WHERE sender = ? AND txn = ?'
  return first<{ event_id: string }>(sql, query, sender, txn)?.event_id
}

/** Visible events with from <= pos < to, newest first or oldest first. */
export function shownEventsBetween(
  sql: SqlReader,
  { from, to, order, limit }: { from: number; to: number; order: 'newest' | 'oldest'; limit: number },
): EventRow[] {
  return sql
    .exec<EventRow>(
      `SELECT ${EVENT_COLUMNS} FROM events WHERE pos >= ? AND pos < ? AND flags = 0
       ORDER BY pos ${order === 'newest' ? 'DESC' : 'ASC'} LIMIT ?`,
      from,
      to,
      limit,
    )
    .toArray()
}

/** Visible events after a position, the newest first: one at a time, since long ones would not fit into the memory. */
export function newestShownAfter(sql: SqlReader, after: number, limit: number): Iterable<EventRow> {
  return sql.exec<EventRow>(
    `SELECT ${EVENT_COLUMNS} FROM events WHERE pos > ? AND flags = 0 ORDER BY pos DESC LIMIT ?`,
    after,
    limit,
  )
}

/**
 * When the newest visible event was sent, and the newest of some types among the last ones (ms); 0: there is none. A time
 * that is still to come says nothing: other servers choose it.
 */
export function newestSent(
  sql: SqlReader,
  { types, among, now }: { types: readonly string[]; among: number; now: number },
): { newest: number; ofTypes: number } {
  const query = `SELECT max(newest) AS newest, max(CASE WHEN type IN (SELECT value FROM json_each(?)) THEN newest END) AS of_types
     FROM (SELECT type, iif(ts <= ?, ts, 0) AS newest FROM events WHERE pos > 0 AND flags = 0 ORDER BY pos DESC LIMIT ?)`
  const row = first<{ newest: number | null; of_types: number | null }>(
    sql,
    query,
    JSON.stringify(types),
    now,
    among,
  )
  return { newest: row?.newest ?? 0, ofTypes: row?.of_types ?? 0 }
}

/** All events after a position, whatever their flags, oldest first. */
export function eventsAfter(
  sql: SqlReader,
  after: number,
  limit: number,
): Iterable<EventRow & { flags: number }> {
  return sql.exec<EventRow & { flags: number }>(
    `SELECT ${EVENT_COLUMNS}, flags FROM events WHERE pos > ? ORDER BY pos LIMIT ?`,
    after,
    limit,
  )
}

/** The position of the newest event; undefined where there is none. */
export function newestPosition(sql: SqlReader): number | undefined {
  return first<{ pos: number | null }>(sql, 'SELECT max(pos) AS pos FROM events')?.pos ?? undefined
}

/** The newest event that clients see. */
export function newestShown(sql: SqlReader): Pick<EventRow, 'event_id' | 'depth'> | undefined {
  return first(sql, 'SELECT event_id, depth FROM events WHERE flags = 0 ORDER BY pos DESC LIMIT 1')
}

export function insertEvent(
  sql: SqlStorage,
  { pos, eventId, pdu, json, txn, chain, flags, around }: NewEvent,
): void {
  sql.exec(
    `INSERT INTO events (pos, event_id, type, state_key, sender, ts, depth, chain, seq, flags, state_pos, state_group,
       after_group, txn, pdu)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    pos,
    eventId,
    pdu.type,
    pdu.state_key ?? null,
    pdu.sender,
    pdu.origin_server_ts,
    pdu.depth,
    chain?.chain ?? null,
    chain?.seq ?? null,
    flags,
    around?.before.pos ?? null,
    around?.before.group ?? null,
    around?.after.group ?? null,
    txn,
    json + ROOM_TO_REDACT,
  )
}

/**
 * Takes out an event of which nothing but itself was known, since it comes back with its state. Answers its place in the
 * chain cover, if it has one; undefined: there was no such event.
 */
export function removeOutlier(sql: SqlStorage, eventId: string): Pick<NewEvent, 'chain'> | undefined {
  return remove(sql, eventId, FLAGS.outlier)
}

/** The same for an event that the room as it was refused, since it is shown after all. */
export function removeSoftFailed(sql: SqlStorage, eventId: string): Pick<NewEvent, 'chain'> | undefined {
  return remove(sql, eventId, FLAGS['soft-failed'])
}

function remove(sql: SqlStorage, eventId: string, flags: number): Pick<NewEvent, 'chain'> | undefined {
  const row = first<{ chain: number | null; seq: number | null }>(
    sql,
    'SELECT chain, seq FROM events WHERE event_id = ? AND flags = ?',
    eventId,
    flags,
  )
  if (row === undefined) return undefined
  sql.exec('DELETE FROM events WHERE event_id = ?', eventId)
  const { chain, seq } = row
  return { chain: chain === null || seq === null ? null : { chain, seq } }
}

/** Gives an event its place in the chain cover, where it had none. */
export function setChain(sql: SqlStorage, eventId: string, place: NonNullable<NewEvent['chain']>): void {
  sql.exec('UPDATE events SET chain = ?, seq = ? WHERE event_id = ?', place.chain, place.seq, eventId)
}

/**
 * Replaces what is stored of an event, and leaves nothing of it in the file. SQLite overwrites a row where it
 * stands if its length stays the same, and else leaves the old one lying about as free space: so the old text
 * is covered first, and a shorter one is filled up with the white space that JSON allows.
 */
export function rewriteEvent(sql: SqlStorage, row: Pick<EventRow, 'pos' | 'pdu'>, json: string): void {
  const room = byteLength(row.pdu)
  const length = byteLength(json)
  const update = 'UPDATE events SET pdu = ? WHERE pos = ?'
  if (length > room) sql.exec(update, ' '.repeat(room), row.pos)
  sql.exec(update, json + ' '.repeat(Math.max(0, room - length)), row.pos)
}

/**
 * Forgets the transaction ids of a user that sends no more, of events with after < pos <= upTo. Each id is covered first
 * (see `coverTexts`), by a number of its own, since no two may be alike.
 */
export function forgetSends(
  sql: SqlStorage,
  { sender, after, upTo }: { sender: string; after: number; upTo: number },
): void {
  const where = 'WHERE sender = ? AND pos > ? AND pos <= ? AND txn IS NOT NULL'
  const number = "printf('%0*d', length(CAST(txn AS BLOB)), abs(pos))"
  for (const text of [number, 'NULL'])
    sql.exec(`UPDATE events SET txn = ${text} ${where}`, sender, after, upTo)
}

const utf8 = new TextEncoder()

function byteLength(text: string): number {
  return utf8.encode(text).length
}

/** A piece of a room's log, for those that are told all of it: its events and the other entries, in their order. */
import type { RoomLogEntry } from '../../../src/ports/archive.ts'
import { Budget } from '../read/budget.ts'
import { toldWhole } from '../rows/federation/apart.ts'
import type { RowReader } from '../rows/reader.ts'
import { type ArchivedRow, archivedAfter, factsOf, logAfter } from '../rows/tell/log.ts'

export interface LogLimits {
  /** Entries. */
  entries: number
  /** Characters; one entry at least. */
  length: number
}

/** Entries after a position, oldest first, at most one batch. */
export function entriesAfter(
  store: RowReader,
  pos: number,
  limits: LogLimits,
): { entries: RoomLogEntry[]; more: boolean } {
  const { entries: limit } = limits
  const events = cut(archivedAfter(store.sql, pos, limit), limits, ({ pdu }) => pdu.length)
  const others = cut(toldAfter(store, pos, limit), limits, ({ length }) => length)
  // Each list may have been cut; what lies beyond the nearer cut waits for the next batch.
  const end = Math.min(events.end, others.end)
  const entries = [...events.rows.map(eventEntry), ...others.rows.map(({ entry }) => entry)]
  const batch = entries.filter((entry) => entry.pos <= end).sort((a, b) => a.pos - b.pos)
  return { entries: batch, more: end !== Number.POSITIVE_INFINITY }
}

/** The first rows, as many as a batch takes, and the position up to which they are complete. */
function cut<Row extends { pos: number }>(
  rows: Iterable<Row>,
  { entries: limit, length }: LogLimits,
  lengthOf: (row: Row) => number,
): { rows: Row[]; end: number } {
  const budget = new Budget(length)
  const taken: Row[] = []
  for (const row of rows) {
    if (!budget.takes(lengthOf(row))) return { rows: taken, end: taken.at(-1)?.pos ?? row.pos }
    taken.push(row)
  }
  const end = taken.length < limit ? Number.POSITIVE_INFINITY : (taken.at(-1)?.pos ?? 0)
  return { rows: taken, end }
}

/** The entries of the log as they are told: with what they name, which may be long. */
function* toldAfter(
  store: RowReader,
  after: number,
  limit: number,
): Iterable<{ pos: number; entry: RoomLogEntry; length: number }> {
  for (const row of logAfter(store.sql, after, limit)) {
    const entry = whole(store, JSON.parse(row.entry) as RoomLogEntry)
    yield { pos: row.pos, entry, length: row.entry.length + lengthBeside(entry) }
  }
}

/** Characters of what the log's own row does not hold. */
function lengthBeside(entry: RoomLogEntry): number {
  if (entry.kind === 'placed') return entry.event?.pdu.length ?? 0
  if (entry.kind === 'moved') return entry.pdu?.length ?? 0
  return entry.kind === 'record' ? (entry.body?.length ?? 0) : 0
}

/** An event that stands in the state without having come by itself is read when it is told of. */
function whole(store: RowReader, entry: RoomLogEntry): RoomLogEntry {
  if (entry.kind === 'placed' || entry.kind === 'record') return toldWhole(store.sql, entry)
  if (entry.kind !== 'moved' || entry.eventId === null) return entry
  const pdu = store.stateEvent(entry.eventId)?.pdu.trimEnd()
  return pdu === undefined ? entry : { ...entry, pdu }
}

function eventEntry(row: ArchivedRow): RoomLogEntry {
  return {
    kind: 'event',
    pos: row.pos,
    eventId: row.event_id,
    ...factsOf(row),
    membership: row.type === 'm.room.member' ? row.value : null,
    txn: row.txn,
  }
}

/** The table `staged`: events that have come and cannot be finished yet, as what they build on is not there. */
import type { ReceivedEvent } from '../../../../src/objects/room/federation.ts'
import { first, type SqlReader } from '../../../sqlite.ts'

export const STAGED_TABLE = `
  CREATE TABLE staged (
    -- The order in which they came.
    no INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    -- The server that sent it; empty: a part of the answer to this server's own join.
    origin TEXT NOT NULL,
    redacted INTEGER NOT NULL,
    -- 1: with its place in the graph; 0: as a part of a state, or of an auth chain.
    wanted INTEGER NOT NULL,
    -- Canonical JSON.
    pdu TEXT NOT NULL
  );
  CREATE INDEX staged_by_origin ON staged (origin, no);
`

export type StagedRow = {
  no: number
  event_id: string
  origin: string
  redacted: number
  wanted: number
  pdu: string
}

export interface StagedEvent extends ReceivedEvent {
  origin: string
  /** It is asked for with its place in the graph; otherwise it is a part of a state, or of an auth chain. */
  isWanted: boolean
}

/** The parts of this server's own join have no bound here: the bound of the answer holds for them. */
export const OWN_JOIN = ''

interface Bound {
  /** What an event counts, as SQL. */
  size: '1' | 'octet_length(pdu)'
  ofRoom: number
  /** Of one server in the room. */
  ofOrigin: number
}

const MIB = 1_048_576

/** Each call reads all that is staged. An event has 64 KiB at most, and a transaction 50 of them. */
const BOUNDS: readonly Bound[] = [
  { size: '1', ofRoom: 1_000, ofOrigin: 200 },
  { size: 'octet_length(pdu)', ofRoom: 16 * MIB, ofOrigin: 4 * MIB },
]

/** All that waits, in the order in which it came. */
export function stagedEvents(sql: SqlReader): StagedEvent[] {
  return sql
    .exec<StagedRow>('SELECT no, event_id, origin, redacted, wanted, pdu FROM staged ORDER BY no')
    .toArray()
    .map(({ event_id, origin, redacted, wanted, pdu }) => ({
      eventId: event_id,
      json: pdu,
      isRedacted: redacted === 1,
      isWanted: wanted === 1,
      origin,
    }))
}

/** Parts of this server's own join after a place in their order, in that order. */
export function joinedAfter(sql: SqlReader, no: number, limit: number): StagedRow[] {
  const query = `${JOINED} ORDER BY no LIMIT ?` as const
  return sql.exec<StagedRow>(query, OWN_JOIN, no, limit).toArray()
}

/** The same of those alone that may be create events. */
export function joinedCreatesAfter(sql: SqlReader, no: number, limit: number): StagedRow[] {
  const query = `${JOINED} AND instr(pdu, '"type":"m.room.create"') > 0 ORDER BY no LIMIT ?` as const
  return sql.exec<StagedRow>(query, OWN_JOIN, no, limit).toArray()
}

const JOINED = 'SELECT no, event_id, origin, redacted, wanted, pdu FROM staged WHERE origin = ? AND no > ?'

/** What waits for what it builds on, and whether with its place; without the parts of this server's own join. */
export function stagedMarks(sql: SqlReader): Map<string, number> {
  const query = 'SELECT event_id, wanted FROM staged WHERE origin != ?'
  const rows = sql.exec<Pick<StagedRow, 'event_id' | 'wanted'>>(query, OWN_JOIN).toArray()
  return new Map(rows.map(({ event_id, wanted }) => [event_id, wanted]))
}

export function readStaged(sql: SqlReader, eventId: string): StagedRow | undefined {
  const query = 'SELECT no, event_id, origin, redacted, wanted, pdu FROM staged WHERE event_id = ?'
  return first<StagedRow>(sql, query, eventId)
}

/** Stores an event as it was staged, in its old turn. */
export function restoreStaged(
  sql: SqlStorage,
  { no, event_id, origin, redacted, wanted, pdu }: StagedRow,
): void {
  sql.exec(
    'INSERT OR REPLACE INTO staged (no, event_id, origin, redacted, wanted, pdu) VALUES (?, ?, ?, ?, ?, ?)',
    no,
    event_id,
    origin,
    redacted,
    wanted,
    pdu,
  )
}

export function isAnyStaged(sql: SqlReader): boolean {
  return first(sql, 'SELECT 1 FROM staged LIMIT 1') !== undefined
}

export function countStaged(sql: SqlReader): number {
  return first<{ n: number }>(sql, 'SELECT count(*) AS n FROM staged')?.n ?? 0
}

/** What is staged already keeps its place. */
export function stage(sql: SqlStorage, { eventId, json, isRedacted, isWanted, origin }: StagedEvent): void {
  sql.exec(
    `INSERT INTO staged (event_id, origin, redacted, wanted, pdu) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (event_id) DO UPDATE SET wanted = max(wanted, excluded.wanted)`,
    eventId,
    origin,
    isRedacted ? 1 : 0,
    isWanted ? 1 : 0,
    json,
  )
}

export function unstage(sql: SqlStorage, eventId: string): void {
  sql.exec('DELETE FROM staged WHERE event_id = ?', eventId)
}

export function unstageAll(sql: SqlStorage): void {
  sql.exec('DELETE FROM staged')
}

/** Keeps to the bounds: the oldest of the busiest server go. Answers how many. */
export function boundStaged(sql: SqlStorage): number {
  for (const bound of BOUNDS) dropSurplusParts(sql, bound)
  return BOUNDS.reduce((dropped, bound) => dropped + keepTo(sql, bound), 0)
}

function keepTo(sql: SqlStorage, { size, ofRoom, ofOrigin }: Bound): number {
  for (let dropped = 0; ; ) {
    const byOrigin = sizesByOrigin(sql, size)
    const [busiest, next] = byOrigin
    if (busiest === undefined) return dropped
    const total = byOrigin.reduce((sum, { n }) => sum + n, 0)
    // No more than down to the next busiest at once.
    const share = Math.max(1, busiest.n - (next?.n ?? 0))
    const surplus = Math.max(busiest.n - ofOrigin, Math.min(total - ofRoom, share))
    if (surplus <= 0) return dropped
    dropped += sql
      .exec(
        `DELETE FROM staged WHERE no IN (SELECT no FROM (
           SELECT no, sum(${size}) OVER (ORDER BY no) - ${size} AS older
           FROM staged WHERE origin = ? AND wanted = 1
         ) WHERE older < ?) RETURNING no`,
        busiest.origin,
        surplus,
      )
      .toArray().length
  }
}

/** The busiest first. */
function sizesByOrigin(sql: SqlReader, size: Bound['size']): { origin: string; n: number }[] {
  const query = `SELECT origin, sum(${size}) AS n FROM staged WHERE wanted = 1 AND origin != ''
    GROUP BY origin ORDER BY n DESC, origin` as const
  return sql.exec<{ origin: string; n: number }>(query).toArray()
}

/** Parts of states are fetched again where they are needed, the oldest of them. Without a wanted event none is. */
function dropSurplusParts(sql: SqlStorage, { size, ofRoom }: Bound): void {
  const isWanted = first(sql, "SELECT 1 FROM staged WHERE wanted = 1 AND origin != '' LIMIT 1") !== undefined
  sql.exec(
    `DELETE FROM staged WHERE no IN (SELECT no FROM (
       SELECT no, sum(${size}) OVER (ORDER BY no DESC) AS upTo FROM staged WHERE wanted = 0 AND origin != ''
     ) WHERE upTo > ?)`,
    isWanted ? ofRoom : 0,
  )
}

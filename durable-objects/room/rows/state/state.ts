/** The table `state`: the room's state as intervals of positions. */
import type { IdentifiedPdu, Pdu } from '../../../../src/protocol/events/event.ts'
import { first, type SqlReader } from '../../../sqlite.ts'
import type { EventRow } from '../events/events.ts'

export const STATE_TABLE = `
  -- State as intervals of positions: an entry is valid from from_pos to before to_pos; current: to_pos is null.
  CREATE TABLE state (
    type TEXT NOT NULL,
    state_key TEXT NOT NULL,
    from_pos INTEGER NOT NULL,
    to_pos INTEGER,
    event_id TEXT NOT NULL,
    -- The membership, or the history visibility, so that visibility needs no event.
    value TEXT,
    PRIMARY KEY (type, state_key, from_pos)
  ) WITHOUT ROWID;
  CREATE INDEX state_current ON state (type, state_key) WHERE to_pos IS NULL;
  CREATE INDEX state_by_pos ON state (from_pos);
`

/** Where two states of the intervals differ is asked by both ends. */
export const STATE_ENDS_INDEX = 'CREATE INDEX state_by_end ON state (to_pos) WHERE to_pos IS NOT NULL;'

export type StateRow = {
  type: string
  state_key: string
  from_pos: number
  to_pos: number | null
  event_id: string
  value: string | null
}

const STATE_COLUMNS = 'type, state_key, from_pos, to_pos, event_id, value'

/** The current state event of a key, whatever its flags: the auth rules judge by it, shown or not. */
export function currentState(sql: SqlReader, type: string, stateKey: string): IdentifiedPdu | undefined {
  return identified(
    first(
      sql,
      `SELECT e.event_id, e.pdu FROM state s JOIN events e ON e.event_id = s.event_id
       WHERE s.type = ? AND s.state_key = ? AND s.to_pos IS NULL`,
      type,
      stateKey,
    ),
  )
}

/** The state event of a key that was in force until a position. */
export function stateEndedAt(
  sql: SqlReader,
  type: string,
  stateKey: string,
  pos: number,
): IdentifiedPdu | undefined {
  return identified(
    first(
      sql,
      `SELECT e.event_id, e.pdu FROM state s JOIN events e ON e.event_id = s.event_id
       WHERE s.type = ? AND s.state_key = ? AND s.to_pos = ?`,
      type,
      stateKey,
      pos,
    ),
  )
}

function identified(row: { event_id: string; pdu: string } | undefined): IdentifiedPdu | undefined {
  return row && { eventId: row.event_id, pdu: JSON.parse(row.pdu) as Pdu }
}

/** Users of a server who ever were joined or invited, those first who were so first. */
export function firstMembersFrom(sql: SqlReader, serverName: string, limit: number): string[] {
  return sql
    .exec<Pick<StateRow, 'state_key'>>(
      `SELECT state_key FROM state
       WHERE type = 'm.room.member' AND value IN ('join', 'invite')
         AND substr(state_key, instr(state_key, ':') + 1) = ?
       GROUP BY state_key ORDER BY min(from_pos) LIMIT ?`,
      serverName,
      limit,
    )
    .toArray()
    .map(({ state_key }) => state_key)
}

/** The entry of a key that was valid just after `pos`. */
export function stateRowAt(
  sql: SqlReader,
  type: string,
  stateKey: string,
  pos: number,
): StateRow | undefined {
  const row = first<StateRow>(
    sql,
    `SELECT ${STATE_COLUMNS} FROM state
     WHERE type = ? AND state_key = ? AND from_pos <= ? ORDER BY from_pos DESC LIMIT 1`,
    type,
    stateKey,
    pos,
  )
  return row !== undefined && (row.to_pos === null || row.to_pos > pos) ? row : undefined
}

/** All entries a key ever had, oldest first. */
export function stateHistory(sql: SqlReader, type: string, stateKey: string): StateRow[] {
  return sql
    .exec<StateRow>(
      `SELECT ${STATE_COLUMNS} FROM state
       WHERE type = ? AND state_key = ? ORDER BY from_pos`,
      type,
      stateKey,
    )
    .toArray()
}

/** Which entries of the state are wanted. */
export interface StateQuery {
  /** Those in force just after this position; undefined: those in force now. */
  at?: number
  /** Only what came into force after this position. */
  since?: number
  only?: string
  /** All types but this one. */
  without?: string
}

export function stateEntries(
  sql: SqlReader,
  { at, since, only, without }: StateQuery,
): Pick<StateRow, 'from_pos' | 'event_id'>[] {
  const conditions: [string, ...SqlStorageValue[]][] = [
    at === undefined ? ['to_pos IS NULL'] : ['from_pos <= ? AND (to_pos IS NULL OR to_pos > ?)', at, at],
  ]
  if (since !== undefined) conditions.push(['from_pos > ?', since])
  if (only !== undefined) conditions.push(['type = ?', only])
  if (without !== undefined) conditions.push(['type != ?', without])
  return sql
    .exec<Pick<StateRow, 'from_pos' | 'event_id'>>(
      `SELECT from_pos, event_id FROM state WHERE ${conditions.map(([condition]) => condition).join(' AND ')}`,
      ...conditions.flatMap(([, ...bound]) => bound),
    )
    .toArray()
}

/** The event by which a key came into force. */
type Placed = Pick<EventRow, 'pos' | 'type' | 'state_key'>

/** What came into force between two positions, neither of them included, the newest first. */
export function stateSetBetween(sql: SqlReader, after: number, before: number): Placed[] {
  return sql
    .exec<Placed>(
      `SELECT from_pos AS pos, type, state_key FROM state WHERE from_pos > ? AND from_pos < ?
       ORDER BY from_pos DESC`,
      after,
      before,
    )
    .toArray()
}

/** The id of the event that stands at a key now. */
export function currentStateId(sql: SqlReader, type: string, stateKey: string): string | undefined {
  const query = 'SELECT event_id FROM state WHERE type = ? AND state_key = ? AND to_pos IS NULL'
  return first<Pick<StateRow, 'event_id'>>(sql, query, type, stateKey)?.event_id
}

/** The whole current state, each key with its event's id. */
export function currentStateIds(sql: SqlReader): Iterable<Pick<StateRow, 'type' | 'state_key' | 'event_id'>> {
  return sql.exec<Pick<StateRow, 'type' | 'state_key' | 'event_id'>>(
    'SELECT type, state_key, event_id FROM state WHERE to_pos IS NULL',
  )
}

/** The whole state just after a position, each key with its event's id. */
export function stateIdsAt(
  sql: SqlReader,
  pos: number,
): Iterable<Pick<StateRow, 'type' | 'state_key' | 'event_id'>> {
  return sql.exec<Pick<StateRow, 'type' | 'state_key' | 'event_id'>>(
    'SELECT type, state_key, event_id FROM state WHERE from_pos <= ? AND (to_pos IS NULL OR to_pos > ?)',
    pos,
    pos,
  )
}

/** The users whose member event came into force after one position and up to another. */
export function membersSetBetween(sql: SqlReader, after: number, upTo: number): string[] {
  const query = `SELECT state_key FROM state WHERE from_pos > ? AND from_pos <= ? AND type = 'm.room.member'`
  return sql
    .exec<{ state_key: string }>(query, after, upTo)
    .toArray()
    .map(({ state_key }) => state_key)
}

/** Whether state of one of these types came into force after a position. */
export function isAnySetAfter(sql: SqlReader, types: Iterable<string>, after: number): boolean {
  const query =
    'SELECT 1 AS changed FROM state WHERE from_pos > ? AND type IN (SELECT value FROM json_each(?)) LIMIT 1'
  return first(sql, query, after, JSON.stringify([...types])) !== undefined
}

/** The keys under which a type of state stands now. */
export function currentKeys(sql: SqlReader, type: string): string[] {
  return sql
    .exec<{ state_key: string }>(
      'SELECT state_key FROM state WHERE type = ? AND to_pos IS NULL ORDER BY state_key',
      type,
    )
    .toArray()
    .map((row) => row.state_key)
}

/** Puts a state event in force from its position on, and ends its predecessor. */
export function putState(sql: SqlStorage, event: IdentifiedPdu, pos: number, value: string | null): void {
  const { type } = event.pdu
  const stateKey = event.pdu.state_key ?? ''
  endState(sql, type, stateKey, pos)
  sql.exec(
    'INSERT INTO state (type, state_key, from_pos, event_id, value) VALUES (?, ?, ?, ?, ?)',
    type,
    stateKey,
    pos,
    event.eventId,
    value,
  )
}

/** Ends a key: from a position on no event stands there. */
export function endState(sql: SqlStorage, type: string, stateKey: string, pos: number): void {
  sql.exec(
    'UPDATE state SET to_pos = ? WHERE type = ? AND state_key = ? AND to_pos IS NULL',
    pos,
    type,
    stateKey,
  )
}

/** The Room's relations: which event relates to which. */

import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { relationOf } from '../../../../src/protocol/events/relations.ts'
import { first, type SqlReader } from '../../../sqlite.ts'
import { type EventRow, JOINED_EVENT_COLUMNS } from './events.ts'

export const RELATIONS_TABLE = `
  -- Which event relates to which: one row for an event that has a relation, gone when it is redacted.
  CREATE TABLE relations (
    parent_id TEXT NOT NULL,
    rel_type TEXT NOT NULL,
    child_pos INTEGER NOT NULL,
    child_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    type TEXT NOT NULL,
    -- Of annotations.
    key TEXT,
    PRIMARY KEY (parent_id, rel_type, child_pos)
  ) WITHOUT ROWID;
`

export type RelationRow = {
  parent_id: string
  rel_type: string
  child_pos: number
  child_id: string
  sender: string
  type: string
}

/** What of a parent's children is asked for. */
export interface ChildQuery {
  parentIds: readonly string[]
  relType?: string
  eventType?: string
  sender?: string
  /** Positions: from this one on, and before that one. */
  from?: number
  to?: number
  order: 'newest' | 'oldest'
  limit: number
}

const COLUMNS = 'parent_id, rel_type, child_pos, child_id, sender, type'

/** Remembers the relation that an event forms, if it forms one: one row. */
export function writeRelation(
  sql: SqlStorage,
  { eventId, pdu }: { eventId: string; pdu: Pdu },
  pos: number,
): void {
  const relation = relationOf(pdu.content)
  if (relation === undefined) return
  sql.exec(
    `INSERT OR REPLACE INTO relations (parent_id, rel_type, child_pos, child_id, sender, type, key)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    relation.parentId,
    relation.relType,
    pos,
    eventId,
    pdu.sender,
    pdu.type,
    relation.key ?? null,
  )
}

/** A redacted event relates to nothing any more. Its own children stay. */
export function removeRelation(sql: SqlStorage, original: Pdu, pos: number): void {
  const relation = relationOf(original.content)
  if (relation === undefined) return
  sql.exec(
    'DELETE FROM relations WHERE parent_id = ? AND rel_type = ? AND child_pos = ?',
    relation.parentId,
    relation.relType,
    pos,
  )
}

/** Whether anything relates to an event: one look, and for most events the only one. */
export function hasChildren(sql: SqlReader, parentId: string): boolean {
  return first(sql, 'SELECT 1 AS found FROM relations WHERE parent_id = ? LIMIT 1', parentId) !== undefined
}

/** Whether an event is the root of a thread. */
export function hasThread(sql: SqlReader, eventId: string): boolean {
  const query = "SELECT 1 FROM relations WHERE parent_id = ? AND rel_type = 'm.thread' LIMIT 1"
  return first(sql, query, eventId) !== undefined
}

/** Children by position. */
export function childrenOf(sql: SqlReader, query: ChildQuery): RelationRow[] {
  const conditions: [string, string | number | undefined][] = [
    ['rel_type = ?', query.relType],
    ['type = ?', query.eventType],
    ['sender = ?', query.sender],
    ['child_pos >= ?', query.from],
    ['child_pos < ?', query.to],
  ]
  const asked = conditions.filter((condition) => condition[1] !== undefined)
  const where = asked.map(([condition]) => ` AND ${condition}`).join('')
  return sql
    .exec<RelationRow>(
      `SELECT ${COLUMNS} FROM relations WHERE parent_id IN (SELECT value FROM json_each(?))${where}
       ORDER BY child_pos ${query.order === 'newest' ? 'DESC' : 'ASC'} LIMIT ?`,
      JSON.stringify(query.parentIds),
      ...asked.map(([, value]) => value as string | number),
      query.limit,
    )
    .toArray()
}

/** Whether a user has annotated an event with this type and key already. */
export function hasAnnotated(
  sql: SqlReader,
  { parentId, sender, type, key }: { parentId: string; sender: string; type: string; key: string },
): boolean {
  const query = `SELECT 1 AS found FROM relations WHERE parent_id = ? AND rel_type = 'm.annotation'
     AND sender = ? AND type = ? AND key = ? LIMIT 1`
  return first(sql, query, parentId, sender, type, key) !== undefined
}

/** "The most recent replacement event, as determined by origin_server_ts, falling back to … the highest event ID". */
export function replacementsOf(
  sql: SqlReader,
  { event_id, sender, type }: Pick<EventRow, 'event_id' | 'sender' | 'type'>,
  limit: number,
): Iterable<EventRow> {
  return sql.exec<EventRow>(
    `SELECT ${JOINED_EVENT_COLUMNS}
     FROM relations r JOIN events e ON e.pos = r.child_pos
     WHERE r.parent_id = ? AND r.rel_type = 'm.replace' AND r.sender = ? AND r.type = ?
     ORDER BY e.ts DESC, e.event_id DESC LIMIT ?`,
    event_id,
    sender,
    type,
    limit,
  )
}

/** How many replies a thread has from a position on, but for those of ignored users. */
export function countReplies(
  sql: SqlReader,
  rootId: string,
  { from, ignored }: { from: number; ignored: readonly string[] },
): number {
  const query = `SELECT count(*) AS n FROM relations WHERE parent_id = ? AND rel_type = 'm.thread' AND child_pos >= ?
     AND sender NOT IN (SELECT value FROM json_each(?))`
  return first<{ n: number }>(sql, query, rootId, from, JSON.stringify(ignored))?.n ?? 0
}

/** Each thread of the room with its latest reply. */
export function latestReplies(sql: SqlReader): { parent_id: string; latest: number; sender: string }[] {
  return sql
    .exec<{ parent_id: string; latest: number; sender: string }>(
      // SQLite: beside max(), a bare column is that of the row with the maximum.
      `SELECT parent_id, max(child_pos) AS latest, sender FROM relations WHERE rel_type = 'm.thread'
       GROUP BY parent_id`,
    )
    .toArray()
}

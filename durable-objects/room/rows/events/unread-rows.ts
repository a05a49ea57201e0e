/** The events that a member may not have read. */
import { first, type SqlReader } from '../../../sqlite.ts'
import { EVENT_COLUMN_NAMES, type EventRow } from './events.ts'

/** What a count of unread events looks at: it may be thousands of rows. */
export type UnreadRow = Omit<EventRow, 'ts' | 'depth'>

const UNREAD_COLUMNS = EVENT_COLUMN_NAMES.filter((name) => name !== 'ts' && name !== 'depth').join(', ')

/** The position of the newest event that clients see and that is no member event, among so many of the newest; or 0. */
export function newestButMembers(sql: SqlReader, among: number): number {
  const query = `SELECT pos FROM (SELECT pos, type FROM events WHERE pos > 0 AND flags = 0 ORDER BY pos DESC LIMIT ?)
     WHERE type != 'm.room.member' LIMIT 1`
  return first<{ pos: number }>(sql, query, among)?.pos ?? 0
}

/**
 * As `newestShownAfter`, but up to `main` only events with a relation: the others stand in the main timeline, which is
 * read that far.
 * @param membersOf of member events only those that this user sent, or that are about them; undefined: all
 */
export function maybeUnread(
  sql: SqlReader,
  {
    after,
    main,
    limit,
    membersOf,
  }: { after: number; main: number; limit: number; membersOf: string | undefined },
): Iterable<UnreadRow> {
  return sql.exec<UnreadRow>(
    `SELECT * FROM (
       SELECT ${UNREAD_COLUMNS} FROM events
       WHERE pos > ?1 AND flags = 0 ORDER BY pos DESC LIMIT ?2
     ) WHERE (pos > ?3 OR instr(pdu, '"m.relates_to"') > 0)
       AND (type != 'm.room.member' OR ?4 IS NULL OR state_key = ?4 OR sender = ?4)`,
    after,
    limit,
    main,
    membersOf ?? null,
  )
}

/** The events that other servers must get from this one: those of its own users, and those that came in by it. */
import { first, type SqlReader } from '../../../sqlite.ts'

export interface OutgoingRow {
  pos: number
  pdu: string
}

const OWN = `pos > ? AND pos <= ? AND flags = 0
  AND (substr(sender, instr(sender, ':') + 1) = ? OR pos IN (SELECT pos FROM relayed))`

interface Range {
  serverName: string
  after: number
  upTo: number
}

/** Own events of a range of positions, oldest first or newest first. */
export function ownEvents(
  sql: SqlReader,
  { serverName, after, upTo }: Range,
  { order, limit }: { order: 'oldest' | 'newest'; limit: number },
): OutgoingRow[] {
  return sql
    .exec<{ pos: number; pdu: string }>(
      `SELECT pos, pdu FROM events WHERE ${OWN} ORDER BY pos ${order === 'newest' ? 'DESC' : 'ASC'} LIMIT ?`,
      after,
      upTo,
      serverName,
      limit,
    )
    .toArray()
}

/** Whether a range of positions has more than so many. */
export function hasOwnEvents(sql: SqlReader, { serverName, after, upTo }: Range, moreThan = 0): boolean {
  const query = `SELECT 1 AS one FROM events WHERE ${OWN} LIMIT 1 OFFSET ?` as const
  return first(sql, query as `SELECT ${string}`, after, upTo, serverName, moreThan) !== undefined
}

/** The table `members`: the current membership of every user that ever had one. */
import type { Membership } from '../../../../src/protocol/rooms/membership.ts'
import { first, type SqlReader } from '../../../sqlite.ts'

export const MEMBERS_TABLE = `
  -- Current memberships, to count them and to find the joined ones.
  CREATE TABLE members (
    user_id TEXT PRIMARY KEY,
    membership TEXT NOT NULL,
    event_id TEXT NOT NULL,
    -- The position at which this membership began (a new profile does not begin one).
    since_pos INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX members_by_membership ON members (membership, since_pos);
`

export interface Member {
  userId: string
  membership: Membership
  eventId: string
  /** The position at which this membership began. */
  sincePos: number
}

type MemberRow = { user_id: string; membership: string; event_id: string; since_pos: number }

const MEMBER_COLUMNS = 'user_id, membership, event_id, since_pos'

function memberOf(row: MemberRow): Member {
  return {
    userId: row.user_id,
    membership: row.membership as Membership,
    eventId: row.event_id,
    sincePos: row.since_pos,
  }
}

export function memberById(sql: SqlReader, userId: string): Member | undefined {
  const row = first<MemberRow>(sql, `SELECT ${MEMBER_COLUMNS} FROM members WHERE user_id = ?`, userId)
  return row && memberOf(row)
}

/** Members by membership, the longest-standing first. */
export function membersWith(sql: SqlReader, membership: Membership, limit: number): string[] {
  return sql
    .exec<{ user_id: string }>(
      'SELECT user_id FROM members WHERE membership = ? ORDER BY since_pos LIMIT ?',
      membership,
      limit,
    )
    .toArray()
    .map((row) => row.user_id)
}

/** Joined users of one server. */
export function joinedFrom(sql: SqlReader, serverName: string, limit: number): string[] {
  const query = `SELECT user_id FROM members
    WHERE membership = 'join' AND substr(user_id, instr(user_id, ':') + 1) = ? LIMIT ?`
  return sql
    .exec<{ user_id: string }>(query, serverName, limit)
    .toArray()
    .map((row) => row.user_id)
}

/** All users that ever had a membership. */
export function allMembers(sql: SqlReader): Member[] {
  return sql.exec<MemberRow>(`SELECT ${MEMBER_COLUMNS} FROM members`).toArray().map(memberOf)
}

export function countWith(sql: SqlReader, membership: Membership): number {
  const query = 'SELECT count(*) AS n FROM members WHERE membership = ?'
  return first<{ n: number }>(sql, query, membership)?.n ?? 0
}

export function putMember(sql: SqlStorage, { userId, membership, eventId, sincePos }: Member): void {
  sql.exec(
    `INSERT OR REPLACE INTO members (${MEMBER_COLUMNS}) VALUES (?, ?, ?, ?)`,
    userId,
    membership,
    eventId,
    sincePos,
  )
}

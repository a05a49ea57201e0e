/** The table `member_feed`: membership changes of local users, until their User objects have confirmed them. */
import type { MembershipChange } from '../../../../src/objects/user/sync.ts'
import { first, type SqlReader } from '../../../sqlite.ts'
import { coverTexts } from '../../../wipe.ts'
import type { RoomWriter } from '../../context.ts'

export const MEMBER_FEED_TABLE = `
  -- Membership changes of local users, until their User objects have confirmed them.
  CREATE TABLE member_feed (
    user_id TEXT NOT NULL,
    pos INTEGER NOT NULL,
    change TEXT NOT NULL,
    PRIMARY KEY (user_id, pos)
  ) WITHOUT ROWID;
`

export type FeedRow = { user_id: string; pos: number; change: string }

/** Adds a change, inside the caller's transaction: the user's object is told of it after the commit. */
export function feed({ store, fed }: RoomWriter, userId: string, change: MembershipChange): void {
  store.sql.exec(
    'INSERT INTO member_feed (user_id, pos, change) VALUES (?, ?, ?)',
    userId,
    change.pos,
    JSON.stringify(change),
  )
  fed.push(userId)
}

/** Whether anything waits to be confirmed. */
export function isFeeding(sql: SqlReader): boolean {
  return first(sql, 'SELECT 1 FROM member_feed LIMIT 1') !== undefined
}

/** The next users that wait. */
export function nextFed(sql: SqlReader, limit: number): string[] {
  return sql
    .exec<Pick<FeedRow, 'user_id'>>('SELECT DISTINCT user_id FROM member_feed LIMIT ?', limit)
    .toArray()
    .map((row) => row.user_id)
}

/** What waits for a user, oldest first. */
export function feedOf(sql: SqlReader, userId: string): FeedRow[] {
  const query = 'SELECT user_id, pos, change FROM member_feed WHERE user_id = ? ORDER BY pos'
  return sql.exec<FeedRow>(query, userId).toArray()
}

/** What an invite shows of the room must not outlast an erasure as free space. */
export function removeFed(sql: SqlStorage, { user_id, pos, change }: FeedRow): void {
  const where = { clause: 'user_id = ? AND pos = ?', values: [user_id, pos] }
  if ((JSON.parse(change) as MembershipChange).strippedState !== undefined) {
    coverTexts(sql, 'member_feed', 'change', where)
  }
  sql.exec(`DELETE FROM member_feed WHERE ${where.clause}`, ...where.values)
}

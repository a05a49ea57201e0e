/** The members with pushers, each with the position up to which its User object knows what there is to push. */
import { first } from '../../../sqlite.ts'
import type { RoomReader, RoomWriter } from '../../context.ts'

export const PUSH_MEMBERS_TABLE = `
  CREATE TABLE push_members (user_id TEXT PRIMARY KEY, pos INTEGER NOT NULL) WITHOUT ROWID;
`

/** Set if the member has read or spoken since their object last heard of it. */
export const PUSH_READS_COLUMN = 'ALTER TABLE push_members ADD COLUMN has_read INTEGER NOT NULL DEFAULT 0;'

export type PushMember = { user_id: string; pos: number; has_read: number }

/** Notes whether a member has pushers. What came before is not pushed. Answers whether the member has them only now. */
export function setPushMember({ store }: RoomWriter, userId: string, wanted: boolean): boolean {
  if (wanted && store.member(userId)?.membership === 'join') {
    const insert = 'INSERT OR IGNORE INTO push_members (user_id, pos) VALUES (?, ?)'
    return store.sql.exec(insert, userId, store.head).rowsWritten > 0
  }
  store.sql.exec('DELETE FROM push_members WHERE user_id = ?', userId)
  return false
}

/** Whether anybody here has pushers. */
export function hasPushMembers({ store }: RoomReader): boolean {
  return first(store.sql, 'SELECT 1 FROM push_members LIMIT 1') !== undefined
}

/** A member has read something: the number on their devices may be lower. Writes no row for a member without pushers. */
export function notePushRead({ store }: RoomWriter, userId: string): void {
  store.sql.exec('UPDATE push_members SET has_read = 1 WHERE user_id = ?', userId)
}

/** A member's object knows of everything up to a position. */
export function markTold({ store }: RoomWriter, userId: string, upTo: number): void {
  store.sql.exec('UPDATE push_members SET pos = ?, has_read = 0 WHERE user_id = ?', upTo, userId)
}

/** Those whose objects have not heard of everything. */
export function behind({ store }: RoomReader, limit: number): PushMember[] {
  const query = `SELECT user_id, pos, has_read FROM push_members
    WHERE has_read = 1 OR pos < (SELECT max(pos) FROM events) LIMIT ?`
  return store.sql.exec<PushMember>(query, limit).toArray()
}

export function isAnyoneBehind(room: RoomReader): boolean {
  return behind(room, 1).length > 0
}

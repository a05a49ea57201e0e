/** What a User object does after the whole server was restored: see restore.ts. */
import { readMeta, writeMeta } from '../sqlite.ts'
import { claimAllKeys } from './keys/device-keys.ts'
import { dropHeads } from './sync/head-store.ts'
import { dropConnections } from './sync/sliding/store.ts'

/**
 * Earlier sync tokens are answered as after a long absence: what they claim to have seen is not what is here.
 * One-time keys may have been given away since the backup, and none may be given twice: devices upload new ones.
 */
export function renewUser(sql: SqlStorage, now: number): void {
  const base = Math.max(now, (readMeta<number>(sql, 'own') ?? 0) + 1)
  writeMeta(sql, 'own', base)
  writeMeta(sql, 'first_epoch', base)
  dropHeads(sql)
  dropConnections(sql)
  claimAllKeys(sql)
}

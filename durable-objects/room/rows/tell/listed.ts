/** Whether the public directory lists the room. */
import { deleteMeta, readMeta, type SqlReader, writeMeta } from '../../../sqlite.ts'

const LISTED = 'listed'

export function isListed(sql: SqlReader): boolean {
  return readMeta(sql, LISTED) !== undefined
}

/** Notes whether the public directory lists the room. Writes one row if that has changed. */
export function noteListed(sql: SqlStorage, listed: boolean): void {
  if (isListed(sql) === listed) return
  if (listed) writeMeta(sql, LISTED, 1)
  else deleteMeta(sql, LISTED)
}

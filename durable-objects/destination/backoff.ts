/** How long a server that does not answer is left alone. It outlives the object's memory. */
import { deleteMeta, type ObjectStorage, readMeta, type SqlReader, writeMeta } from '../sqlite.ts'

const FIRST_MS = 30_000
const LAST_MS = 24 * 60 * 60 * 1000
/** Servers that lost the same connection must not all come back at the same moment. */
const JITTER = 0.2
const KEY = 'backoff'

export interface Backoff {
  /** In a row. */
  failures: number
  /** ms */
  until: number
}

export function readBackoff(sql: SqlReader): Backoff | undefined {
  const stored = readMeta<string>(sql, KEY)
  return stored === undefined ? undefined : (JSON.parse(stored) as Backoff)
}

/** @param chance from 0 to 1 */
export function restAfter(failures: number, chance: number, asked = 0): number {
  const rest = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20))
  return Math.round(Math.max(asked, rest * (1 - JITTER + 2 * JITTER * chance)))
}

export function writeBackoff(
  { sql, transactionSync }: Pick<ObjectStorage, 'sql' | 'transactionSync'>,
  backoff: Backoff | undefined,
): void {
  transactionSync(() => {
    if (backoff === undefined) deleteMeta(sql, KEY)
    else writeMeta(sql, KEY, JSON.stringify(backoff))
  })
}

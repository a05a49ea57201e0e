/** How the account as a whole stands: locked or suspended by an administrator, or closed by its user. */
import { useRefusal } from '../../../src/accounts/standing.ts'
import type { AccountStanding } from '../../../src/objects/user/session.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import { readMeta, writeMeta } from '../../sqlite.ts'

const KEY = 'standing'
const GOOD: AccountStanding = { locked: false, suspended: false, deactivated: false }

/** The standing now. */
export function readStanding(sql: SqlStorage): AccountStanding {
  const stored = readMeta<string>(sql, KEY)
  return stored === undefined ? GOOD : { ...GOOD, ...(JSON.parse(stored) as Partial<AccountStanding>) }
}

/** Changes the standing, inside the caller's transaction; nothing to archive where it was so before. */
export function writeStanding(
  sql: SqlStorage,
  change: Partial<AccountStanding>,
): Omit<UserLogEntry, 'seq'>[] {
  const before = readStanding(sql)
  const after = { ...before, ...change }
  const body = JSON.stringify(after)
  if (body === JSON.stringify(before)) return []
  writeMeta(sql, KEY, body)
  return [{ kind: KEY, key: '', body }]
}

/** @throws MatrixError M_USER_LOCKED or M_USER_DEACTIVATED */
export function requireUsable(standing: AccountStanding): void {
  const refusal = useRefusal(standing)
  if (refusal !== undefined) throw refusal
}

/** How the account as a whole stands: locked or suspended by an administrator, or closed by its user. */
import type { AccountStanding, UserLogEntry } from '../../src/ports.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { readMeta, writeMeta } from '../sqlite.ts'

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

/**
 * "Locked: 401 M_USER_LOCKED with soft_logout on every endpoint but logout"; the sessions live on.
 * @throws MatrixError M_USER_LOCKED or M_USER_DEACTIVATED
 */
export function requireUsable({ locked, deactivated }: AccountStanding): void {
  if (deactivated) throw new MatrixError('M_USER_DEACTIVATED', 'This account has been deactivated')
  if (!locked) return
  throw new MatrixError('M_USER_LOCKED', 'This account is locked', { extra: { soft_logout: true } })
}

/** What an account may not do because it is locked, suspended by an administrator, or closed by its user. */
import type { AccountStanding } from '../objects/user/session.ts'
import { MatrixError } from '../protocol/errors.ts'

/** "Locked: 401 M_USER_LOCKED with soft_logout on every endpoint but logout"; the sessions live on. */
const REFUSALS: Readonly<Record<keyof AccountStanding, () => MatrixError>> = {
  deactivated: () => new MatrixError('M_USER_DEACTIVATED', 'This account has been deactivated'),
  locked: () => new MatrixError('M_USER_LOCKED', 'This account is locked', { extra: { soft_logout: true } }),
  suspended: () => new MatrixError('M_USER_SUSPENDED', 'This account is suspended'),
}

/** Why the account may not be used at all; undefined if it may. */
export function useRefusal({ deactivated, locked }: AccountStanding): MatrixError | undefined {
  if (deactivated) return REFUSALS.deactivated()
  return locked ? REFUSALS.locked() : undefined
}

/** Why the account may not tell others anything; undefined if it may. */
export function writeRefusal(standing: AccountStanding): MatrixError | undefined {
  return useRefusal(standing) ?? (standing.suspended ? REFUSALS.suspended() : undefined)
}

/** The error for a suspended account where it would write. */
export const suspended = REFUSALS.suspended

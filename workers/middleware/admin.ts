/** Administrators of the server. */
import type { UserRequester } from '../../src/accounts/requester.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { localpartOf } from '../../src/protocol/identifiers.ts'
import type { AppContext, UserContext } from '../app-env.ts'
import { liveSession } from './access-token.ts'
import type { EndpointRow } from './endpoint-row.ts'

/** Whether the requester is an administrator. While the accounts are away, none is. */
export async function isAdmin(c: UserContext): Promise<boolean> {
  return hasAdminAccount(c, c.var.requester.userId).catch(() => false)
}

/** Lets administrators pass. It comes before any lookup, so that other users do not learn which users there are. */
export async function administrator(c: AppContext, row: EndpointRow): Promise<UserRequester> {
  const requester = await liveSession(c, row)
  if (await hasAdminAccount(c, requester.userId)) return requester
  throw new MatrixError('M_FORBIDDEN', 'Only administrators may do this')
}

async function hasAdminAccount(c: AppContext, userId: string): Promise<boolean> {
  return (await c.var.ports.accounts.find(localpartOf(userId)))?.admin === true
}

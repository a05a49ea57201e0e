/** Who administers the server. Everything here stands behind `accessToken`. */
import type { Context } from 'hono'
import { MatrixError } from '../../src/protocol/errors.ts'
import { localpartOf } from '../../src/protocol/identifiers.ts'
import type { AppEnv } from '../app-env.ts'
import { liveSession } from './access-token.ts'

/** Whether whoever asks is an administrator, as far as can be told: not while the accounts are away. */
export async function isAdmin(c: Context<AppEnv>): Promise<boolean> {
  return hasAdminAccount(c).catch(() => false)
}

/** Lets administrators pass: before anything else is looked up, so that nobody else learns which users there are. */
export async function administrator(c: Context<AppEnv>): Promise<void> {
  await liveSession(c)
  if (!(await hasAdminAccount(c))) throw new MatrixError('M_FORBIDDEN', 'That is for administrators')
}

async function hasAdminAccount(c: Context<AppEnv>): Promise<boolean> {
  const { ports, session } = c.var
  return (await ports.accounts.find(localpartOf(session.userId)))?.admin === true
}

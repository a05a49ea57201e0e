/** Requests that ask for the user's password once more: Client-Server API §User-Interactive Authentication API. */
import type { Context } from 'hono'
import { type Confirmed, confirmUser } from '../../src/accounts/reauthentication.ts'
import type { UiaSession } from '../../src/ports.ts'
import { localpartOf } from '../../src/protocol/identifiers.ts'
import type { AppEnv } from '../app-env.ts'
import { countAttempt } from '../middleware/rate-limit.ts'

/** The challenge to answer with, or undefined once the user has proved who they are. Stands behind `accessToken`. */
export async function challenge(c: Context<AppEnv>, request: Confirmed): Promise<Response | undefined> {
  const confirmed = await confirm(c, request)
  return confirmed instanceof Response ? confirmed : undefined
}

/** As `challenge`, but answers the finished session. */
export async function confirm(c: Context<AppEnv>, request: Confirmed): Promise<Response | UiaSession> {
  const { ports, session } = c.var
  if (request.auth !== undefined) await countAttempt(c, 'login', localpartOf(session.userId))
  const outcome = await confirmUser(ports, session, request)
  return outcome.done ? outcome.session : c.json(outcome.challenge, 401)
}

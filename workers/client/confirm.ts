/** Requests that ask for the user's password once more: Client-Server API §User-Interactive Authentication API. */
import type { Context } from 'hono'
import type { AuthData } from '../../src/accounts/interactive-auth.ts'
import { confirmUser } from '../../src/accounts/reauthentication.ts'
import type { JsonObject } from '../../src/protocol/canonical-json.ts'
import { localpartOf } from '../../src/protocol/identifiers.ts'
import type { AppEnv } from '../app-env.ts'
import { countAttempt } from '../middleware/rate-limit.ts'

/** The challenge to answer with, or undefined once the user has proved who they are. Stands behind `accessToken`. */
export async function challenge(
  c: Context<AppEnv>,
  request: { endpoint: string; body: JsonObject; auth: AuthData | undefined },
): Promise<Response | undefined> {
  const { ports, session } = c.var
  if (request.auth !== undefined) await countAttempt(c, 'login', localpartOf(session.userId))
  const outcome = await confirmUser(ports, session, request)
  return outcome.done ? undefined : c.json(outcome.challenge, 401)
}

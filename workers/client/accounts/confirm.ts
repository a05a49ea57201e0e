/** Requests that ask for the user's password once more: Client-Server API §User-Interactive Authentication API. */
import type { AuthOutcome } from '../../../src/accounts/interactive-auth.ts'
import { type Confirmed, confirmUser } from '../../../src/accounts/reauthentication.ts'
import type { UiaSession } from '../../../src/ports/sessions.ts'
import { localpartOf } from '../../../src/protocol/identifiers.ts'
import type { UserContext } from '../../app-env.ts'
import { guarded } from '../../middleware/guesses.ts'

/** The challenge to answer with, or undefined once the user has proved their identity. */
export async function challenge(c: UserContext, request: Confirmed): Promise<Response | undefined> {
  const confirmed = await confirm(c, request)
  return confirmed instanceof Response ? confirmed : undefined
}

/** As `challenge`, but answers the finished session. */
export async function confirm(c: UserContext, request: Confirmed): Promise<Response | UiaSession> {
  const { ports, requester } = c.var
  const attempt = () => confirmUser(ports, requester.session, request)
  const outcome =
    request.auth === undefined
      ? await attempt()
      : await guarded(c, { account: localpartOf(requester.userId), inSession: true }, attempt, isRefused)
  return outcome.done ? outcome.session : c.json(outcome.challenge, 401)
}

function isRefused(outcome: AuthOutcome): boolean {
  return !outcome.done && outcome.challenge.errcode === 'M_FORBIDDEN'
}

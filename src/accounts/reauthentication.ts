/** Interactive authentication within a session: the password, or another system's token, proves that its user is still there. */
import type { Session } from '../objects/user/session.ts'
import type { Ports } from '../ports/ports.ts'
import { MatrixError } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/events/canonical-json.ts'
import { localpartOf } from '../protocol/identifiers.ts'
import { type AuthData, type AuthOutcome, authenticate, type Stage } from './interactive-auth.ts'
import { verifyPassword } from './passwords.ts'
import { accountOfToken } from './tokens/sign-in.ts'
import { knownLocalpart } from './usernames.ts'

type AuthPorts = Pick<Ports, 'uia' | 'random' | 'accounts' | 'clock' | 'config' | 'keySets' | 'log'>

const PASSWORD = 'm.login.password'
/** For accounts of other systems, which have no password. */
const TOKEN = 'org.matrix.login.jwt'

/** What is to be confirmed. */
export interface Confirmed {
  endpoint: string
  /** The request's, without `auth` and without passwords. */
  body: JsonObject
  /** The new password that it sets. */
  password?: string
  auth: AuthData | undefined
}

/**
 * Takes the confirmation one step on.
 * @throws MatrixError M_FORBIDDEN if another user answers, which no second try would mend
 */
export async function confirmUser(
  ports: AuthPorts,
  { userId }: Session,
  request: Confirmed,
): Promise<AuthOutcome> {
  const named = request.auth && namedUser(request.auth)
  if (named !== undefined && knownLocalpart(named, ports.config.serverName) !== localpartOf(userId)) {
    throw new MatrixError('M_FORBIDDEN', 'Only the user who is logged in can confirm this')
  }
  const operation = {
    endpoint: `${request.endpoint} ${userId}`,
    body: request.body,
    ...(request.password !== undefined && { password: request.password }),
    flows: ports.config.tokenIssuers.length > 0 ? [[PASSWORD], [TOKEN]] : [[PASSWORD]],
    stages: { [PASSWORD]: passwordOf(userId, ports), [TOKEN]: tokenOf(userId, ports) },
  }
  return authenticate(ports, operation, request.auth)
}

/** The password of the logged-in user. */
function passwordOf(userId: string, { config, accounts }: AuthPorts): Stage {
  return async (auth) => {
    const { password } = auth
    if (typeof password !== 'string') throw new MatrixError('M_MISSING_PARAM', 'password is missing')
    const account = await accounts.find(localpartOf(userId))
    const isRight = await verifyPassword(password, account?.passwordHash ?? undefined, config)
    if (!isRight) throw new MatrixError('M_FORBIDDEN', 'Invalid user name or password')
    return {}
  }
}

/** A token of the logged-in user. */
function tokenOf(userId: string, ports: AuthPorts): Stage {
  return async ({ token }) => {
    if (typeof token !== 'string') throw new MatrixError('M_MISSING_PARAM', 'token is missing')
    const localpart = await accountOfToken(ports, token)
    if (localpart === localpartOf(userId)) return {}
    throw new MatrixError('M_FORBIDDEN', 'The token must be of the user who is logged in')
  }
}

/** `identifier`, or what it replaced in r0.4. */
function namedUser({ identifier, user }: AuthData): string | undefined {
  if (typeof identifier === 'object' && identifier !== null && 'user' in identifier) {
    return typeof identifier.user === 'string' ? identifier.user : ''
  }
  return typeof user === 'string' ? user : undefined
}

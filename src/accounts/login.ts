/** Login by password. */
import type { Ports } from '../ports/ports.ts'
import { MatrixError } from '../protocol/errors.ts'
import { userIdOf } from '../protocol/identifiers.ts'
import { verifyPassword } from './passwords.ts'
import { beginSession, type DeviceWishes, type SessionAnswer, type UserOf } from './sessions.ts'
import { knownLocalpart } from './usernames.ts'

type LoginPorts = Pick<Ports, 'config' | 'accounts' | 'random' | 'clock'>

/**
 * Begins a session by the password of `user`: a localpart, or a full id of this server.
 * @throws MatrixError M_FORBIDDEN: the same error, after the same work, for a wrong password, user or account
 */
export async function logInByPassword(
  ports: LoginPorts,
  userOf: UserOf,
  { user, password }: { user: string; password: string },
  wishes: DeviceWishes,
): Promise<SessionAnswer> {
  const { config, accounts } = ports
  // A user of another server is looked up like any other unknown one.
  const account = await accounts.find(knownLocalpart(user, config.serverName) ?? '')
  const hash = account?.deactivated === false ? account.passwordHash : null
  const isRight = await verifyPassword(password, hash ?? undefined, config)
  if (!isRight || account === undefined) throw new MatrixError('M_FORBIDDEN', 'Invalid user name or password')
  return beginSession(ports, userOf, userIdOf(account.localpart, config.serverName), wishes)
}

/** Registration with interactive authentication. */
import type { Session } from '../objects/user/session.ts'
import type { Config } from '../ports/config.ts'
import type { Ports } from '../ports/ports.ts'
import type { UiaSession } from '../ports/sessions.ts'
import { MatrixError } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/events/canonical-json.ts'
import { localpartOf, userIdOf } from '../protocol/identifiers.ts'
import { type AuthData, authenticate, type Challenge, passwordHashOf } from './interactive-auth.ts'
import { verifyPassword } from './passwords.ts'
import { beginSession, type DeviceWishes, type SessionAnswer, type UserOf } from './sessions.ts'
import { registrationStages } from './stages.ts'
import { newLocalpart } from './usernames.ts'

type RegistrationPorts = Pick<Ports, 'config' | 'accounts' | 'uia' | 'random' | 'clock'>

export interface RegistrationRequest {
  username?: string
  password?: string
  auth?: AuthData
  /** The guest that is to become this account. */
  guest?: Session
  /** The client wants no device and no token. */
  inhibitLogin: boolean
  device: DeviceWishes
}

export type RegistrationOutcome =
  | { done: true; answer: SessionAnswer | { user_id: string; home_server: string } }
  | { done: false; challenge: Challenge }

const FLOWS: Record<Exclude<Config['registration'], 'closed'>, string[][]> = {
  open: [['m.login.dummy']],
  token: [['m.login.registration_token']],
}

const RANDOM_LOCALPART_LENGTH = 12

/** Takes a registration one step on: to the account, or to what the client must prove first. */
export async function register(
  ports: RegistrationPorts,
  userOf: UserOf,
  request: RegistrationRequest,
): Promise<RegistrationOutcome> {
  const { config, random } = ports
  if (config.registration === 'closed')
    throw new MatrixError('M_FORBIDDEN', 'Registration is closed on this server')
  const { username, auth, guest } = request
  const guestName = guest && localpartOf(guest.userId)
  if (guestName !== undefined) requireSameName(username, guestName)
  else if (username !== undefined && auth === undefined) await checkAvailable(ports, userOf, username)
  const outcome = await authenticate(
    ports,
    {
      endpoint: 'POST /register',
      body: boundBody(request),
      ...(request.password !== undefined && { password: request.password }),
      flows: FLOWS[config.registration],
      stages: registrationStages,
      // Repeated requests of one session without a user name must mean one account.
      facts: { localpart: guestName ?? random.token(RANDOM_LOCALPART_LENGTH).toLowerCase() },
    },
    auth,
  )
  if (!outcome.done) return outcome
  const { session } = outcome
  const localpart = localpartFor(ports, request, session)
  // A request that is sent again, because its answer was lost, finds its session, which is good for this account alone.
  if (auth?.session !== undefined) {
    await ports.uia.put({ ...session, body: { username: localpart, ...session.body } })
  }
  await createAccount(ports, userOf, { request, session, localpart })
  // The guest's tokens would stay a guest's.
  if (guest !== undefined) await userOf(guest.userId).logoutAll(guest)
  return { done: true, answer: await answer(ports, userOf, localpart, request) }
}

/**
 * Whether a new user could have this name now.
 * @throws MatrixError M_INVALID_USERNAME or M_USER_IN_USE
 */
export async function checkAvailable(
  ports: Pick<Ports, 'config' | 'accounts'>,
  userOf: UserOf,
  username: string,
): Promise<void> {
  const localpart = newLocalpart(username, ports.config.serverName)
  if ((await ports.accounts.find(localpart)) !== undefined) throw nameTaken()
  if (await hasPast(ports, userOf, localpart)) throw nameTaken()
}

/** A guest keeps their user ID: it stands in rooms. */
function requireSameName(username: string | undefined, guestName: string): void {
  if (username === undefined || username === guestName) return
  throw new MatrixError('M_FORBIDDEN', 'username must be the name of the guest, or absent')
}

/** The answer once the account is there. */
export async function answer(
  ports: Pick<Ports, 'config' | 'random' | 'clock'>,
  userOf: UserOf,
  localpart: string,
  { inhibitLogin, device }: Pick<RegistrationRequest, 'inhibitLogin' | 'device'>,
): Promise<SessionAnswer | { user_id: string; home_server: string }> {
  const userId = userIdOf(localpart, ports.config.serverName)
  if (inhibitLogin) {
    await userOf(userId).beginProfile()
    return { user_id: userId, home_server: ports.config.serverName }
  }
  return beginSession(ports, userOf, userId, device)
}

export function nameTaken(): MatrixError {
  return new MatrixError('M_USER_IN_USE', 'The user name is taken')
}

/** The password is left out: the session holds its hash. */
function boundBody({ username, guest, inhibitLogin, device }: RegistrationRequest): JsonObject {
  return {
    ...(guest !== undefined && { guest: guest.userId }),
    ...(username !== undefined && { username }),
    ...(inhibitLogin && { inhibit_login: true }),
    ...(device.deviceId !== undefined && { device_id: device.deviceId }),
  }
}

function localpartFor(
  { config }: RegistrationPorts,
  request: RegistrationRequest,
  session: UiaSession,
): string {
  const username = request.username ?? session.body.username
  return typeof username === 'string' ? newLocalpart(username, config.serverName) : session.facts.localpart!
}

async function createAccount(
  ports: RegistrationPorts,
  userOf: UserOf,
  { request, session, localpart }: { request: RegistrationRequest; session: UiaSession; localpart: string },
): Promise<void> {
  const { accounts, clock } = ports
  const passwordHash = passwordHashOf(session)
  if (passwordHash === undefined) throw new MatrixError('M_MISSING_PARAM', 'password is missing')
  const account = {
    localpart,
    passwordHash,
    admin: false,
    deactivated: false,
    guest: false,
    createdTs: clock.now(),
    createdBySession: session.id,
  }
  const { registrationToken } = session.facts
  const upgrades = request.guest !== undefined
  const isUsed = !upgrades && (await hasPast(ports, userOf, localpart))
  const made = isUsed ? 'taken' : await accounts.create(account, { registrationToken, upgrades })
  if (made === 'created' || (await isRepetition(ports, localpart, session, request.password))) return
  if (made === 'taken') throw nameTaken()
  throw new MatrixError('M_FORBIDDEN', 'The registration token has been used up')
}

/** A name is never given out again, whatever the accounts say: rooms and keys behind it belong to somebody. */
export function hasPast(
  { config }: Pick<Ports, 'config'>,
  userOf: UserOf,
  localpart: string,
): Promise<boolean> {
  return userOf(userIdOf(localpart, config.serverName)).hasPast()
}

/**
 * A finished registration may be sent again in its session, because its answer was lost. It then means the same
 * account, if the request has the account's password.
 */
async function isRepetition(
  { accounts, config }: RegistrationPorts,
  localpart: string,
  session: UiaSession,
  password = '',
): Promise<boolean> {
  const account = await accounts.find(localpart)
  if (account?.createdBySession !== session.id) return false
  return verifyPassword(password, account.passwordHash ?? undefined, config)
}

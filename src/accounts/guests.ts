/** Guests: accounts without a password, good for as long as their one session. */
import type { Session } from '../objects/user/session.ts'
import type { Ports } from '../ports/ports.ts'
import { MatrixError } from '../protocol/errors.ts'
import { userIdOf } from '../protocol/identifiers.ts'
import { verifyAccessToken } from './access-token.ts'
import { beginSession, type DeviceWishes, type SessionAnswer, type UserOf } from './sessions.ts'

type GuestPorts = Pick<Ports, 'config' | 'accounts' | 'random' | 'clock'>

const LOCALPART_LENGTH = 16

/** Makes a guest, and begins their session. "The server will ignore any user name, password and device id." */
export async function registerGuest(
  ports: GuestPorts,
  userOf: UserOf,
  wishes: Pick<DeviceWishes, 'displayName' | 'address'>,
): Promise<SessionAnswer> {
  const { config, accounts, random, clock } = ports
  if (!config.guests) throw new MatrixError('M_FORBIDDEN', 'Guest access is disabled on this server')
  const localpart = `guest-${random.token(LOCALPART_LENGTH).toLowerCase()}`
  const made = await accounts.create({
    localpart,
    passwordHash: null,
    admin: false,
    deactivated: false,
    guest: true,
    createdTs: clock.now(),
    createdBySession: null,
  })
  if (made !== 'created')
    throw new MatrixError('M_UNKNOWN', 'No free name was found for the guest: try again', { status: 503 })
  const userId = userIdOf(localpart, config.serverName)
  return beginSession(ports, userOf, userId, { ...wishes, guest: true })
}

/**
 * The guest that a live session's token belongs to. Whoever holds the token may turn the guest into an account.
 * @throws MatrixError M_FORBIDDEN
 */
export async function guestOf(
  { config }: Pick<Ports, 'config'>,
  userOf: UserOf,
  token: string,
): Promise<Session> {
  const refused = () =>
    new MatrixError('M_FORBIDDEN', 'guest_access_token is not the token of a guest of this server')
  const session = await verifyAccessToken(token, config.tokenKeys, config.serverName)
  if (session?.guest !== true) throw refused()
  await userOf(session.userId)
    .checkSession(session)
    .catch((error: unknown) => {
      throw error instanceof MatrixError && error.status < 500 ? refused() : error
    })
  return session
}

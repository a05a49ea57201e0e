/** Registration by the operator's shared secret: the protocol of the tools made for Synapse. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Ports } from '../ports/ports.ts'
import { MatrixError } from '../protocol/errors.ts'
import { newPasswordHash } from './passwords.ts'
import { answer, hasPast, nameTaken } from './registration.ts'
import type { DeviceWishes, SessionAnswer, UserOf } from './sessions.ts'
import { newLocalpart } from './usernames.ts'

type SecretPorts = Pick<Ports, 'config' | 'accounts' | 'nonces' | 'random' | 'clock'>

export interface SecretRegistration {
  nonce: string
  username: string
  password: string
  admin: boolean
  userType?: string
  /** Hexadecimal HMAC-SHA1 of the rest under the shared secret. */
  mac: string
  inhibitLogin: boolean
  device: DeviceWishes
}

const NONCE_LENGTH = 40

/** A nonce for one registration within a minute. */
export async function issueNonce({ config, nonces, random }: SecretPorts): Promise<string> {
  sharedSecretOf(config)
  const nonce = random.token(NONCE_LENGTH)
  await nonces.put(nonce)
  return nonce
}

/** Makes the account, whatever the registration setting says. */
export async function registerBySecret(
  ports: SecretPorts,
  userOf: UserOf,
  request: SecretRegistration,
): Promise<SessionAnswer | { user_id: string; home_server: string }> {
  const { config, accounts, nonces, clock } = ports
  const secret = sharedSecretOf(config)
  if (!(await nonces.take(request.nonce)))
    throw new MatrixError('M_UNKNOWN', 'nonce is unknown or has been used: ask for a new one', {
      status: 400,
    })
  if (!isRightMac(request, secret))
    throw new MatrixError('M_FORBIDDEN', 'mac does not fit the request: check the shared secret')
  const localpart = newLocalpart(request.username, config.serverName)
  if (await hasPast(ports, userOf, localpart)) throw nameTaken()
  const made = await accounts.create({
    localpart,
    passwordHash: await newPasswordHash(request.password, ports),
    admin: request.admin,
    deactivated: false,
    guest: false,
    createdTs: clock.now(),
    createdBySession: null,
  })
  if (made !== 'created') throw nameTaken()
  return answer(ports, userOf, localpart, request)
}

function sharedSecretOf({ registrationSharedSecret: secret }: Ports['config']): string {
  if (secret !== undefined) return secret
  throw new MatrixError('M_UNKNOWN', 'Shared secret registration is not enabled', { status: 400 })
}

function isRightMac(request: SecretRegistration, secret: string): boolean {
  const parts = [request.nonce, request.username, request.password, request.admin ? 'admin' : 'notadmin']
  if (request.userType !== undefined) parts.push(request.userType)
  const expected = createHmac('sha1', secret).update(parts.join('\0')).digest()
  const given = Buffer.from(request.mac, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** Sign-in by a token of another system: the account that belongs to its subject, made now if need be, and a session. */
import type { Account } from '../../ports/accounts.ts'
import type { Ports } from '../../ports/ports.ts'
import { userIdOf } from '../../protocol/identifiers.ts'
import { hasPast } from '../registration.ts'
import { beginSession, type DeviceWishes, type SessionAnswer, type UserOf } from '../sessions.ts'
import { type CheckedToken, checkToken } from './check.ts'
import { TokenRefused } from './refused.ts'

type SignInPorts = Pick<Ports, 'config' | 'clock' | 'random' | 'accounts' | 'keySets' | 'log'>

/** What a client may say of its device here. Its session ends by itself, and goes on by another token alone. */
export type TokenWishes = Pick<DeviceWishes, 'deviceId' | 'displayName' | 'address'>

/**
 * Begins a session for the user that a token of another system names. A token that is refused has one line in the log,
 * without the token.
 * @throws MatrixError M_FORBIDDEN, the same one whatever is wrong; M_UNKNOWN with 503 while the keys cannot be had; what a
 * login by password throws for an account that is locked
 */
export async function signInByToken(
  ports: SignInPorts,
  userOf: UserOf,
  token: string,
  wishes: TokenWishes,
): Promise<SessionAnswer> {
  return logged(ports, async () => {
    const checked = await checkToken(ports, token)
    const localpart = await accountOf(ports, userOf, checked)
    const { issuer, profile } = checked
    return beginSession(ports, userOf, userIdOf(localpart, ports.config.serverName), {
      ...wishes,
      lifetimeMs: issuer.sessionMs,
      profile: { fields: profile, always: issuer.updateProfile },
    })
  })
}

/**
 * The localpart of the account that a token's subject has, for who must show once more that they are its user. No account
 * is made.
 * @throws MatrixError as `signInByToken`
 */
export async function accountOfToken(ports: Omit<SignInPorts, 'random'>, token: string): Promise<string> {
  return logged(ports, async () => {
    const { issuer, subject } = await checkToken(ports, token)
    const own = await ports.accounts.findBySubject({ issuer: issuer.issuer, subject })
    if (own === undefined) throw new TokenRefused('no account', issuer)
    return own.localpart
  })
}

async function logged<T>({ log }: Pick<SignInPorts, 'log'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof TokenRefused) {
      log.warn('a sign-in token was refused', { reason: error.fault, issuer: error.issuer })
    }
    throw error
  }
}

/** The localpart of the account that belongs to the token's subject. @throws TokenRefused */
async function accountOf(ports: SignInPorts, userOf: UserOf, checked: CheckedToken): Promise<string> {
  const { accounts } = ports
  const { issuer, localpart } = checked
  const subject = { issuer: issuer.issuer, subject: checked.subject }
  const own = await accounts.findBySubject(subject)
  if (own !== undefined) {
    if (own.deactivated) throw new TokenRefused('deactivated', issuer)
    return own.localpart
  }
  const named = await accounts.find(localpart)
  if (named === undefined) return newAccount(ports, userOf, checked)
  if (issuer.existingAccounts && mayBelong(named) && (await accounts.link(localpart, subject)))
    return localpart
  // Another request with the same subject may have made it meanwhile.
  return ownOrRefused(ports, checked)
}

/** Whoever holds the system's key could else become an administrator here. */
function mayBelong({ deactivated, guest, admin }: Account): boolean {
  return !deactivated && !guest && !admin
}

async function newAccount(ports: SignInPorts, userOf: UserOf, checked: CheckedToken): Promise<string> {
  const { accounts, clock } = ports
  const { issuer, localpart, subject } = checked
  if (!issuer.createAccounts) throw new TokenRefused('no account', issuer)
  if (await hasPast(ports, userOf, localpart)) return ownOrRefused(ports, checked)
  const account = {
    localpart,
    passwordHash: null,
    admin: false,
    deactivated: false,
    guest: false,
    createdTs: clock.now(),
    createdBySession: null,
  }
  const made = await accounts.create(account, { subject: { issuer: issuer.issuer, subject } })
  return made === 'created' ? localpart : ownOrRefused(ports, checked)
}

async function ownOrRefused({ accounts }: SignInPorts, { issuer, subject }: CheckedToken): Promise<string> {
  const own = await accounts.findBySubject({ issuer: issuer.issuer, subject })
  if (own === undefined || own.deactivated) throw new TokenRefused('another account', issuer)
  return own.localpart
}

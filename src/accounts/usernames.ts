/** What users are called: the names that people type, and the names that new users may have. */
import { MatrixError } from '../protocol/errors.ts'
import { isNewUserId, localpartOf, serverNameOf } from '../protocol/identifiers.ts'

/**
 * The localpart for a wished name.
 * @throws MatrixError M_INVALID_USERNAME
 */
export function newLocalpart(username: string, serverName: string): string {
  const localpart = lowerCase(username)
  if (isNewUserId(localpart, serverName)) return localpart
  throw new MatrixError(
    'M_INVALID_USERNAME',
    'A user name may only hold a-z, 0-9 and . _ = - / +, and a user ID at most 255 bytes',
  )
}

/** The localpart that a login means by a localpart or a full id; undefined: a user of another server. */
export function knownLocalpart(user: string, serverName: string): string | undefined {
  if (!user.startsWith('@')) return lowerCase(user)
  return serverNameOf(user) === serverName ? lowerCase(localpartOf(user)) : undefined
}

/** Capitals become small letters, as on other servers; ASCII alone, since U+212A would become a `k` as well. */
function lowerCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

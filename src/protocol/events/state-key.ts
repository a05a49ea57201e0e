/** The owner of a state key: Server-Server API §Authorization rules, and MSC3757. */
import { MatrixError } from '../errors.ts'
import { isUserId } from '../identifiers.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'

/**
 * The user that owns a state key starting with `@`. MSC3757: it is the user id with which the key begins, followed by
 * an underscore and more. Undefined if the key begins with no user id.
 */
export function stateKeyOwner(
  { ownedStateKeys }: Pick<RoomVersionRules, 'ownedStateKeys'>,
  stateKey: string,
): string | undefined {
  if (!ownedStateKeys) return stateKey
  // The localpart may have underscores, the server name has none.
  const suffix = stateKey.indexOf('_', stateKey.indexOf(':') + 1)
  const owner = suffix === -1 ? stateKey : stateKey.slice(0, suffix)
  return isUserId(owner) ? owner : undefined
}

/** @throws MatrixError M_BAD_JSON for a key that starts with `@` and that nobody could own */
export function requireOwner(rules: RoomVersionRules, stateKey: string | undefined): void {
  if (!stateKey?.startsWith('@') || stateKeyOwner(rules, stateKey) !== undefined) return
  throw new MatrixError(
    'M_BAD_JSON',
    'state_key starts with @: it must be a user id, or one followed by _ and more',
  )
}

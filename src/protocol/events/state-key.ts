/** The owner of a state key: Server-Server API §Authorization rules, and MSC3757. */
import { MatrixError } from '../errors.ts'
import { isUserId } from '../identifiers.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'

/**
 * The user who owns a state key that starts with `@`. MSC3757: that is the user id with which the key begins, and an
 * underscore parts it from what follows; undefined where it begins with none.
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

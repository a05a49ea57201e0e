/** Which users there are: asked of Postgres once, since a name that was given stays given. */
import type { Ports } from '../ports.ts'
import { MatrixError } from '../protocol/errors.ts'
import { localpartOf, serverNameOf } from '../protocol/identifiers.ts'

const known = new Set<string>()
const MAX_KNOWN = 10_000

/**
 * Passes a user of this server: an object for every name that somebody makes up would be kept for ever.
 * @throws MatrixError M_NOT_FOUND
 */
export async function requireKnownUser(
  { accounts, config }: Pick<Ports, 'accounts' | 'config'>,
  userId: string,
): Promise<void> {
  if (known.has(userId)) return
  const isLocal = serverNameOf(userId) === config.serverName
  if (!isLocal || (await accounts.find(localpartOf(userId))) === undefined) {
    throw new MatrixError('M_NOT_FOUND', 'There is no such user here')
  }
  if (known.size >= MAX_KNOWN) known.clear()
  known.add(userId)
}

/** Which users exist, as far as the accounts say. */
import { userCheck } from '../src/accounts/known-users.ts'
import type { OneByOne } from '../src/known-ids.ts'
import { patiently } from '../src/patience.ts'
import type { Ports } from '../src/ports/ports.ts'

/** How long a database that may hang is waited for, ms. What can go on without its answer then does. */
export const ASKED_MS = 2_000

/** Whether this user exists. While Postgres is away, the answer is yes for every name that a user here could have. */
export function usersIn({ accounts, config }: Pick<Ports, 'accounts' | 'config'>): OneByOne {
  return userCheck(config.serverName, (localparts) =>
    patiently(
      ASKED_MS,
      accounts.existing(localparts).catch(() => undefined),
    ),
  )
}

/** Which users exist: asked of Postgres once, since a name that was given stays given. */
import { knownIds, type OneByOne, together } from '../known-ids.ts'
import type { AccountStore } from '../ports/accounts.ts'
import { localpartOf, serverNameOf, userIdOf } from '../protocol/identifiers.ts'

const known = knownIds()

/** A user that this server surely has, such as the user of a token that we signed. */
export const rememberUser = (userId: string): void => known.add(userId)

/**
 * Whether a user of this server has an account. It is asked about names that come from outside: an object for every
 * name that somebody makes up would be kept for ever. Everything that is asked in one turn is one query.
 * @param existing those of these localparts that have an account; undefined while nobody can tell
 * @returns a function that answers at once for known users, and yes for everybody while nobody can tell
 */
export function userCheck(
  serverName: string,
  existing: (localparts: string[]) => Promise<string[] | undefined>,
): OneByOne {
  const ask = together(async (userIds) => {
    const found = await existing(userIds.map(localpartOf))
    return found === undefined ? userIds : found.map((localpart) => userIdOf(localpart, serverName))
  })
  return (userId) => {
    if (known.has(userId)) return true
    return serverNameOf(userId) === serverName && ask(userId)
  }
}

/** The same store, which remembers the users that it has found. */
export function rememberingAccounts(store: AccountStore, serverName: string): AccountStore {
  const remember = (localpart: string) => rememberUser(userIdOf(localpart, serverName))
  return {
    ...store,
    async create(account, options) {
      const outcome = await store.create(account, options)
      if (outcome !== 'token_spent') remember(account.localpart)
      return outcome
    },
    async find(localpart) {
      const account = await store.find(localpart)
      if (account !== undefined) remember(localpart)
      return account
    },
    async findBySubject(subject) {
      const account = await store.findBySubject(subject)
      if (account !== undefined) remember(account.localpart)
      return account
    },
    async existing(localparts) {
      const found = await store.existing(localparts)
      for (const localpart of found) remember(localpart)
      return found
    },
  }
}

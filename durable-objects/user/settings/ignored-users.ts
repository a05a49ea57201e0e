/** The users that this user ignores, as the account data says. */
import { IGNORED_USERS, ignoredIn } from '../../../src/protocol/rooms/ignored-users.ts'
import { findAccountData } from './account-data.ts'

/** The users whose messages and invites are kept from `userId`: as it stands now, so a change counts at once. */
export function ignoredUsers(sql: SqlStorage, userId: string): ReadonlySet<string> {
  return ignoredIn(findAccountData(sql, null, IGNORED_USERS), userId)
}

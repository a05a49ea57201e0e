/** Client-Server API §Ignoring Users: which events of ignored users a user does not see. */

import { MatrixError } from '../errors.ts'
import type { JsonObject } from '../events/canonical-json.ts'
import { objectField } from '../json-fields.ts'

export const IGNORED_USERS = 'm.ignored_user_list'

/** Each event that a user sees is held against these. */
const MAX_IGNORED = 1_000

/** Before a client's list is stored. @throws MatrixError M_INVALID_PARAM */
export function checkIgnored(content: JsonObject): void {
  const users = Object.keys(objectField(content.ignored_users) ?? {})
  if (users.length <= MAX_IGNORED) return
  throw new MatrixError('M_INVALID_PARAM', `ignored_users must not have more than ${MAX_IGNORED} entries`)
}

/** The users that the content of `m.ignored_user_list` names, except the user: nobody ignores themselves. */
export function ignoredIn(content: JsonObject | undefined, userId: string): ReadonlySet<string> {
  const users = Object.keys(objectField(content?.ignored_users) ?? {}).slice(0, MAX_IGNORED)
  return new Set(users.filter((other) => other !== userId))
}

/** "Servers must still send state events sent by ignored users to clients." */
export function isIgnored(
  ignored: ReadonlySet<string> | undefined,
  event: { sender: string; state_key?: string | null },
): boolean {
  return ignored !== undefined && event.state_key == null && ignored.has(event.sender)
}

/** Client-Server API §Ignoring Users: what of the ignored is kept from a user. */
import type { JsonObject } from './canonical-json.ts'
import { objectField } from './json-fields.ts'

export const IGNORED_USERS = 'm.ignored_user_list'

/** The users that the content of `m.ignored_user_list` names; nobody is kept from what they write themselves. */
export function ignoredIn(content: JsonObject | undefined, userId: string): ReadonlySet<string> {
  return new Set(Object.keys(objectField(content?.ignored_users) ?? {}).filter((other) => other !== userId))
}

/** "Servers must still send state events sent by ignored users to clients." */
export function isIgnored(
  ignored: ReadonlySet<string> | undefined,
  event: { sender: string; state_key?: string | null },
): boolean {
  return ignored !== undefined && event.state_key == null && ignored.has(event.sender)
}

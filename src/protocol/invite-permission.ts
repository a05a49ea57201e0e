/** Client-Server API §Invite permission (MSC4380), and the finer settings of MSC4155: whose invites a user wants. */
import type { JsonObject, JsonValue } from './canonical-json.ts'
import { matchesGlob } from './glob.ts'
import { serverNameOf } from './identifiers.ts'
import { objectField } from './json-fields.ts'

export type InvitePermission = 'allow' | 'ignore' | 'block'

export const INVITE_PERMISSION = 'm.invite_permission_config'
export const INVITE_FILTER = 'org.matrix.msc4155.invite_permission_config'

/** MSC4155: asked in this order; the first list that names the sender decides. */
const LISTS: readonly { key: string; of: 'user' | 'server'; permission: InvitePermission }[] = [
  { key: 'allowed_users', of: 'user', permission: 'allow' },
  { key: 'ignored_users', of: 'user', permission: 'ignore' },
  { key: 'blocked_users', of: 'user', permission: 'block' },
  { key: 'allowed_servers', of: 'server', permission: 'allow' },
  { key: 'ignored_servers', of: 'server', permission: 'ignore' },
  { key: 'blocked_servers', of: 'server', permission: 'block' },
]

/** What a user's settings say to an invite from `sender`. */
export function invitePermission(
  settings: { permission?: JsonObject; filter?: JsonObject },
  sender: string,
): InvitePermission {
  if (settings.permission?.default_action === 'block') return 'block'
  const filter = objectField(settings.filter)
  if (filter === undefined || filter.enabled === false) return 'allow'
  const names = { user: sender, server: serverNameOf(sender) }
  const first = LISTS.find(({ key, of }) =>
    patterns(filter[key]).some((glob) => matchesGlob(glob, names[of])),
  )
  return first?.permission ?? 'allow'
}

function patterns(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : []
}

/** Client-Server API §Invite permission (MSC4380), and the finer settings of MSC4155: the senders whose invites a user wants. */

import { MatrixError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../events/canonical-json.ts'
import { serverNameOf } from '../identifiers.ts'
import { objectField } from '../json-fields.ts'
import { matchesGlob } from '../matching/glob.ts'
import { MatchWork } from '../matching/match-work.ts'

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
  const work = new MatchWork()
  const first = LISTS.find(({ key, of }) =>
    patterns(filter[key]).some((glob) => matchesGlob(glob, names[of], work)),
  )
  return first?.permission ?? 'allow'
}

/** Globs in one list, and characters of one. */
const MAX_GLOBS = 500
const MAX_GLOB = 255

/** Before a client's lists are stored: every invite is held against them. @throws MatrixError M_INVALID_PARAM */
export function checkInviteFilter(content: JsonObject): void {
  for (const { key } of LISTS) {
    const globs = patterns(content[key])
    if (globs.length <= MAX_GLOBS && globs.every((glob) => glob.length <= MAX_GLOB)) continue
    throw new MatrixError(
      'M_INVALID_PARAM',
      `${key} must have at most ${MAX_GLOBS} entries of ${MAX_GLOB} characters`,
    )
  }
}

function patterns(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : []
}

/** Whose invites the user wants to have, and which of those that are there they are shown. */
import {
  INVITE_FILTER,
  INVITE_PERMISSION,
  type InvitePermission,
  invitePermission,
} from '../../src/protocol/invite-permission.ts'
import { findAccountData } from './account-data.ts'
import { ignoredUsers } from './ignored-users.ts'
import type { UserRoom } from './memberships.ts'

/** What the user's settings say to an invite from `sender`. */
export function permissionFor(sql: SqlStorage, sender: string): InvitePermission {
  const settings = {
    permission: findAccountData(sql, null, INVITE_PERMISSION),
    filter: findAccountData(sql, null, INVITE_FILTER),
  }
  return invitePermission(settings, sender)
}

/** "Invite events for this user already in the database … MUST NOT be served over client synchronisation endpoints." */
export function hidesInvite(sql: SqlStorage, userId: string, room: UserRoom): boolean {
  if (room.membership !== 'invite') return false
  const member = room.stripped.find((event) => event.type === 'm.room.member' && event.state_key === userId)
  const sender = member?.sender
  if (typeof sender !== 'string') return false
  return ignoredUsers(sql, userId).has(sender) || permissionFor(sql, sender) !== 'allow'
}

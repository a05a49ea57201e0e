/** Which invites the user's settings let in, and which stored invites the user is shown. */
import type { MembershipChange, OwnMembership } from '../../../src/objects/user/sync.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { serverNameOf } from '../../../src/protocol/identifiers.ts'
import { objectField, stringField } from '../../../src/protocol/json-fields.ts'
import { IGNORED_USERS } from '../../../src/protocol/rooms/ignored-users.ts'
import {
  INVITE_FILTER,
  INVITE_PERMISSION,
  type InvitePermission,
  invitePermission,
} from '../../../src/protocol/rooms/invite-permission.ts'
import { findAccountData } from '../settings/account-data.ts'
import { ignoredUsers } from '../settings/ignored-users.ts'
import type { Memberships, UserRoom } from './memberships.ts'

/** What the user's settings say to an invite from `sender`. */
export function permissionFor(sql: SqlStorage, sender: string): InvitePermission {
  const settings = {
    permission: findAccountData(sql, null, INVITE_PERMISSION),
    filter: findAccountData(sql, null, INVITE_FILTER),
  }
  return invitePermission(settings, sender)
}

/** The account data that decides which invites are shown. */
const DECIDING: ReadonlySet<string> = new Set([IGNORED_USERS, INVITE_PERMISSION, INVITE_FILTER])

/**
 * Does `change` to account data of a type. Invites that were hidden before it, and are not any more, become news. Call
 * it inside a transaction.
 */
export function showingInvites<T>(
  { sql, userId, memberships }: { sql: SqlStorage; userId: string; memberships: Memberships },
  type: string,
  { change, nextOwn }: { change: () => T; nextOwn: () => number },
): T {
  const rooms = DECIDING.has(type) ? [...memberships.all()] : []
  const hidden = rooms.filter((room) => hidesInvite(sql, userId, room))
  const changed = change()
  for (const room of hidden) if (!hidesInvite(sql, userId, room)) memberships.tellAgain(room, nextOwn())
  return changed
}

/** "Invite events for this user already in the database … MUST NOT be served over client synchronisation endpoints." */
export function hidesInvite(sql: SqlStorage, userId: string, room: UserRoom): boolean {
  if (room.membership !== 'invite') return false
  const sender = inviterOf(room, userId)
  if (sender === undefined) return false
  return ignoredUsers(sql, userId).has(sender) || permissionFor(sql, sender) !== 'allow'
}

/** Who sent the user an invite, as its stripped state tells. */
export function inviterOf(room: UserRoom, userId: string): string | undefined {
  const member = room.stripped.find((event) => event.type === 'm.room.member' && event.state_key === userId)
  return stringField(member?.sender)
}

/** What the stripped state of an invite tells of it. */
export function toldBy(room: UserRoom, userId: string): Pick<OwnMembership, 'inviter' | 'roomVersion'> {
  const inviter = inviterOf(room, userId)
  const create = room.stripped.find(({ type, state_key: key }) => type === 'm.room.create' && key === '')
  const roomVersion = stringField(objectField(create?.content)?.room_version)
  return { ...(inviter !== undefined && { inviter }), ...(roomVersion !== undefined && { roomVersion }) }
}

/** Invites of one server that a user keeps, with those that it took back, and open ones of all: each has up to 200 KB. */
const MOST_OF_A_SERVER = 100
const MOST_OF_ALL = 300

/**
 * Other servers fill the user's list with invites to rooms that nobody here knows.
 * @throws MatrixError M_LIMIT_EXCEEDED where the list has no place for another one
 */
export function checkPlaceForInvite(
  memberships: Memberships,
  userId: string,
  invite: MembershipChange,
): void {
  const server = serverNameOf(invite.sender)
  let [open, ofServer] = [0, 0]
  for (const room of memberships.all()) {
    if (!room.outside || room.roomId === invite.roomId) continue
    if (room.membership === 'invite') open += 1
    const sender = inviterOf(room, userId)
    if (sender !== undefined && serverNameOf(sender) === server) ofServer += 1
  }
  if (open < MOST_OF_ALL && ofServer < MOST_OF_A_SERVER) return
  throw new MatrixError('M_LIMIT_EXCEEDED', `${userId} has too many invites that wait for an answer`)
}

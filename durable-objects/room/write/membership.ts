/** Membership changes that local users ask for: the content of the member event, and when no event is needed. */
import type { MembershipRequest } from '../../../src/objects/room/send.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { checkMemberContent } from '../../../src/protocol/rooms/member-content.ts'
import type { Membership } from '../../../src/protocol/rooms/membership.ts'
import type { RoomReader, RoomWriter } from '../context.ts'
import { GUEST_KIND, requireGuestAccess } from './guests.ts'
import type { AllowedEvent, LocalEvent } from './local-event.ts'
import { append, authorise, unchangedState } from './pipeline.ts'
import { withVoucher } from './vouching.ts'

type Action = MembershipRequest['action']

interface ActionRule {
  membership: Membership
  /** Memberships of the target for which there is nothing to do. */
  already: readonly (Membership | null)[]
  /** Memberships the target must have; absent: the authorisation rules alone decide. */
  needs?: { memberships: readonly (Membership | null)[]; error: () => MatrixError }
}

const notInRoom = () => new MatrixError('M_FORBIDDEN', 'The user is not in the room')

const ACTIONS: Readonly<Record<Action, ActionRule>> = {
  join: { membership: 'join', already: ['join'] },
  invite: { membership: 'invite', already: ['invite'] },
  knock: { membership: 'knock', already: ['knock'] },
  leave: { membership: 'leave', already: [] },
  kick: {
    membership: 'leave',
    already: [],
    needs: { memberships: ['join', 'invite', 'knock'], error: notInRoom },
  },
  ban: { membership: 'ban', already: [] },
  unban: {
    membership: 'leave',
    already: [],
    needs: {
      memberships: ['ban'],
      error: () => new MatrixError('M_BAD_STATE', 'The user is not banned'),
    },
  },
}

/**
 * Changes a membership, inside the caller's transaction. Answers the event id, or undefined if nothing had to change.
 * The room's rules come first: only users that may change the membership are told what it is.
 * @throws MatrixError M_FORBIDDEN, M_BAD_STATE
 */
export function changeMembership(room: RoomWriter, request: MembershipRequest): string | undefined {
  const allowed = allowedChange(room, request)
  return allowed && append(room, allowed)
}

/** The event of a change that the room allows; undefined if nothing has to change. @throws MatrixError as above */
export function allowedChange(room: RoomReader, request: MembershipRequest): AllowedEvent | undefined {
  const { action, sender, target } = request
  const rule = ACTIONS[action]
  // Reads the rules first, so that a room that does not exist is M_NOT_FOUND, whatever is asked of it.
  void room.store.rules
  const current = room.store.member(target)?.membership ?? null
  // A user asks this only about themselves, so the answer tells nothing of others.
  if (action === 'leave' && current === 'leave') return undefined
  const content = memberContent(room, request, rule.membership, current)
  const { hasFloats } = request
  const event: LocalEvent = { sender, type: 'm.room.member', stateKey: target, content, hasFloats }
  const allowed = authorise(room, event)
  if (rule.needs !== undefined && !rule.needs.memberships.includes(current)) throw rule.needs.error()
  if (rule.already.includes(current) || unchangedState(room, event) !== undefined) return undefined
  if (action === 'join' && request.guest === true) requireGuestAccess(room)
  return allowed
}

function memberContent(
  room: RoomReader,
  request: MembershipRequest,
  membership: Membership,
  current: Membership | null,
): JsonObject {
  const content: JsonObject = { ...request.content, ...request.profile, membership }
  if (request.reason !== undefined) content.reason = request.reason
  if (request.action === 'join' && request.guest === true) content.kind = GUEST_KIND
  checkMemberContent(content)
  return withVoucher(room, content, { current, joinedAllowRooms: request.joinedAllowRooms })
}

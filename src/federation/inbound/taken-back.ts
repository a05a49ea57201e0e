/**
 * Invites that other servers take back. A room in which no user of this server is cannot judge the leave event. So the user's
 * own list does, by what it has of the invite.
 */
import type { MembershipChange, OwnMembership } from '../../objects/user/sync.ts'
import type { Ports } from '../../ports/ports.ts'
import { MatrixError } from '../../protocol/errors.ts'
import { canonicalJson, type JsonObject } from '../../protocol/events/canonical-json.ts'
import { clientEvent } from '../../protocol/events/event.ts'
import { isUserId, serverNameOf } from '../../protocol/identifiers.ts'
import { objectField, stringField } from '../../protocol/json-fields.ts'
import { roomVersion } from '../../protocol/rooms/room-version.ts'
import { checkPdus } from '../pdu-batch.ts'

export interface InvitedUser {
  membershipIn(roomId: string): Promise<OwnMembership | undefined>
  membershipChanged(change: MembershipChange): Promise<void>
}

interface Parts {
  ports: Pick<Ports, 'clock' | 'config' | 'keyRing'>
  /** Its calls throw M_NOT_FOUND where there is no such user. */
  user(userId: string): InvitedUser
}

/**
 * Ends an invite, if that is what the event does: it cites the invite, and its sender is the inviter. Whether another user
 * may remove anybody, only servers in the room know.
 *
 * @param event with exact numbers
 * @returns the event's id; undefined where the event is for the room to judge
 */
export async function takeBack(
  { ports, user }: Parts,
  roomId: string,
  event: JsonObject,
): Promise<string | undefined> {
  const target = removed(event)
  if (target === undefined || serverNameOf(target) !== ports.config.serverName) return undefined
  const own = await user(target).membershipIn(roomId).catch(whereUnknown)
  const rules = roomVersion(own?.roomVersion ?? '')
  if (own?.membership !== 'invite' || !own.outside || rules === undefined) return undefined
  const [verdict] = await checkPdus([canonicalJson(event, 'any')], rules, ports.keyRing, 1)
  if (verdict?.verdict !== 'good' || !verdict.pdu.auth_events.includes(own.eventId)) return undefined
  const { eventId, pdu } = verdict
  const { sender } = pdu
  if (sender !== own.inviter) return undefined
  await user(target).membershipChanged({
    roomId,
    pos: 0,
    outside: true,
    membership: 'leave',
    unchanged: false,
    eventId: own.eventId,
    sender,
    strippedState: [{ ...clientEvent(eventId, pdu), state_key: target }],
    at: ports.clock.now(),
  })
  return eventId
}

/** The user that an event removes from its room, if it does that. */
function removed({ type, sender, state_key: target, content }: JsonObject): string | undefined {
  const isLeave = type === 'm.room.member' && stringField(objectField(content)?.membership) === 'leave'
  return isLeave && typeof target === 'string' && isUserId(target) && target !== sender ? target : undefined
}

function whereUnknown(error: unknown): undefined {
  if (error instanceof MatrixError && error.errcode === 'M_NOT_FOUND') return undefined
  throw error
}

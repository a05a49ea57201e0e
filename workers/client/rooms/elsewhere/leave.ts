/** Refusing the invite to a room of other servers, or taking back a knock there. */
import { makeMember, sendMember } from '../../../../src/federation/membership/handshake.ts'
import { inTurn } from '../../../../src/federation/membership/in-turn.ts'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import { checkMemberContent } from '../../../../src/protocol/rooms/member-content.ts'
import type { UserContext } from '../../../app-env.ts'
import { type NamedRoom, placeOf } from './places.ts'

/** Characters of an event id without its sigil, from room version 3 on. */
const EVENT_ID_LENGTH = 43

/**
 * Answers whether the room was left so; if not, its Room is asked. The invite goes away for the user whatever other servers
 * say: nobody can be made to keep one.
 */
export async function leaveElsewhere(
  c: UserContext,
  named: NamedRoom,
  reason: string | undefined,
): Promise<boolean> {
  const { objects, ports, requester } = c.var
  if (!objects.servers.federates) return false
  const { userId } = requester
  const user = objects.user(userId)
  const own = await user.membershipIn(named.roomId)
  if (own?.membership === 'leave' && own.outside) return true
  if (own?.membership !== 'invite' && own?.membership !== 'knock') return false
  const place = await placeOf(c, named)
  if (!place.isElsewhere) return false
  const content = reason === undefined ? {} : { reason }
  checkMemberContent(content)
  const asked = { roomId: named.roomId, userId, membership: 'leave' } as const
  const sent = await inTurn(place.servers, ports.clock, async (server) => {
    const made = await makeMember(ports, server, asked, content)
    await sendMember(ports, server, asked, made)
    return made.event.eventId
  }).catch((error: unknown) => {
    if (error instanceof MatrixError) return undefined
    throw error
  })
  const at = ports.clock.now()
  // Where no server takes the leave, the event is the user's alone: their clients are told by it.
  const eventId = sent ?? `$${ports.random.token(EVENT_ID_LENGTH)}`
  const leaveEvent = {
    event_id: eventId,
    type: 'm.room.member',
    state_key: userId,
    sender: userId,
    content: { ...content, membership: 'leave' },
    origin_server_ts: at,
  }
  await user.membershipChanged({
    roomId: named.roomId,
    pos: 0,
    outside: true,
    membership: 'leave',
    unchanged: false,
    eventId: '',
    sender: userId,
    strippedState: [leaveEvent],
    at,
  })
  return true
}

/** The user's own list forgets a room that another server told of last. The Room forgets what it has from before. */
export async function forget(c: UserContext, roomId: string): Promise<void> {
  const { objects, ports, requester } = c.var
  const { userId } = requester
  const user = objects.user(userId)
  const own = objects.servers.federates ? await user.membershipIn(roomId) : undefined
  if (own?.membership !== 'leave' || !own.outside) return objects.room(roomId).forget(userId)
  await user.membershipChanged({
    roomId,
    pos: 0,
    outside: true,
    membership: 'leave',
    unchanged: true,
    eventId: own.eventId,
    sender: userId,
    forgotten: true,
    at: ports.clock.now(),
  })
  await objects.room(roomId).forget(userId).catch(whereUnknown)
}

function whereUnknown(error: unknown): void {
  if (!(error instanceof MatrixError && error.errcode === 'M_NOT_FOUND')) throw error
}

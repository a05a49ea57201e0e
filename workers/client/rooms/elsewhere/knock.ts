/** Knocking at a room of other servers. No Room is made of it: the user's own list has the knock. */
import { knockedState, makeMember, sendMember } from '../../../../src/federation/membership/handshake.ts'
import { inTurn } from '../../../../src/federation/membership/in-turn.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { strippedEvent } from '../../../../src/protocol/events/event.ts'
import { checkMemberContent } from '../../../../src/protocol/rooms/member-content.ts'
import type { UserContext } from '../../../app-env.ts'
import type { NamedRoom } from './places.ts'

/** @throws MatrixError the most telling refusal */
export async function knockElsewhere(
  c: UserContext,
  { roomId, servers }: NamedRoom,
  content: JsonObject,
): Promise<void> {
  const { objects, ports, requester } = c.var
  const { userId } = requester
  checkMemberContent(content)
  const asked = { roomId, userId, membership: 'knock' } as const
  const { event, state } = await inTurn(servers, ports.clock, async (server) => {
    const made = await makeMember(ports, server, asked, content)
    return { event: made.event, state: knockedState(await sendMember(ports, server, asked, made)) }
  })
  const own = strippedEvent(event.pdu)
  const others = state.filter(({ type, state_key: key }) => type !== own.type || key !== userId)
  await objects.user(userId).membershipChanged({
    roomId,
    pos: 0,
    outside: true,
    membership: 'knock',
    unchanged: false,
    eventId: event.eventId,
    sender: userId,
    strippedState: [...others, own],
    at: ports.clock.now(),
  })
}

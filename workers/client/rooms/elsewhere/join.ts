/** Joining a room of other servers: one of them gives its state, of which the Room is made here. */
import { makeMember, sendMember } from '../../../../src/federation/membership/handshake.ts'
import { inTurn } from '../../../../src/federation/membership/in-turn.ts'
import {
  type JoinedState,
  joinAnswer,
  readJoinedState,
} from '../../../../src/federation/membership/joined-state.ts'
import type { ReceivedEvent } from '../../../../src/objects/room/federation.ts'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { checkMemberContent } from '../../../../src/protocol/rooms/member-content.ts'
import type { UserContext } from '../../../app-env.ts'
import type { NamedRoom } from './places.ts'

/**
 * Answers when the user's own list of rooms has the room.
 * @param content of the member event, as far as it is the user's own
 * @throws MatrixError the most telling refusal
 */
export async function joinElsewhere(
  c: UserContext,
  { roomId, servers }: NamedRoom,
  content: JsonObject,
): Promise<void> {
  const { ports, requester } = c.var
  // Only the room's own state says whether guests may come in, and no other server checks that.
  if (requester.kind === 'guest') {
    throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests may join rooms of this server alone')
  }
  checkMemberContent(content)
  const asked = { roomId, userId: requester.userId, membership: 'join' } as const
  await inTurn(servers, ports.clock, async (server) => {
    const { event, rules, isVouchedFor } = await makeMember(ports, server, asked, content)
    const parts = joinAnswer()
    await sendMember(ports, server, asked, { event, take: (chunk) => parts.add(chunk) })
    const joining = { roomId, rules, join: event, isVouchedFor }
    await handOver(c, roomId, rules.version, await readJoinedState(parts, joining, ports.keyRing))
  })
}

/** Hands what was answered to the Room in parts. Only the last one makes it. */
async function handOver(
  c: UserContext,
  roomId: string,
  roomVersion: string,
  { events, stateIds, join }: JoinedState,
): Promise<void> {
  const room = c.var.objects.newRoom(roomId)
  let last: ReceivedEvent[] = []
  for (const part of events.parts()) {
    if (last.length > 0) await room.joinRemote({ roomVersion, events: last })
    last = part
  }
  await room.joinRemote({ roomVersion, events: last, finish: { join, stateIds } })
}

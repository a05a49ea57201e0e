/** What a server is told whose user has joined: the room as it was before, and who takes part. Server-Server API §PUT /send_join. */
import { type AppContext, portsIn } from '../app-env.ts'
import type { Admission } from './admitted.ts'
import { pduAnswer, pdusOf } from './pdu-answer.ts'

interface JoinAnswer extends Admission {
  origin: string
  /** "Indicates whether the calling server can accept a reduced response". */
  omitMembers: boolean
}

export async function joinAnswer(
  c: AppContext,
  { origin, room, event, servers, omitMembers }: JoinAnswer,
): Promise<Response> {
  const { sender } = JSON.parse(event.json) as { sender: string }
  const { pduIds, authChainIds } = await room.stateIds({
    origin,
    eventId: event.eventId,
    ...(omitMembers && { forJoiner: sender }),
  })
  return pduAnswer({
    lists: { state: pdusOf(room, origin, pduIds), auth_chain: pdusOf(room, origin, authChainIds) },
    texts: { event: event.json },
    more: {
      origin: portsIn(c).config.serverName,
      members_omitted: omitMembers,
      ...(omitMembers && { servers_in_room: servers }),
    },
  })
}

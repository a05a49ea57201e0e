/** What a server is told whose user has joined: the room as it was before, and who takes part. Server-Server API §PUT /send_join. */
import { type AppContext, portsIn } from '../app-env.ts'
import type { Admission } from './admitted.ts'
import { pduAnswer, pdusOf } from './pdu-answer.ts'

interface JoinAnswer extends Admission {
  origin: string
  /** "Indicates whether the calling server can accept a reduced response". */
  omitMembers: boolean
  /** See `pduAnswer`. */
  inList?: boolean
}

export async function joinAnswer(
  c: AppContext,
  { origin, room, event, servers, omitMembers, inList }: JoinAnswer,
): Promise<Response> {
  const { sender } = JSON.parse(event.json) as { sender: string }
  const { pduIds, authChainIds } = await room.stateIds({
    origin,
    eventId: event.eventId,
    ...(omitMembers && { forJoiner: sender }),
  })
  const told = new Set(omitMembers ? pduIds : [])
  const chain = authChainIds.filter((eventId) => !told.has(eventId))
  return pduAnswer({
    lists: { state: pdusOf(room, origin, pduIds), auth_chain: pdusOf(room, origin, chain) },
    texts: { event: event.json },
    more: {
      origin: portsIn(c).config.serverName,
      members_omitted: omitMembers,
      ...(omitMembers && { servers_in_room: servers }),
    },
    inList,
  })
}

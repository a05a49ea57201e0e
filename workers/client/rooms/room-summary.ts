/** A look at a room from outside: Client-Server API §Room summaries, and its name before that (MSC3266). */
import { Hono } from 'hono'
import * as z from 'zod'
import type { RoomSummary } from '../../../src/objects/room/summary.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { AppContext, AppEnv, PossibleUserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { RoomAlias, RoomId, roomOfAlias } from '../params.ts'
import { summariesFor } from './room-access.ts'

const OneRoom = z.object({ room: z.union([RoomId, RoomAlias]) })

export const roomSummary = new Hono<AppEnv>()

roomSummary.get(
  '/room_summary/:room',
  endpoint({ auth: 'optional', guests: true, suspended: true, limit: 'read', param: OneRoom }),
  async (c) => c.json(await summary(c, c.req.valid('param').room)),
)

export const unstableRoomSummary = new Hono<AppEnv>()

for (const path of ['/im.nheko.summary/summary/:room', '/im.nheko.summary/rooms/:room/summary']) {
  unstableRoomSummary.get(
    path,
    endpoint({ auth: 'optional', guests: true, suspended: true, limit: 'read', param: OneRoom }),
    async (c) => {
      const answer: RoomSummary = await summary(c, c.req.valid('param').room)
      return c.json({
        ...answer,
        'im.nheko.summary.room_version': answer.room_version,
        'im.nheko.summary.encryption': answer.encryption,
      })
    },
  )
}

/** A room that the caller may not know of is not found, like a room that does not exist. */
async function summary(c: PossibleUserContext, roomIdOrAlias: string) {
  const roomId = roomIdOrAlias.startsWith('#') ? (await roomOfAlias(c, roomIdOrAlias)).roomId : roomIdOrAlias
  const isKnown = c.var.requester !== undefined || (await isArchived(c, roomId))
  const answer = isKnown ? await summariesFor(c)(roomId) : undefined
  if (answer === undefined) throw new MatrixError('M_NOT_FOUND', 'Room not found')
  return answer.membership === null ? answer.summary : { ...answer.summary, membership: answer.membership }
}

/** Asking a Room object makes it, so names that somebody without an account made up must not be asked. */
async function isArchived(c: AppContext, roomId: string): Promise<boolean> {
  return (await c.var.ports.directory.isListed(roomId)) !== undefined
}

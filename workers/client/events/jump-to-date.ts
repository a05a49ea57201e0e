/** Client-Server API §GET /rooms/{roomId}/timestamp_to_event. */
import { Hono } from 'hono'
import * as z from 'zod'
import { jumpTo } from '../../../src/federation/inbound/jump.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { Count, InRoom } from '../params.ts'

const Moment = z.object({ ts: Count, dir: z.enum(['f', 'b']) })

export const jumpToDate = new Hono<AppEnv>()

jumpToDate.get(
  '/rooms/:roomId/timestamp_to_event',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read', param: InRoom, query: Moment }),
  async (c) => {
    const { roomId } = c.req.valid('param')
    const moment = c.req.valid('query')
    const { objects, ports, requester } = c.var
    const room = objects.room(roomId)
    const ask = () => room.eventAtTime({ viewer: requester.userId, ...moment })
    if (!ports.config.federation.on) return c.json(await ask())
    const look = async () => {
      try {
        const { event_id: eventId, origin_server_ts: at } = await ask()
        return { eventId, at }
      } catch (error) {
        if (error instanceof MatrixError && error.errcode === 'M_NOT_FOUND') return undefined
        throw error
      }
    }
    const found = await jumpTo(ports, room, { roomId, ...moment, look })
    if (found === undefined)
      throw new MatrixError('M_NOT_FOUND', 'There is no event in that direction from `ts`')
    return c.json({ event_id: found.eventId, origin_server_ts: found.at })
  },
)

/** Client-Server API §GET /rooms/{roomId}/timestamp_to_event. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { Count, InRoom } from '../params.ts'

const Moment = z.object({ ts: Count, dir: z.enum(['f', 'b']) })

export const jumpToDate = new Hono<AppEnv>()

jumpToDate.get(
  '/rooms/:roomId/timestamp_to_event',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read', param: InRoom, query: Moment }),
  async (c) => {
    const room = c.var.objects.room(c.req.valid('param').roomId)
    return c.json(await room.eventAtTime({ viewer: c.var.requester.userId, ...c.req.valid('query') }))
  },
)

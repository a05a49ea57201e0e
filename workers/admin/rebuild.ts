/** `/_selvedge/admin/rebuild`: makes a room's or a user's object again from the archive, and the index of media from R2. */
import { Hono } from 'hono'
import * as z from 'zod'
import { indexAgain } from '../../src/media/index-again.ts'
import type { AppEnv } from '../app-env.ts'
import { InRoom, UserId } from '../client/params.ts'
import { endpoint } from '../middleware/endpoint.ts'

/** Below `/_selvedge/admin`. */
export const rebuild = new Hono<AppEnv>()

rebuild.post(
  '/rebuild/room/:roomId',
  endpoint({ auth: 'operator', limit: 'free', param: InRoom }),
  async (c) => {
    const { roomId } = c.req.valid('param')
    return c.json({ events: await c.var.objects.room(roomId).rebuild(roomId) })
  },
)

rebuild.post(
  '/rebuild/user/:userId',
  endpoint({ auth: 'operator', limit: 'free', param: z.object({ userId: UserId }) }),
  async (c) => {
    const { userId } = c.req.valid('param')
    c.var.objects.servers.requireReachable(userId)
    return c.json({ records: await c.var.objects.user(userId).rebuild() })
  },
)

rebuild.post(
  '/rebuild/media',
  endpoint({ auth: 'operator', limit: 'free', query: z.object({ after: z.string().min(1).optional() }) }),
  async (c) => c.json(await indexAgain(c.var.ports, c.req.valid('query').after)),
)

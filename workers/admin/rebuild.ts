/** `/_selvedge/admin/rebuild`: makes a room's or a user's object again from the archive, and the index of media from R2. */
import { Hono } from 'hono'
import * as z from 'zod'
import { askNewest } from '../../src/federation/inbound/newest.ts'
import { indexAgain } from '../../src/media/index-again.ts'
import type { AppEnv } from '../app-env.ts'
import { InRoom, UserId } from '../client/params.ts'
import { endpoint } from '../middleware/endpoint.ts'

const PAGE = 100
const Page = z.object({
  after: z.string().max(255).default(''),
  limit: z.coerce.number().pipe(z.int().min(1).max(PAGE)).default(PAGE),
})

/** Below `/_selvedge/admin`. */
export const rebuild = new Hono<AppEnv>()

/** How much there is to do for an operator that has lost all objects. */
rebuild.get('/rebuild', endpoint({ auth: 'operator', limit: 'free' }), async (c) =>
  c.json(await c.var.ports.archiveReader.sizes()),
)

rebuild.get('/rebuild/rooms', endpoint({ auth: 'operator', limit: 'free', query: Page }), async (c) => {
  const { after, limit } = c.req.valid('query')
  const rooms = await c.var.ports.archiveReader.rooms(after, limit)
  const next = rooms.length === limit ? rooms.at(-1) : undefined
  return c.json({ rooms, ...(next !== undefined && { next }) })
})

rebuild.post(
  '/rebuild/room/:roomId',
  endpoint({ auth: 'operator', limit: 'free', param: InRoom }),
  async (c) => {
    const { roomId } = c.req.valid('param')
    const room = c.var.objects.room(roomId)
    const events = await room.rebuild(roomId)
    // What came after the archive's last word is with the servers that share the room.
    if (c.var.ports.config.federation.on) await askNewest(c.var.ports, room, roomId)
    return c.json({ events })
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

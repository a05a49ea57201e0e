/** What relates to an event, and a room's threads: Client-Server API §Forming relationships between events. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { EventId, EventType, Flag, InRoom } from '../params.ts'
import { ignoredBy, limitOf, position } from './reading.ts'

const DEFAULT_LIMIT = 20

const PATHS = [
  '/rooms/:roomId/relations/:eventId',
  '/rooms/:roomId/relations/:eventId/:relType',
  '/rooms/:roomId/relations/:eventId/:relType/:eventType',
]

const OfEvent = InRoom.extend({
  eventId: EventId,
  relType: z.string().min(1).optional(),
  eventType: EventType.optional(),
})

const Direction = z.enum(['b', 'f'])

const ChildrenQuery = z.object({
  dir: Direction.optional(),
  'org.matrix.msc3715.dir': Direction.optional(),
  from: z.string().min(1).optional(),
  to: z.string().min(1).optional(),
  limit: limitOf(DEFAULT_LIMIT),
  recurse: Flag.optional(),
  'org.matrix.msc3981.recurse': Flag.optional(),
})

const ThreadsQuery = z.object({
  include: z.enum(['all', 'participated']).default('all'),
  from: z.string().min(1).optional(),
  limit: limitOf(DEFAULT_LIMIT).pipe(z.int().positive()),
})

export const relations = new Hono<AppEnv>()

for (const path of PATHS) {
  relations.get(
    path,
    endpoint({
      auth: 'device',
      guests: true,
      suspended: true,
      limit: 'read',
      param: OfEvent,
      query: ChildrenQuery,
    }),
    async (c) => {
      const { roomId, ...place } = c.req.valid('param')
      const { limit, ...query } = c.req.valid('query')
      const dir = query.dir ?? query['org.matrix.msc3715.dir'] ?? 'b'
      const recurse = query.recurse ?? query['org.matrix.msc3981.recurse'] ?? false
      const places = [position(c, roomId, query.from), position(c, roomId, query.to)]
      const [ignored, from, to] = await Promise.all([ignoredBy(c), ...places])
      const room = c.var.objects.room(roomId)
      const { session: viewer } = c.var.requester
      return c.json(await room.children({ viewer, ...place, dir, from, to, limit, recurse, ignored }))
    },
  )
}

relations.get(
  '/rooms/:roomId/threads',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: true,
    limit: 'read',
    param: InRoom,
    query: ThreadsQuery,
  }),
  async (c) => {
    const { roomId } = c.req.valid('param')
    const { include, limit, ...query } = c.req.valid('query')
    const [ignored, from] = await Promise.all([ignoredBy(c), position(c, roomId, query.from)])
    const room = c.var.objects.room(roomId)
    return c.json(await room.threads({ viewer: c.var.requester.session, include, from, limit, ignored }))
  },
)

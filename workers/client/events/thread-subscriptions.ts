/** MSC4306: following threads, below `/_matrix/client/unstable/io.element.msc4306`; MSC4308: what was followed when. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { Count, EventId, RoomId } from '../params.ts'

const PATH = '/rooms/:roomId/thread/:rootId/subscription'
const Thread = z.object({ roomId: RoomId, rootId: EventId })
const Body = z.object({ automatic: EventId.optional() })

export const threadSubscriptions = new Hono<AppEnv>()

threadSubscriptions.get(
  PATH,
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read', param: Thread }),
  async (c) => {
    const { objects, requester } = c.var
    const thread = c.req.valid('param')
    await objects.room(thread.roomId).threadPlace(requester.userId, thread.rootId)
    return c.json(await objects.user(requester.userId).threadSubscription(requester.session, thread))
  },
)

threadSubscriptions.put(
  PATH,
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'write', param: Thread, json: Body }),
  async (c) => {
    const { objects, requester } = c.var
    const thread = c.req.valid('param')
    const { automatic } = c.req.valid('json')
    const place = await objects.room(thread.roomId).threadPlace(requester.userId, thread.rootId, automatic)
    await objects.user(requester.userId).followThread(requester.session, thread, place)
    return c.json({})
  },
)

threadSubscriptions.delete(
  PATH,
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'write', param: Thread }),
  async (c) => {
    const { objects, requester } = c.var
    const thread = c.req.valid('param')
    const place = await objects.room(thread.roomId).threadPlace(requester.userId, thread.rootId)
    await objects.user(requester.userId).leaveThread(requester.session, thread, place)
    return c.json({})
  },
)

const DEFAULT_CHANGES = 100
const Page = z.object({
  dir: z.literal('b'),
  from: z.string().max(1_000).optional(),
  to: z.string().max(10_000).optional(),
  limit: Count.refine((limit) => limit > 0, 'must be positive').default(DEFAULT_CHANGES),
})

/** Below `/_matrix/client/unstable/io.element.msc4308`. */
export const threadChanges = new Hono<AppEnv>()

threadChanges.get(
  '/thread_subscriptions',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read', query: Page }),
  async (c) => {
    const { objects, requester } = c.var
    const { from, to, limit } = c.req.valid('query')
    return c.json(await objects.user(requester.userId).threadChanges(requester.session, { from, to, limit }))
  },
)

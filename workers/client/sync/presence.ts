/** Client-Server API §Presence: the user's own, and that of people in the same rooms. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { requireSelf, UserId } from '../params.ts'

const OfUser = z.object({ userId: UserId })

/** Each change is told to all users that share a room. */
const MAX_STATUS_LENGTH = 1024

const Status = z.object({
  presence: z.enum(['online', 'offline', 'unavailable']),
  status_msg: z.string().max(MAX_STATUS_LENGTH).nullish(),
})

export const presence = new Hono<AppEnv>()

presence.get(
  '/presence/:userId/status',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read', param: OfUser }),
  async (c) => {
    const { objects, requester } = c.var
    const { userId } = c.req.valid('param')
    const rooms =
      userId === requester.userId ? [] : await objects.user(requester.userId).joinedRooms(requester.session)
    return c.json(await objects.user(userId).presence(requester.userId, rooms))
  },
)

presence.put(
  '/presence/:userId/status',
  endpoint({ auth: 'claims', guests: false, suspended: false, limit: 'write', param: OfUser, json: Status }),
  async (c) => {
    const { objects, requester } = c.var
    const { userId } = c.req.valid('param')
    const body = c.req.valid('json')
    requireSelf(requester, userId)
    await objects.user(userId).setPresence(requester.session, body.presence, body.status_msg ?? undefined)
    return c.json({})
  },
)

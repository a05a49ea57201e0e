/** Client-Server API §Typing Notifications. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { InRoom, requireSelf, UserId } from '../params.ts'

const DEFAULT_TIMEOUT_MS = 20_000

const Typing = z.object({ typing: z.boolean(), timeout: z.int().min(0).default(DEFAULT_TIMEOUT_MS) })

export const typing = new Hono<AppEnv>()

typing.put(
  '/rooms/:roomId/typing/:userId',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: false,
    limit: 'write',
    param: InRoom.extend({ userId: UserId }),
    json: Typing,
  }),
  async (c) => {
    const { roomId, userId } = c.req.valid('param')
    const body = c.req.valid('json')
    requireSelf(c.var.requester, userId)
    await c.var.objects.room(roomId).setTyping(userId, body.typing, body.timeout)
    return c.json({})
  },
)

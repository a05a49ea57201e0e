/** Client-Server API §Room Tagging. */
import { Hono } from 'hono'
import * as z from 'zod'
import { fitsBytes, MAX_ID_BYTES } from '../../../src/protocol/identifiers.ts'
import { asGiven } from '../../../src/protocol/json-schemas.ts'
import type { AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { jsonObject } from '../../middleware/validate.ts'
import { RoomId, requireSelf, UserId } from '../params.ts'

const Room = z.object({ userId: UserId, roomId: RoomId })
/** "The tag … MUST NOT exceed 255 bytes." */
const Tag = Room.extend({
  tag: z
    .string()
    .min(1)
    .refine((tag) => fitsBytes(tag, MAX_ID_BYTES), 'too long'),
})
const Order = asGiven(z.object({ order: z.number().min(0).max(1).optional() }), jsonObject)

const PATH = '/user/:userId/rooms/:roomId/tags'

export const tags = new Hono<AppEnv>()

tags.get(
  PATH,
  endpoint({ auth: 'claims', guests: false, suspended: true, limit: 'read', param: Room }),
  async (c) => {
    const { objects, requester } = c.var
    const { userId, roomId } = c.req.valid('param')
    requireSelf(requester, userId)
    return c.json({ tags: await objects.user(userId).tags(requester.session, roomId) })
  },
)

tags.put(
  `${PATH}/:tag`,
  endpoint({
    auth: 'claims',
    guests: false,
    suspended: true,
    limit: 'write',
    param: Tag,
    json: Order,
    bodyOptional: true,
  }),
  async (c) => {
    const { objects, requester } = c.var
    const { userId, roomId, tag } = c.req.valid('param')
    requireSelf(requester, userId)
    await objects.user(userId).setTag(requester.session, roomId, tag, c.req.valid('json'))
    return c.json({})
  },
)

tags.delete(
  `${PATH}/:tag`,
  endpoint({ auth: 'claims', guests: false, suspended: true, limit: 'write', param: Tag }),
  async (c) => {
    const { objects, requester } = c.var
    const { userId, roomId, tag } = c.req.valid('param')
    requireSelf(requester, userId)
    await objects.user(userId).setTag(requester.session, roomId, tag, null)
    return c.json({})
  },
)

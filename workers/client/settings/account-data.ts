/** Client-Server API §Client Config: a user's own data, for all rooms and for one. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { jsonObject } from '../../middleware/validate.ts'
import { EventType, RoomId, requireSelf, UserId } from '../params.ts'

const OfUser = z.object({ userId: UserId, type: EventType })

/** Global, and of one room. */
const SCOPES = [
  { path: '/user/:userId/account_data/:type', param: OfUser.extend({ roomId: z.null().default(null) }) },
  { path: '/user/:userId/rooms/:roomId/account_data/:type', param: OfUser.extend({ roomId: RoomId }) },
]

export const accountData = new Hono<AppEnv>()
/** Below `/_matrix/client/unstable/org.matrix.msc3391`. An empty object removes too. */
export const removedAccountData = new Hono<AppEnv>()

for (const { path, param } of SCOPES) {
  accountData.get(
    path,
    endpoint({ auth: 'claims', guests: false, suspended: true, limit: 'read', param }),
    async (c) => {
      const { objects, requester } = c.var
      const { userId, roomId, type } = c.req.valid('param')
      requireSelf(requester, userId)
      return c.json(await objects.user(userId).getAccountData(requester.session, roomId, type))
    },
  )

  accountData.put(
    path,
    endpoint({ auth: 'claims', guests: false, suspended: true, limit: 'write', param, json: jsonObject }),
    async (c) => {
      const { objects, requester } = c.var
      const { userId, roomId, type } = c.req.valid('param')
      requireSelf(requester, userId)
      await objects.user(userId).putAccountData(requester.session, roomId, type, c.req.valid('json'))
      return c.json({})
    },
  )

  removedAccountData.delete(
    path,
    endpoint({ auth: 'claims', guests: false, suspended: true, limit: 'write', param }),
    async (c) => {
      const { objects, requester } = c.var
      const { userId, roomId, type } = c.req.valid('param')
      requireSelf(requester, userId)
      await objects.user(userId).removeAccountData(requester.session, roomId, type)
      return c.json({})
    },
  )
}

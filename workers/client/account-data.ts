/** Client-Server API §Client Config: a user's own data, for all rooms and for one. */
import { Hono } from 'hono'
import * as z from 'zod'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppEnv } from '../app-env.ts'
import { tokenClaims } from '../middleware/access-token.ts'
import { jsonObject, validate } from '../middleware/validate.ts'
import { EventType, RoomId, requireSelf, UserId } from './params.ts'

const OfUser = z.object({ userId: UserId, type: EventType })

/** Global, and of one room. */
const SCOPES = [
  { path: '/user/:userId/account_data/:type', param: OfUser.extend({ roomId: z.null().default(null) }) },
  { path: '/user/:userId/rooms/:roomId/account_data/:type', param: OfUser.extend({ roomId: RoomId }) },
]

/** "Some account data types are managed by the server": they have endpoints of their own. */
const SERVER_MANAGED = new Set(['m.fully_read', 'm.push_rules'])

export const accountData = new Hono<AppEnv>()

for (const { path, param } of SCOPES) {
  accountData.get(path, tokenClaims, validate({ param }), async (c) => {
    const { objects, session } = c.var
    const { userId, roomId, type } = c.req.valid('param')
    requireSelf(session, userId)
    return c.json(await objects.user(userId).getAccountData(session, roomId, type))
  })

  accountData.put(path, tokenClaims, validate({ param, json: jsonObject }), async (c) => {
    const { objects, session } = c.var
    const { userId, roomId, type } = c.req.valid('param')
    requireSelf(session, userId)
    if (SERVER_MANAGED.has(type)) {
      throw new MatrixError('M_BAD_JSON', `${type} is managed by the server`, { status: 405 })
    }
    await objects.user(userId).putAccountData(session, roomId, type, c.req.valid('json'))
    return c.json({})
  })
}

/** `/_selvedge/admin/rebuild`: makes a room's or a user's object again from the archive, and the index of media from R2. For who runs the server. */
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import * as z from 'zod'
import { isOperatorToken } from '../../src/accounts/operator-token.ts'
import { indexAgain } from '../../src/media/index-again.ts'
import type { AppEnv } from '../app-env.ts'
import { InRoom, requireLocalUser, UserId } from '../client/params.ts'
import { accessToken } from '../middleware/access-token.ts'
import { adminOnly } from '../middleware/admin.ts'
import { validate } from '../middleware/validate.ts'

/** By the operator's token, or an administrator's access token. */
const operator: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (await isOperator(c)) return next()
  return accessToken(c, async () => {
    await adminOnly(c, next)
  })
}

async function isOperator(c: Context<AppEnv>): Promise<boolean> {
  const { tokenKeys, serverName } = c.var.ports.config
  const [, token] = /^Bearer +(\S+) *$/i.exec(c.req.header('authorization') ?? '') ?? []
  return token !== undefined && isOperatorToken(token, tokenKeys, serverName)
}

/** Below `/_selvedge/admin`. */
export const rebuild = new Hono<AppEnv>()

rebuild.post('/rebuild/room/:roomId', operator, validate({ param: InRoom }), async (c) => {
  const { roomId } = c.req.valid('param')
  return c.json({ events: await c.var.objects.room(roomId).rebuild(roomId) })
})

rebuild.post(
  '/rebuild/user/:userId',
  operator,
  validate({ param: z.object({ userId: UserId }) }),
  async (c) => {
    const { userId } = c.req.valid('param')
    requireLocalUser(userId, c.var.ports.config.serverName)
    return c.json({ records: await c.var.objects.user(userId).rebuild() })
  },
)

rebuild.post(
  '/rebuild/media',
  operator,
  validate({ query: z.object({ after: z.string().min(1).optional() }) }),
  async (c) => c.json(await indexAgain(c.var.ports, c.req.valid('query').after)),
)

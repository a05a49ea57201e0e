/** `/_selvedge/admin/fan-out`: whether this Worker reaches itself by its own binding, as a busy room does. */
import { Hono } from 'hono'
import * as z from 'zod'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppEnv } from '../app-env.ts'
import { UserId } from '../client/params.ts'
import { endpoint } from '../middleware/endpoint.ts'

/** Below `/_selvedge/admin`. */
export const fanOut = new Hono<AppEnv>()

fanOut.post(
  '/fan-out/:userId',
  endpoint({ auth: 'operator', limit: 'free', param: z.object({ userId: UserId }) }),
  async (c) => {
    const { userId } = c.req.valid('param')
    c.var.objects.servers.requireReachable(userId)
    if (!(await c.var.objects.knownUsers([userId])).has(userId)) {
      throw new MatrixError('M_NOT_FOUND', `There is no account ${userId}`)
    }
    return c.json({ reached: await c.var.objects.isReachedByFanOut(userId) })
  },
)

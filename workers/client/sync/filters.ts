/** Client-Server API §Filtering: filters that a client stores once and then names. */
import { Hono } from 'hono'
import * as z from 'zod'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { parseFilter } from '../../../src/protocol/matching/filter.ts'
import type { AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { jsonObject } from '../../middleware/validate.ts'
import { requireSelf, UserId } from '../params.ts'

/** As JSON. */
const MAX_FILTER = 65_536

const OfUser = z.object({ userId: UserId })

export const filters = new Hono<AppEnv>()

filters.post(
  '/user/:userId/filter',
  endpoint({
    auth: 'claims',
    guests: true,
    suspended: true,
    limit: 'write',
    param: OfUser,
    json: jsonObject,
  }),
  async (c) => {
    const { objects, requester } = c.var
    requireSelf(requester, c.req.valid('param').userId)
    const filter = c.req.valid('json')
    // Stored as it came: what this server does not know, a later one may.
    parseFilter(filter)
    if (JSON.stringify(filter).length > MAX_FILTER) {
      throw new MatrixError('M_TOO_LARGE', `A filter has at most ${MAX_FILTER} characters`)
    }
    return c.json({ filter_id: await objects.user(requester.userId).putFilter(requester.session, filter) })
  },
)

filters.get(
  '/user/:userId/filter/:filterId',
  endpoint({
    auth: 'claims',
    guests: true,
    suspended: true,
    limit: 'read',
    param: OfUser.extend({ filterId: z.string() }),
  }),
  async (c) => {
    const { objects, requester } = c.var
    const { userId, filterId } = c.req.valid('param')
    requireSelf(requester, userId)
    return c.json(await objects.user(userId).getFilter(requester.session, filterId))
  },
)

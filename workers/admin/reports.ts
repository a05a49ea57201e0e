/** `/_selvedge/admin/reports`: what users have reported, for `npm run reports`. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { KeptReport } from '../../src/ports/reports.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import type { AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'

const PAGE = 50
const MAX_PAGE = 500

const Count = z.coerce.number().pipe(z.int().min(1))
const Page = z.object({
  before: Count.default(Number.MAX_SAFE_INTEGER),
  limit: Count.pipe(z.number().max(MAX_PAGE)).default(PAGE),
})

/** Below `/_selvedge/admin`. */
export const reports = new Hono<AppEnv>()

reports.get('/reports', endpoint({ auth: 'operator', limit: 'free', query: Page }), async (c) => {
  const { before, limit } = c.req.valid('query')
  const found = await c.var.ports.reports.list(before, limit)
  const next = found.length === limit ? found.at(-1)?.id : undefined
  return c.json({ reports: found.map(shown), ...(next !== undefined && { next }) })
})

reports.get(
  '/reports/:id',
  endpoint({ auth: 'operator', limit: 'free', param: z.object({ id: Count }) }),
  async (c) => {
    const { ports } = c.var
    const found = await ports.reports.find(c.req.valid('param').id)
    if (found === undefined) throw new MatrixError('M_NOT_FOUND', 'There is no such report')
    const event = found.eventId === undefined ? undefined : await ports.archiveReader.event(found.eventId)
    return c.json({ ...shown(found), ...(event !== undefined && { event: JSON.parse(event) }) })
  },
)

function shown({ id, receivedTs, reporter, roomId, eventId, userId, reason }: KeptReport): JsonObject {
  return {
    id,
    received_ts: receivedTs,
    reporter,
    ...(userId !== undefined && { user_id: userId }),
    ...(roomId !== undefined && { room_id: roomId }),
    ...(eventId !== undefined && { event_id: eventId }),
    reason,
  }
}

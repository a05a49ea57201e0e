/** Simplified sliding sync (MSC4186), under the name that clients know it by, and as it was accepted. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { SlidingRequest } from '../../../src/objects/user/sliding.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { streamJson } from '../../stream-json.ts'
import { Count } from '../params.ts'
import { hasRest, type LongPoll, longPoll } from './long-poll.ts'
import { AcceptedBody, askedAccepted, askedUnstable, presenceIn, UnstableBody } from './sliding-schema.ts'
import { type LargeAnswer, restOf } from './sync.ts'

const MAX_TIMEOUT_MS = 60_000

const UnstableQuery = z.object({
  pos: z.string().min(1).optional(),
  timeout: Count.default(0),
  set_presence: z.enum(['offline', 'online', 'unavailable']).default('online'),
})

export const unstableSlidingSync = new Hono<AppEnv>()

unstableSlidingSync.post(
  '/sync',
  endpoint({
    auth: 'claims',
    guests: true,
    suspended: true,
    limit: 'sync',
    query: UnstableQuery,
    json: UnstableBody,
  }),
  (c) => {
    const { session, userId } = c.var.requester
    const { pos, timeout, set_presence: presence } = c.req.valid('query')
    const body = c.req.valid('json')
    const { conn_id: conn, txn_id: txnId } = body
    const asked = askedUnstable(body, userId)
    return answerSlide(c, { session, conn, pos, timeoutMs: timeout, presence, txnId, asked })
  },
)

export const slidingSync = new Hono<AppEnv>()

slidingSync.post(
  '/sync',
  endpoint({ auth: 'claims', guests: true, suspended: true, limit: 'sync', json: AcceptedBody }),
  (c) => {
    const { session } = c.var.requester
    const body = c.req.valid('json')
    const { conn_id: conn, pos, timeout: timeoutMs } = body
    const presence = presenceIn(body)
    return answerSlide(c, { session, conn, pos, timeoutMs, presence, asked: askedAccepted(body) })
  },
)

async function answerSlide(c: UserContext, asked: SlidingRequest): Promise<Response> {
  // "Timeout … ignored when no `pos` is set."
  const timeoutMs = asked.pos === undefined ? 0 : Math.min(asked.timeoutMs, MAX_TIMEOUT_MS)
  const ask: LongPoll['ask'] = (user, left) => user.slide({ ...asked, timeoutMs: left })
  const { session, pos: token } = asked
  const answer = await longPoll(c, { session, timeoutMs, token, field: 'pos', ask })
  if (!hasRest(answer)) return answer
  const { body, rest } = await answer.json<LargeAnswer>()
  return streamJson(body, restOf(c.var.objects, body, rest))
}

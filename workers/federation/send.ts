/** Server-Server API §Transactions: what another server sends of the rooms that it shares with this one. */
import { Hono } from 'hono'
import * as z from 'zod'
import { takeEvents } from '../../src/federation/inbound/transaction.ts'
import type { Ports } from '../../src/ports/ports.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import type { AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { UnderWay } from '../middleware/under-way.ts'
import { jsonObject } from '../middleware/validate.ts'
import { federates } from './served.ts'

/** Below `/_matrix/federation/v1`. */
export const transactions = new Hono<AppEnv>()

/** Fifty events of 64 KiB, and what stands around them. */
const LARGEST_BYTES = 10 * 1024 * 1024
const MOST_PDUS = 50
const MOST_EDUS = 100
/** Of one server at the same time. */
const MOST_UNDER_WAY = 8
const AGAIN_MS = 2_000
/** How often a server that is there is noted, ms. */
const ROUSED_MS = 5_000
const MOST_SERVERS = 2_000

const Transaction = z.object({
  pdus: z.array(jsonObject).max(MOST_PDUS),
  edus: z
    .array(z.object({ edu_type: z.string(), content: jsonObject }))
    .max(MOST_EDUS)
    .optional(),
})
const Id = z.object({ txnId: z.string().min(1).max(255) })

const underWay = new Map<string, UnderWay>()
const rousedAt = new Map<string, number>()

transactions.put(
  '/send/:txnId',
  endpoint({
    auth: 'server',
    limit: 'federation',
    served: federates,
    param: Id,
    json: Transaction,
    bodyBytes: LARGEST_BYTES,
  }),
  async (c) => {
    const { origin } = c.var.requester
    const { ports, objects } = c.var
    const ended = begin(origin, ports)
    try {
      const pdus = (c.var.exactBody?.pdus ?? []) as JsonObject[]
      const { results, sharesRoom } = await takeEvents(
        { ports, room: (id) => objects.room(id), user: (id) => objects.user(id) },
        origin,
        pdus,
      )
      if (sharesRoom && isSilent(origin, ports.clock.now())) {
        await objects
          .destination(origin)
          .rouse()
          .catch(() => undefined)
      }
      return c.json({ pdus: results })
    } finally {
      ended()
    }
  },
)

/** @throws MatrixError M_LIMIT_EXCEEDED */
function begin(origin: string, { clock, metrics }: Pick<Ports, 'clock' | 'metrics'>): () => void {
  const now = clock.now()
  const own = underWay.get(origin) ?? new UnderWay()
  if (own.count(now) >= MOST_UNDER_WAY) {
    metrics.count('federation_bounds_total', { bound: 'transactions' })
    throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many transactions at the same time', {
      extra: { retry_after_ms: AGAIN_MS },
    })
  }
  underWay.set(origin, own)
  const end = own.begin(now)
  return () => {
    end()
    if (own.count(now) === 0) underWay.delete(origin)
  }
}

/** Whether nothing was noted of the server lately. */
function isSilent(origin: string, now: number): boolean {
  if (now - (rousedAt.get(origin) ?? Number.NEGATIVE_INFINITY) < ROUSED_MS) return false
  rousedAt.delete(origin)
  const [oldest] = rousedAt.size >= MOST_SERVERS ? rousedAt.keys() : []
  if (oldest !== undefined) rousedAt.delete(oldest)
  rousedAt.set(origin, now)
  return true
}

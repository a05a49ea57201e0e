/** `/_selvedge/admin/stream`: the operator's side of the event stream, for `npm run stream:token` and `stream:group`. */
import { Hono } from 'hono'
import * as z from 'zod'
import { issueStreamToken } from '../../src/event-stream/tokens.ts'
import type { KeptToken } from '../../src/objects/partition/groups.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { PARTITIONS, partitionOf, TOPICS } from '../../src/protocol/event-stream.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import { GroupName, served, TopicName } from '../event-stream/scope.ts'
import { endpoint } from '../middleware/endpoint.ts'

const ID_LENGTH = 12
const MOST_DAYS = 3_650
const DAY_MS = 86_400_000

const NewToken = z.object({
  name: z.string().max(256).default(''),
  topics: z.array(TopicName).min(1).max(TOPICS.length),
  group: GroupName.optional(),
  days: z.number().positive().max(MOST_DAYS).optional(),
})

const TokenId = z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'not the id of a token') })

/** Below `/_selvedge/admin`. */
export const eventStreamAdmin = new Hono<AppEnv>()

const everyPartition = (c: AppContext) =>
  Array.from({ length: PARTITIONS }, (_, number) => c.var.objects.partition(number))

/** The list of tokens is the first one's. */
const keeper = (c: AppContext) => c.var.objects.partition(0)

eventStreamAdmin.post(
  '/stream/tokens',
  endpoint({ auth: 'operator', limit: 'free', served, json: NewToken }),
  async (c) => {
    const { name, topics, group, days } = c.req.valid('json')
    const { clock, config, random } = c.var.ports
    const createdAt = clock.now()
    const kept: KeptToken = {
      id: random.token(ID_LENGTH),
      name,
      topics: TOPICS.filter((topic) => topics.includes(topic)),
      ...(group !== undefined && { group }),
      createdAt,
      ...(days !== undefined && { expiresAt: createdAt + Math.round(days * DAY_MS) }),
    }
    await keeper(c).noteToken(kept)
    const token = await issueStreamToken(kept, { keys: config.tokenKeys, serverName: config.serverName })
    return c.json({ ...shown(kept), token })
  },
)

eventStreamAdmin.get('/stream/tokens', endpoint({ auth: 'operator', limit: 'free', served }), async (c) =>
  c.json({ tokens: (await keeper(c).tokens()).map(shown) }),
)

/** Every partition is told: an answer without an error says that the token is good nowhere any more. */
eventStreamAdmin.delete(
  '/stream/tokens/:id',
  endpoint({ auth: 'operator', limit: 'free', served, param: TokenId }),
  async (c) => {
    const { id } = c.req.valid('param')
    if (!(await keeper(c).tokens()).some((token) => token.id === id))
      throw new MatrixError('M_NOT_FOUND', 'There is no such token')
    await Promise.all(everyPartition(c).map((partition) => partition.revokeToken(id)))
    return c.json({})
  },
)

/** Forgets a group: its members, which must have left, and what it has committed. */
eventStreamAdmin.delete(
  '/stream/groups/:group',
  endpoint({ auth: 'operator', limit: 'free', served, param: z.object({ group: GroupName }) }),
  async (c) => {
    const { group } = c.req.valid('param')
    await c.var.objects.partition(partitionOf(group)).dropGroup(group)
    await Promise.all(everyPartition(c).map((partition) => partition.dropOffsets(group)))
    return c.json({})
  },
)

function shown({ id, name, topics, group, createdAt, expiresAt, revokedAt }: KeptToken) {
  return {
    id,
    name,
    topics,
    ...(group !== undefined && { group }),
    created_ts: createdAt,
    ...(expiresAt !== undefined && { expires_ts: expiresAt }),
    ...(revokedAt !== undefined && { revoked_ts: revokedAt }),
  }
}

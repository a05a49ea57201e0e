/** `/_selvedge/stream/groups`: the members of consumer groups, what each has, and what the groups have done. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { ConsumerRequester } from '../../src/accounts/requester.ts'
import type { Assignment } from '../../src/objects/partition/groups.ts'
import { LEASE_MS, PARTITIONS, partitionOf, TOPICS } from '../../src/protocol/event-stream.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { Epoch, GroupName, MemberId, Offset, requireGroup, requireTopic, served, TopicName } from './scope.ts'

const MEMBER_LENGTH = 16

const InGroup = z.object({ group: GroupName })
const OfMember = InGroup.extend({ member: MemberId })

const Join = z.object({
  topics: z.array(TopicName).min(1).max(TOPICS.length),
  lease_ms: z.int().min(LEASE_MS.least).max(LEASE_MS.most).default(LEASE_MS.usual),
  client: z.string().max(256).optional(),
})

const Heartbeat = z.object({ generation: z.int().min(0) })

const Commit = z.object({
  offsets: z
    .array(
      z.object({
        topic: TopicName,
        partition: z
          .int()
          .min(0)
          .max(PARTITIONS - 1),
        offset: Offset,
        epoch: Epoch.default(0),
      }),
    )
    .min(1)
    .max(TOPICS.length * PARTITIONS),
})

/** Below `/_selvedge/stream`. */
export const eventStreamGroups = new Hono<AppEnv>()

const coordinatorOf = (c: AppContext, group: string) => c.var.objects.partition(partitionOf(group))

eventStreamGroups.post(
  '/groups/:group/members',
  endpoint({ auth: 'consumer', limit: 'free', served, param: InGroup, json: Join }),
  async (c) => {
    const memberId = c.var.ports.random.token(MEMBER_LENGTH)
    return c.json(await join(c, { ...c.req.valid('param'), memberId, body: c.req.valid('json') }))
  },
)

/** A member that was given up comes back under its name. */
eventStreamGroups.put(
  '/groups/:group/members/:member',
  endpoint({ auth: 'consumer', limit: 'free', served, param: OfMember, json: Join }),
  async (c) => {
    const { group, member: memberId } = c.req.valid('param')
    return c.json(await join(c, { group, memberId, body: c.req.valid('json') }))
  },
)

type ConsumerContext = AppContext & { readonly var: { readonly requester: ConsumerRequester } }

interface Joining {
  group: string
  memberId: string
  body: z.infer<typeof Join>
}

/** @throws MatrixError M_FORBIDDEN for what the token is not for */
async function join(c: ConsumerContext, { group, memberId, body }: Joining) {
  const { topics, lease_ms: leaseMs, client } = body
  const { requester } = c.var
  requireGroup(requester, group)
  for (const topic of topics) requireTopic(requester, topic)
  const assignment = await coordinatorOf(c, group).join({
    token: requester.tokenId,
    group,
    memberId,
    topics: TOPICS.filter((topic) => topics.includes(topic)),
    leaseMs,
    ...(client !== undefined && { client }),
  })
  return shown(assignment)
}

eventStreamGroups.post(
  '/groups/:group/members/:member/heartbeat',
  endpoint({ auth: 'consumer', limit: 'free', served, param: OfMember, json: Heartbeat }),
  async (c) => {
    const { group, member: memberId } = c.req.valid('param')
    const { generation } = c.req.valid('json')
    const { requester } = c.var
    requireGroup(requester, group)
    const token = requester.tokenId
    return c.json(shown(await coordinatorOf(c, group).heartbeat({ token, group, memberId, generation })))
  },
)

eventStreamGroups.delete(
  '/groups/:group/members/:member',
  endpoint({ auth: 'consumer', limit: 'free', served, param: OfMember }),
  async (c) => {
    const { group, member: memberId } = c.req.valid('param')
    requireGroup(c.var.requester, group)
    await coordinatorOf(c, group).leave({ token: c.var.requester.tokenId, group, memberId })
    return c.json({})
  },
)

eventStreamGroups.post(
  '/groups/:group/commit',
  endpoint({ auth: 'consumer', limit: 'free', served, param: InGroup, json: Commit }),
  async (c) => {
    const { group } = c.req.valid('param')
    const { offsets } = c.req.valid('json')
    const { requester } = c.var
    requireGroup(requester, group)
    for (const { topic } of offsets) requireTopic(requester, topic)
    await Promise.all(
      offsets.map(({ topic, partition, offset, epoch }) =>
        c.var.objects.partition(partition).commit(requester.tokenId, topic, { group, epoch }, offset),
      ),
    )
    return c.json({})
  },
)

function shown({ memberId, generation, settled, leaseMs, partitions }: Assignment) {
  return { member_id: memberId, generation, settled, lease_ms: leaseMs, assigned: partitions }
}

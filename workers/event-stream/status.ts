/** `/_selvedge/stream`: topics, partitions, offsets and groups, as a token may see them. */
import { Hono } from 'hono'
import type { GroupStatus } from '../../src/objects/partition/groups.ts'
import type { PartitionStatus } from '../../src/objects/partition/records.ts'
import { PARTITIONS, TOPICS, type Topic } from '../../src/protocol/event-stream.ts'
import type { AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { served } from './scope.ts'

const ALL = Array.from({ length: PARTITIONS }, (_, number) => number)

/** Below `/_selvedge/stream`. */
export const eventStreamStatus = new Hono<AppEnv>()

eventStreamStatus.get('/', endpoint({ auth: 'consumer', limit: 'free', served }), async (c) => {
  const { tokenId, topics, group: only } = c.var.requester
  const { objects, ports } = c.var
  const [partitions, coordinated] = await Promise.all([
    Promise.all(ALL.map((number) => objects.partition(number).status(tokenId))),
    Promise.all(ALL.map((number) => objects.partition(number).groups())),
  ])
  const seen = TOPICS.filter((topic) => topics.includes(topic))
  const groups = namesOf(partitions, coordinated.flat()).filter((name) => only === undefined || name === only)
  const { retention } = ports.config.eventStream
  return c.json({
    retention_ms: retention.ageMs,
    retention_bytes: retention.bytes,
    sockets: partitions.reduce((sum, { sockets }) => sum + sockets, 0),
    topics: seen.map((topic) => topicOf(topic, partitions)),
    groups: groups.map((group) => groupOf(group, { seen, partitions, coordinated: coordinated.flat() })),
  })
})

function topicOf(topic: Topic, partitions: readonly PartitionStatus[]) {
  const each = partitions.map(({ partition, topics }) => {
    const { first, end, bytes, oldest, newest } = topics[topic]
    return {
      partition,
      first_offset: first,
      end_offset: end,
      bytes,
      ...(oldest !== undefined && { oldest_ts: oldest, newest_ts: newest }),
    }
  })
  return { topic, bytes: each.reduce((sum, { bytes }) => sum + bytes, 0), partitions: each }
}

function namesOf(partitions: readonly PartitionStatus[], groups: readonly GroupStatus[]): string[] {
  const committed = partitions.flatMap((partition) => partition.groups.map(({ group }) => group))
  return [...new Set([...committed, ...groups.map(({ group }) => group)])].toSorted()
}

interface Known {
  seen: readonly Topic[]
  partitions: readonly PartitionStatus[]
  coordinated: readonly GroupStatus[]
}

/** `stopped`: there is something to do, and no member to do it. A group may do without members altogether. */
function healthOf(lag: number, hasMembers: boolean): 'level' | 'behind' | 'stopped' {
  if (lag === 0) return 'level'
  return hasMembers ? 'behind' : 'stopped'
}

/** A group with its lag: how many records of each partition it has not done. */
function groupOf(group: string, { seen, partitions, coordinated }: Known) {
  const known = coordinated.find((one) => one.group === group)
  const members = known?.members ?? []
  const offsets = partitions.flatMap(({ partition, topics, groups }) =>
    groups
      .filter((one) => one.group === group && seen.includes(one.topic))
      .map(({ topic, offset, at }) => ({
        topic,
        partition,
        offset,
        lag: Math.max(0, topics[topic].end - Math.max(offset, topics[topic].first)),
        committed_ts: at,
        member_id: members.find((member) =>
          member.partitions.some((one) => one.topic === topic && one.partition === partition),
        )?.memberId,
      })),
  )
  const lag = offsets.reduce((sum, one) => sum + one.lag, 0)
  return {
    group,
    generation: known?.generation ?? 0,
    lag,
    health: healthOf(lag, members.length > 0),
    members: members.map(({ memberId, client, topics, expiresAt, partitions: own }) => ({
      member_id: memberId,
      ...(client !== undefined && { client }),
      topics,
      expires_ts: expiresAt,
      partitions: own.map(({ topic, partition }) => ({ topic, partition })),
    })),
    offsets,
  }
}

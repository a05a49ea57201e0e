/** How the members of a consumer group share the partitions: what is asked of the group's coordinator. */
import type { Topic } from '../../protocol/event-stream.ts'
import type { TokenId } from './records.ts'

export interface JoinRequest {
  token: TokenId
  group: string
  memberId: string
  topics: Topic[]
  leaseMs: number
  /** A name for people. */
  client?: string
}

export interface HeartbeatRequest {
  token: TokenId
  group: string
  memberId: string
  /** The generation whose assignment the member works by. */
  generation: number
}

/** What a member has. */
export interface Assignment {
  memberId: string
  generation: number
  /** Whether all that is meant for it is its own by now. If not, another member has yet to let go of some. */
  settled: boolean
  leaseMs: number
  partitions: AssignedPartition[]
}

export interface AssignedPartition {
  topic: Topic
  partition: number
  /** Shows, with reads and commits, that the partition is the member's. */
  epoch: number
}

/** A group, as its coordinator knows it. */
export interface GroupStatus {
  group: string
  generation: number
  members: {
    memberId: string
    client?: string
    topics: Topic[]
    /** When its lease ends, ms. */
    expiresAt: number
    partitions: AssignedPartition[]
  }[]
}

/** A token of the stream, as the operator sees it. */
export interface KeptToken {
  id: string
  name: string
  topics: Topic[]
  group?: string
  createdAt: number
  expiresAt?: number
  revokedAt?: number
}

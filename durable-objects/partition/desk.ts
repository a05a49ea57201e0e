/** What the RPC table of a partition works with. */
import type { Topic } from '../../src/protocol/event-stream.ts'
import type { LazyStorage } from '../sqlite.ts'
import type { Consumers } from './consumers.ts'
import type { Coordinator } from './coordinator.ts'
import type { TopicLogs } from './topic-log.ts'

export interface PartitionDesk {
  number: number
  storage: LazyStorage
  logs: TopicLogs
  consumers: Consumers
  coordinator: Coordinator
  now: () => number
  /** How many sockets are open. */
  sockets: () => number
  /** Whether somebody waits for what comes, or has read a moment ago. */
  isRead: () => boolean
  /** A token was revoked: its sockets end. */
  revoked: (tokenId: string) => void
  /** Tests: may end the object between what it has stored and its answer. */
  beforeAnswer: () => undefined | Promise<never>
  /** Topics have grown: those that wait are told, and what is too much goes. */
  grown: (topics: readonly Topic[]) => void
}

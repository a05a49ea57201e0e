/** Everything that is asked of a partition. */
import type {
  Assignment,
  GroupStatus,
  HeartbeatRequest,
  JoinRequest,
  KeptToken,
} from '../../src/objects/partition/groups.ts'
import type {
  Delivery,
  ForGroup,
  LogSlice,
  PartitionStatus,
  ReadRequest,
  TokenId,
} from '../../src/objects/partition/records.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { TOPICS, type Topic } from '../../src/protocol/event-stream.ts'
import { type GatewayOf, rpcTable } from '../rpc-table.ts'
import type { PartitionDesk } from './desk.ts'
import { allCommitted, dropCommitted } from './rows/committed.ts'
import { allTokens, countTokens, isMade, noteToken, revokeToken } from './rows/tokens.ts'

const MOST_TOKENS = 1_000

export const partitionRpc = rpcTable<PartitionDesk>()({
  /**
   * Takes what rooms or a user tell, all of it or nothing. What is here already changes nothing. Answers whether anybody
   * reads it.
   */
  append: {
    session: 'none',
    repeatable: true,
    large: true,
    run({ beforeAnswer, grown, isRead, logs }, deliveries: Delivery[]): boolean | Promise<never> {
      // Those that wait are gone once they are told.
      const answer = isRead()
      grown(logs.append(deliveries))
      return beforeAnswer() ?? answer
    },
  },

  /** How much of a source's log is here. */
  positionOf: {
    session: 'none',
    repeatable: true,
    run: ({ logs }, source: string): number | undefined => logs.positionOf(source),
  },

  read: {
    session: 'none',
    repeatable: true,
    large: true,
    run: ({ consumers }, request: ReadRequest): LogSlice => consumers.read(request),
  },

  commit: {
    session: 'none',
    repeatable: true,
    run({ consumers }, token: TokenId, topic: Topic, of: ForGroup, offset: number): void {
      consumers.commit(token, topic, of, offset)
    },
  },

  status: {
    session: 'none',
    repeatable: true,
    run({ consumers, logs, number, sockets, storage }, token: TokenId): PartitionStatus {
      consumers.checkToken(token)
      const topics = Object.fromEntries(TOPICS.map((topic) => [topic, logs.status(topic)]))
      return {
        partition: number,
        sockets: sockets(),
        topics: topics as PartitionStatus['topics'],
        groups: allCommitted(storage.sql),
      }
    },
  },

  // ------------------------------------------------------------ of the groups that it coordinates

  join: {
    session: 'none',
    repeatable: true,
    run({ consumers, coordinator }, request: JoinRequest): Assignment {
      consumers.checkToken(request.token)
      return coordinator.join(request)
    },
  },

  heartbeat: {
    session: 'none',
    repeatable: true,
    run({ consumers, coordinator }, request: HeartbeatRequest): Assignment {
      consumers.checkToken(request.token)
      return coordinator.heartbeat(request)
    },
  },

  leave: {
    session: 'none',
    repeatable: true,
    run({ consumers, coordinator }, request: Omit<HeartbeatRequest, 'generation'>): void {
      consumers.checkToken(request.token)
      coordinator.leave(request)
    },
  },

  groups: {
    session: 'none',
    repeatable: true,
    run: ({ coordinator }): GroupStatus[] => coordinator.all(),
  },

  dropGroup: {
    session: 'none',
    repeatable: true,
    run: ({ coordinator }, group: string): void => coordinator.drop(group),
  },

  dropOffsets: {
    session: 'none',
    repeatable: true,
    run: ({ storage }, group: string): void => dropCommitted(storage.sql, group),
  },

  // ------------------------------------------------------------ of tokens

  /** The first partition keeps the list of them. @throws MatrixError M_RESOURCE_LIMIT_EXCEEDED */
  noteToken: {
    session: 'none',
    repeatable: true,
    run({ storage }, token: KeptToken): void {
      if (isMade(storage.sql, token.id)) return
      if (countTokens(storage.sql) >= MOST_TOKENS)
        throw new MatrixError('M_RESOURCE_LIMIT_EXCEEDED', 'There are too many tokens of the stream')
      noteToken(storage.sql, token)
    },
  },

  tokens: {
    session: 'none',
    repeatable: true,
    run: ({ storage }): KeptToken[] => allTokens(storage.sql),
  },

  revokeToken: {
    session: 'none',
    repeatable: true,
    run({ now, revoked, storage }, id: string): void {
      revokeToken(storage.sql, id, now())
      revoked(id)
    },
  },
})

/** A partition, as the Workers call it. */
export type PartitionGateway = GatewayOf<typeof partitionRpc>

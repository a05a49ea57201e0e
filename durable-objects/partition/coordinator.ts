/** The groups that a partition coordinates: who is there, and whose each partition is. */
import type {
  Assignment,
  GroupStatus,
  HeartbeatRequest,
  JoinRequest,
} from '../../src/objects/partition/groups.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { LazyStorage } from '../sqlite.ts'
import {
  assignmentOf,
  type GroupState,
  heardOf,
  held,
  joined,
  left,
  memberOf,
  newGroup,
} from './group-state.ts'
import { allGroups, countGroups, dropGroup, readGroup, writeGroup } from './rows/groups.ts'

const MOST_GROUPS = 500
const MOST_MEMBERS = 64

export class Coordinator {
  readonly #storage: LazyStorage
  readonly #now: () => number

  constructor(storage: LazyStorage, now: () => number) {
    this.#storage = storage
    this.#now = now
  }

  /** @throws MatrixError M_RESOURCE_LIMIT_EXCEEDED */
  join({ group, memberId, topics, leaseMs, client }: JoinRequest): Assignment {
    const now = this.#now()
    const member = { topics, leaseMs, expiresAt: now + leaseMs, ...(client !== undefined && { client }) }
    return this.#change(group, (before) => {
      if (before === undefined && countGroups(this.#storage.sql) >= MOST_GROUPS)
        throw new MatrixError('M_RESOURCE_LIMIT_EXCEEDED', 'There are too many consumer groups')
      const state = joined(before ?? newGroup(), memberId, member, now)
      if (Object.keys(state.members).length > MOST_MEMBERS)
        throw new MatrixError('M_RESOURCE_LIMIT_EXCEEDED', `A group has ${MOST_MEMBERS} members at most`)
      return { state, answer: assignmentOf(state, memberId) }
    })
  }

  /** @throws MatrixError M_NOT_FOUND for a member that has been given up: it must join again */
  heartbeat({ group, memberId, generation }: HeartbeatRequest): Assignment {
    return this.#change(group, (before) => {
      const state = before && heardOf(before, { memberId, generation }, this.#now())
      if (state === undefined) throw noSuchMember()
      return { state, answer: assignmentOf(state, memberId) }
    })
  }

  leave({ group, memberId }: Omit<HeartbeatRequest, 'generation'>): void {
    const known = readGroup(this.#storage.sql, group)
    if (known === undefined || memberOf(known, memberId) === undefined) return
    this.#change(group, (before = newGroup()) => ({
      state: left(before, memberId, this.#now()),
      answer: undefined,
    }))
  }

  /** @throws MatrixError M_RESOURCE_LIMIT_EXCEEDED while it has members */
  drop(group: string): void {
    const now = this.#now()
    this.#storage.transactionSync(() => {
      const members = Object.values(readGroup(this.#storage.sql, group)?.members ?? {})
      if (members.some(({ expiresAt }) => expiresAt > now))
        throw new MatrixError('M_RESOURCE_LIMIT_EXCEEDED', 'The group has members: they must leave first')
      dropGroup(this.#storage.sql, group)
    })
  }

  all(): GroupStatus[] {
    return allGroups(this.#storage.sql).map(({ group_id, state }) => statusOf(group_id, state, this.#now()))
  }

  #change<T>(group: string, work: (before: GroupState | undefined) => { state: GroupState; answer: T }): T {
    return this.#storage.transactionSync(() => {
      const { state, answer } = work(readGroup(this.#storage.sql, group))
      writeGroup(this.#storage.sql, group, state)
      return answer
    })
  }
}

function statusOf(group: string, { generation, members, shares }: GroupState, now: number): GroupStatus {
  return {
    group,
    generation,
    members: Object.entries(members)
      .filter(([, { expiresAt }]) => expiresAt > now)
      .map(([memberId, { topics, expiresAt, client }]) => ({
        memberId,
        ...(client !== undefined && { client }),
        topics,
        expiresAt,
        partitions: held(shares, memberId),
      })),
  }
}

function noSuchMember(): MatrixError {
  return new MatrixError('M_NOT_FOUND', 'The group does not have this member any more: join again')
}

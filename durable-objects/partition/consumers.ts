/** What consumers ask of a partition: to read it, and to remember how far they are. */
import type { ForGroup, LogSlice, ReadRequest, TokenId } from '../../src/objects/partition/records.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { type From, MOST_RECORDS, type Topic } from '../../src/protocol/event-stream.ts'
import type { LazyStorage } from '../sqlite.ts'
import { committedBy, countCommitted, writeCommitted } from './rows/committed.ts'
import { isRevoked } from './rows/tokens.ts'
import type { TopicLogs } from './topic-log.ts'

/** Offsets that a partition remembers: of each group one for each topic. */
const MOST_COMMITTED = 5_000

/** Who has read is taken to come back for so long, ms. */
const COMES_BACK_MS = 10_000

export interface ConsumersParts {
  storage: LazyStorage
  logs: TopicLogs
  now: () => number
}

export class Consumers {
  readonly #parts: ConsumersParts
  #readAt = Number.NEGATIVE_INFINITY

  constructor(parts: ConsumersParts) {
    this.#parts = parts
  }

  get #sql(): SqlStorage {
    return this.#parts.storage.sql
  }

  /** Whether somebody has read a moment ago. A polling reader is away between two polls. */
  get hasReader(): boolean {
    return this.#parts.now() < this.#readAt + COMES_BACK_MS
  }

  /** @throws MatrixError M_UNKNOWN_TOKEN */
  checkToken(id: TokenId): void {
    if (id !== undefined && isRevoked(this.#sql, id))
      throw new MatrixError('M_UNKNOWN_TOKEN', 'The token was revoked')
  }

  /** @throws MatrixError M_UNKNOWN_TOKEN, M_INVALID_PARAM, DEV.SELVEDGE.STALE_EPOCH */
  read({ token, topic, from, of, limit }: ReadRequest): LogSlice {
    this.checkToken(token)
    this.#readAt = this.#parts.now()
    const most = Math.min(limit, MOST_RECORDS)
    return this.#parts.logs.read(topic, of === undefined ? from : this.begin(topic, of, from), most)
  }

  /** Whether another member of the group has the topic by now. */
  isStale(topic: Topic, { group, epoch }: ForGroup): boolean {
    return epoch < (committedBy(this.#sql, group, topic)?.epoch ?? 0)
  }

  /** Where a group goes on. A member that shows a newer epoch than all before shuts those out. */
  begin(topic: Topic, of: ForGroup, from: From): From {
    this.#parts.storage.transactionSync(() => this.#admit(topic, of))
    return committedBy(this.#sql, of.group, topic)?.next ?? from
  }

  /** Notes that the group has done everything before an offset. @throws as `read` */
  commit(token: TokenId, topic: Topic, of: ForGroup, offset: number): void {
    this.checkToken(token)
    this.#parts.logs.requireOffset(topic, offset)
    this.#parts.storage.transactionSync(() => {
      this.#admit(topic, of)
      writeCommitted(this.#sql, {
        group_id: of.group,
        topic,
        next: offset,
        epoch: of.epoch,
        ts: this.#parts.now(),
      })
    })
  }

  /** @throws MatrixError DEV.SELVEDGE.STALE_EPOCH, M_RESOURCE_LIMIT_EXCEEDED */
  #admit(topic: Topic, { group, epoch }: ForGroup): void {
    const row = committedBy(this.#sql, group, topic)
    if (this.isStale(topic, { group, epoch }))
      throw new MatrixError('DEV.SELVEDGE.STALE_EPOCH', 'The partition belongs to another member by now')
    if (row !== undefined && epoch === row.epoch) return
    if (row === undefined && epoch === 0) return
    if (row === undefined && countCommitted(this.#sql) >= MOST_COMMITTED)
      throw new MatrixError('M_RESOURCE_LIMIT_EXCEEDED', 'There are too many consumer groups')
    const ts = this.#parts.now()
    writeCommitted(this.#sql, { group_id: group, topic, next: row?.next ?? null, epoch, ts })
  }
}

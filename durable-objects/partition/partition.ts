/**
 * A partition of the event stream: the logs of all topics for a sixteenth of the rooms and users, and what consumers have
 * read of them. What is asked of it stands in the table of `rpc.ts`. See decision 26.
 */
import { DurableObject } from 'cloudflare:workers'
import { portsOf } from '../../src/context.ts'
import type { Env } from '../../src/env.ts'
import { takeFault } from '../../src/faults.ts'
import type { ConsumeRequest, WaitRequest } from '../../src/objects/partition/records.ts'
import type { Ports } from '../../src/ports/ports.ts'
import type { Topic } from '../../src/protocol/event-stream.ts'
import { answerAlarm } from '../answer-alarm.ts'
import { idOfName } from '../peers.ts'
import { beginInGeneration, enterGeneration } from '../restore.ts'
import { responseOf, toResult } from '../rpc.ts'
import { installRpc } from '../rpc-table.ts'
import { countingStorage, lazyStorage } from '../sqlite.ts'
import { Timers } from '../timers.ts'
import { Consumers } from './consumers.ts'
import { Coordinator } from './coordinator.ts'
import type { PartitionDesk } from './desk.ts'
import { renewPartition } from './renew.ts'
import { PARTITION_MIGRATIONS } from './rows/schema.ts'
import { partitionRpc } from './rpc.ts'
import { ConsumerSockets } from './sockets.ts'
import { TopicLogs } from './topic-log.ts'
import { close, Waits } from './waits.ts'

/** Batches of a topic that go in one transaction: each is two rows. */
const DROPPED_AT_ONCE = 200

type PartitionJob = 'retention'

/** Put together at the object's first use, since a constructor that throws loses alarms. */
interface PartitionParts {
  desk: PartitionDesk
  timers: Timers<PartitionJob>
}

export class Partition extends DurableObject<Env> {
  static {
    installRpc(Partition, 'partition', partitionRpc, {
      partsOf: (object) => object.#parts.desk,
      stored: (object) => object.ctx.storage.sync(),
    })
  }

  #made: PartitionParts | undefined
  readonly #waits = new Waits(this.ctx)
  readonly #sockets = new ConsumerSockets({ ctx: this.ctx, desk: () => this.#parts.desk })

  get #parts(): PartitionParts {
    this.#made ??= this.#assemble()
    return this.#made
  }

  get #ports(): Ports {
    return portsOf(this.env)
  }

  /** Everything here takes constant time, however much is kept. */
  #assemble(): PartitionParts {
    const { calls, clock, config, log } = this.#ports
    const counted = config.testHooks
      ? countingStorage(this.ctx.storage, (rows, n) => calls.count(`partition.${rows}`, n))
      : this.ctx.storage
    const { generation } = config
    const storage = lazyStorage(counted, PARTITION_MIGRATIONS, (made) => beginInGeneration(made, generation))
    if (storage.hasTables) enterGeneration(storage, generation, () => renewPartition(storage.sql))
    const now = () => clock.now()
    const logs = new TopicLogs(storage, now)
    const { ageMs, bytes } = config.eventStream.retention
    const timers = new Timers<PartitionJob>({
      storage,
      clock,
      jobs: [
        {
          name: 'retention',
          run: async () => logs.retain({ ageMs, bytes, atOnce: DROPPED_AT_ONCE }),
          isLeft: () => logs.nextToGo(ageMs) !== undefined,
        },
      ],
      onError: (job, error) =>
        log.trouble(`partition.${job}`, 'partition job failed', { job, error: String(error) }),
    })
    if (storage.hasTables) timers.recover()
    const consumers = new Consumers({ storage, logs, now })
    const desk: PartitionDesk = {
      number: Number(idOfName(this.ctx.id.name ?? '')),
      storage,
      logs,
      consumers,
      coordinator: new Coordinator(storage, now),
      now,
      sockets: () => this.ctx.getWebSockets().length,
      isRead: () => consumers.hasReader || this.ctx.getWebSockets().length > 0,
      revoked: (tokenId) => this.#sockets.endToken(tokenId),
      beforeAnswer: () => (takeFault('partition:abort-after-commit') ? this.#abort() : undefined),
      grown: (topics) => this.#grown(topics),
    }
    return { desk, timers }
  }

  #grown(topics: readonly Topic[]): void {
    if (topics.length === 0) return
    const { desk, timers } = this.#parts
    const { ageMs, bytes } = this.#ports.config.eventStream.retention
    const isFull = topics.some((topic) => desk.logs.bytesOf(topic) > bytes)
    timers.arm('retention', this.#ports.clock.now() + (isFull ? 0 : ageMs))
    for (const topic of topics) {
      this.#waits.end(topic)
      this.#sockets.serve(topic)
    }
  }

  /** Tests: the object dies with what it was told on disk, before it answers. */
  async #abort(): Promise<never> {
    await this.ctx.storage.sync()
    this.ctx.abort('A test aborted this partition after its commit')
    throw new Error('aborted')
  }

  /** What answers with a socket. Errors are rendered here, since no RPC carries them. */
  override async fetch(request: Request): Promise<Response> {
    const result = await toResult(() => {
      const { pathname, searchParams } = new URL(request.url)
      const asked = JSON.parse(searchParams.get('request') ?? '') as WaitRequest | ConsumeRequest
      const { consumers, logs } = this.#parts.desk
      consumers.checkToken(asked.token)
      if (pathname === '/consume') return this.#sockets.open(asked as ConsumeRequest)
      return this.#waits.open(asked as WaitRequest, logs.endOf(asked.topic))
    })
    return responseOf(result)
  }

  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): void {
    this.#sockets.take(socket, data)
  }

  override webSocketClose(socket: WebSocket): void {
    close(socket)
  }

  override webSocketError(socket: WebSocket): void {
    close(socket)
  }

  override alarm(): Promise<void> {
    return answerAlarm(this.ctx.storage, () => this.#parts.timers.fire())
  }
}

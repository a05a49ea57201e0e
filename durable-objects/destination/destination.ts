/**
 * A Destination: what one other server must still get from this one. It is made by the first mark of a room that the
 * server takes part in. What is asked of it stands in the table of `rpc.ts`.
 */
import { DurableObject } from 'cloudflare:workers'
import { portsOf } from '../../src/context.ts'
import type { Env } from '../../src/env.ts'
import { takeFault } from '../../src/faults.ts'
import { sendTransaction } from '../../src/federation/transaction.ts'
import type { Ports } from '../../src/ports/ports.ts'
import { answerAlarm } from '../answer-alarm.ts'
import { idOfName, peersOf } from '../peers.ts'
import { beginInGeneration, enterGeneration } from '../restore.ts'
import { installRpc } from '../rpc-table.ts'
import { countingStorage, lazyStorage } from '../sqlite.ts'
import { Timers } from '../timers.ts'
import type { DestinationDesk } from './desk.ts'
import { Queue } from './queue.ts'
import { DESTINATION_MIGRATIONS } from './rows/schema.ts'
import { destinationRpc } from './rpc.ts'

type DestinationJob = 'send'

/** Put together at the object's first use, since a constructor that throws loses alarms. */
interface DestinationParts {
  desk: DestinationDesk
  timers: Timers<DestinationJob>
}

/** As many digits of chance as tell jitters apart. */
const CHANCES = 0xffff

export class Destination extends DurableObject<Env> {
  static {
    installRpc(Destination, 'destination', destinationRpc, {
      partsOf: (object) => object.#parts.desk,
      stored: (object) => object.ctx.storage.sync(),
    })
  }

  #made: DestinationParts | undefined

  get #parts(): DestinationParts {
    this.#made ??= this.#assemble()
    return this.#made
  }

  get #ports(): Ports {
    return portsOf(this.env)
  }

  /** Everything here takes constant time, however much waits. */
  #assemble(): DestinationParts {
    const { calls, clock, config, log, metrics, random } = this.#ports
    const counted = config.testHooks
      ? countingStorage(this.ctx.storage, (rows, n) => calls.count(`destination.${rows}`, n))
      : this.ctx.storage
    const { generation } = config
    const storage = lazyStorage(counted, DESTINATION_MIGRATIONS, (made) =>
      beginInGeneration(made, generation),
    )
    // Positions of rooms only grow after a restore: what was sent stays so.
    if (storage.hasTables) enterGeneration(storage, generation, () => undefined)
    const serverName = idOfName(this.ctx.id.name ?? '')
    const queue = new Queue({
      storage,
      serverName,
      eventsOf: (roomId, request) => peersOf(this.env, calls).room(roomId).outgoingEvents(request),
      send: (events) => sendTransaction(this.#ports, serverName, events),
      arm: (at) => timers.arm('send', at),
      now: () => clock.now(),
      failed: () => metrics.count('federation_bounds_total', { bound: 'servers' }),
      chance: () => new DataView(random.bytes(2).buffer).getUint16(0) / CHANCES,
    })
    const timers = new Timers<DestinationJob>({
      storage,
      clock,
      jobs: [{ name: 'send', run: () => queue.run(), isLeft: () => queue.isLeft() }],
      onError: (job, error) =>
        log.trouble(`destination.${job}`, 'destination job failed', { job, error: String(error) }),
    })
    if (storage.hasTables) timers.recover()
    const beforeAnswer = () => (takeFault('destination:abort-after-mark') ? this.#abort() : undefined)
    return { desk: { queue, beforeAnswer }, timers }
  }

  /** Tests: the object dies with its mark on disk, before it sends. */
  async #abort(): Promise<never> {
    await this.ctx.storage.sync()
    this.ctx.abort('A test aborted this destination after its mark')
    throw new Error('aborted')
  }

  override async alarm(): Promise<void> {
    await answerAlarm(this.ctx.storage, () => this.#parts.timers.fire())
    this.#ports.gathered?.flush()
  }
}

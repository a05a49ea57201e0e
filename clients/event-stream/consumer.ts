/** A member of a consumer group: reads the partitions that are its own, and commits what was done. */
import { type Ask, apiOf, EventStreamError, pause, waitAfter } from './api.ts'
import type { Assignment, Batch, GroupConsumerOptions, StreamRecord, Topic } from './types.ts'

const POLL_MS = 25_000
const LEASE_MS = 30_000
/** Signs of life in a lease. */
const BEATS = 3
/** How soon a member looks again for what another one has yet to let go of, ms. */
const UNSETTLED_MS = 500
const MOST_RECORDS = 1_000

interface Reading {
  epoch: number
  stop: AbortController
  done: Promise<void>
}

/** A partition that is this member's. */
interface Own {
  topic: Topic
  partition: number
  epoch: number
}

interface Page {
  records: StreamRecord[]
  next_offset: number
  end_offset: number
}

export class GroupConsumer {
  readonly #options: GroupConsumerOptions
  readonly #ask: Ask
  readonly #stop = new AbortController()
  readonly #readings = new Map<string, Reading>()
  #assignment: Assignment | undefined
  #running: Promise<void> | undefined

  constructor(options: GroupConsumerOptions) {
    this.#options = options
    this.#ask = apiOf(options)
  }

  /** Consumes until `stop`. @throws EventStreamError when the token is refused */
  run(): Promise<void> {
    this.#running ??= this.#live()
    return this.#running
  }

  /** Lets what is under way end, leaves the group, and answers then. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running?.catch(() => undefined)
  }

  async #live(): Promise<void> {
    const { signal } = this.#stop
    try {
      for (let failures = 0; !signal.aborted; ) {
        try {
          await this.#beat()
          failures = 0
          await pause(this.#untilNext(), signal)
        } catch (error) {
          if (isFinal(error)) throw error
          this.#options.onError?.(error)
          failures += 1
          await waitAfter(failures, signal)
        }
      }
    } finally {
      await this.#letGoOf([...this.#readings.keys()])
      await this.#leave().catch(() => undefined)
    }
  }

  /** A sign of life, or the first: then this reads what it has, and nothing else. */
  async #beat(): Promise<void> {
    const before = this.#assignment
    const assignment = before === undefined ? await this.#join() : await this.#heartbeat(before)
    await this.#adopt(assignment)
    // Only a member that knows the newest assignment has let go of what others are to have.
    if (before?.generation !== assignment.generation) await this.#adopt(await this.#heartbeat(assignment))
  }

  async #adopt(assignment: Assignment): Promise<void> {
    this.#assignment = assignment
    const own = new Map(assignment.assigned.map((one) => [nameOf(one), one]))
    const gone = [...this.#readings].filter(([name, { epoch }]) => own.get(name)?.epoch !== epoch)
    await this.#letGoOf(gone.map(([name]) => name))
    for (const [name, one] of own) if (!this.#readings.has(name)) this.#begin(name, one)
  }

  #join(): Promise<Assignment> {
    const { client, leaseMs = LEASE_MS, topics } = this.#options
    const body = { topics, lease_ms: leaseMs, ...(client !== undefined && { client }) }
    return this.#ask('POST', `${this.#group}/members`, { body })
  }

  async #heartbeat({ member_id, generation }: Assignment): Promise<Assignment> {
    try {
      return await this.#ask('POST', `${this.#group}/members/${member_id}/heartbeat`, {
        body: { generation },
      })
    } catch (error) {
      if (!(error instanceof EventStreamError) || error.status !== 404) throw error
      // It was silent for too long: others have its partitions by now.
      await this.#letGoOf([...this.#readings.keys()])
      return this.#join()
    }
  }

  async #leave(): Promise<void> {
    if (this.#assignment === undefined) return
    await this.#ask('DELETE', `${this.#group}/members/${this.#assignment.member_id}`)
  }

  #untilNext(): number {
    const { lease_ms: lease, settled } = this.#assignment ?? { lease_ms: LEASE_MS, settled: true }
    return settled ? lease / BEATS : UNSETTLED_MS
  }

  get #group(): string {
    return `/groups/${encodeURIComponent(this.#options.group)}`
  }

  // ------------------------------------------------------------ one partition

  #begin(name: string, { topic, partition, epoch }: Assignment['assigned'][number]): void {
    const stop = new AbortController()
    const done = this.#read({ topic, partition, epoch }, stop.signal)
    this.#readings.set(name, { epoch, stop, done })
  }

  async #letGoOf(names: readonly string[]): Promise<void> {
    const readings = names.flatMap((name) => this.#readings.get(name) ?? [])
    for (const { stop } of readings) stop.abort()
    await Promise.all(readings.map(({ done }) => done))
    for (const name of names) this.#readings.delete(name)
  }

  /** A batch is read, done and committed before the next one is read. */
  async #read(of: Own, signal: AbortSignal): Promise<void> {
    let isPinned = this.#options.from !== 'latest'
    for (let failures = 0; !signal.aborted; ) {
      try {
        const page = await this.#page(of, isPinned ? POLL_MS : 0, signal)
        if (page.records.length > 0) await this.#take(of, page, signal)
        // A group that begins with what is to come says where that is: else each read would begin anew.
        else if (!isPinned) await this.#commit(of, page.next_offset)
        isPinned = true
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        this.#options.onError?.(error)
        // Another member has it: the next sign of life says so too.
        if (error instanceof EventStreamError && error.status === 409) return
        failures += 1
        await waitAfter(failures, signal)
      }
    }
  }

  #page({ topic, partition, epoch }: Own, timeoutMs: number, signal: AbortSignal): Promise<Page> {
    const { from = 'earliest', group, limit = MOST_RECORDS } = this.#options
    const query = new URLSearchParams({
      group,
      epoch: String(epoch),
      offset: from,
      limit: String(limit),
      timeout: String(timeoutMs),
    })
    return this.#ask('GET', `/topics/${topic}/${partition}?${query}`, { signal })
  }

  async #take(
    of: Own,
    { records, next_offset: nextOffset, end_offset: endOffset }: Page,
    signal: AbortSignal,
  ): Promise<void> {
    const { topic, partition } = of
    const batch: Batch = { topic, partition, records, nextOffset, endOffset }
    await this.#options.each(batch, signal)
    await this.#commit(of, nextOffset)
  }

  /** What was done is committed even where the partition is about to go to another member. */
  async #commit({ topic, partition, epoch }: Own, offset: number): Promise<void> {
    const offsets = [{ topic, partition, epoch, offset }]
    await this.#ask('POST', `${this.#group}/commit`, { body: { offsets } })
  }
}

const nameOf = ({ topic, partition }: { topic: Topic; partition: number }) => `${topic}/${partition}`

/** The token is not good, or not for this: trying again helps nobody. */
function isFinal(error: unknown): boolean {
  return error instanceof EventStreamError && (error.status === 401 || error.status === 403)
}

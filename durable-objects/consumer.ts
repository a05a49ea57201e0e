/**
 * All that follows a commit has one shape: a cursor, batches, an acknowledgement, and a backoff of its own. At least
 * once: a batch is read again until it was acknowledged, so its receiver must know what it has taken before.
 */
import type { Random } from '../src/ports/system.ts'
import type { TimedJob } from './timers.ts'

/** How long news that can wait for company wait, ms (decision 18). */
export const QUIET_MS = 1_000

/** By how much of its delay an object may be later than others, at most. */
const SPREAD = 1 / 4

/**
 * How long one object gathers what it tells, ms: as long as it is meant to, or a little longer. Objects with one and the
 * same delay fall into step, and keep everybody waiting while they all tell at once.
 */
export function spreadDelay(delayMs: number, random: Random): number {
  const [chance = 0] = random.bytes(1)
  return Math.round(delayMs * (1 + (SPREAD * chance) / 0xff))
}

/** One row of an object's table of consumers: what it follows, and how the alarm runs it. */
export interface Consumer<Name extends string, Change> extends TimedJob<Name> {
  /** Whether a commit with this change gives it work. Absent where the giver of the work arms it. */
  follows?(change: Change): boolean
  /** When it runs: at once, or after waiting for company. Absent: with the archive's next batch. */
  when?: 'now' | 'quiet'
  /** How long this change waits for company, ms; absent: `QUIET_MS`. */
  quietMs?(change: Change): number
  /** What begins beside the answer, before the alarm rings. */
  begin?(): void
}

/**
 * Arms the consumers that a commit has given work. Call it in the turn of that commit, so that both reach the disk
 * together: a crash loses nothing that was to be told.
 */
export function follow<Name extends string, Change>(
  consumers: readonly Consumer<Name, Change>[],
  change: Change,
  timers: { arm(name: Name, at: number): void },
  { now, soon }: { now: number; soon: number },
): void {
  for (const consumer of consumers) {
    if (consumer.follows?.(change) !== true) continue
    const quiet = now + (consumer.quietMs?.(change) ?? QUIET_MS)
    timers.arm(consumer.name, { now, quiet, soon }[consumer.when ?? 'soon'])
    consumer.begin?.()
  }
}

/** The names of the rows. */
export function namesOf(consumers: readonly { name: string }[]): ReadonlySet<string> {
  return new Set(consumers.map(({ name }) => name))
}

/** What a courier carries away next. */
export interface Batch<Item> {
  /** One for each receiver, oldest first where their order counts; none if nothing waits. */
  items: readonly Item[]
  /** Whether there is more to carry once this is delivered. */
  more(): boolean
}

/** Where a consumer stands, and where its batches go. */
export interface Outlet<Item, Taken = void> {
  /** What comes after the cursor, as much as is told in one go. */
  read(): Batch<Item>
  /** Tells the receiver. @throws when it did not take the item, which is then read again */
  deliver(item: Item): Promise<Taken>
  /** Moves the cursor past what was taken. Absent where `deliver` moves it, piece by piece. */
  acknowledge?(item: Item, taken: Taken): void
  /** Items under way at once; absent: all of a batch. */
  atOnce?: number
  /** Each batch takes a run of its own, since it makes about as many calls as an invocation may. */
  batchPerRun?: boolean
}

/** Carries an outlet's batches: one flight at a time, so that none overtakes the one before. */
export class Courier<Item, Taken = void> {
  readonly #outlet: Outlet<Item, Taken>
  readonly #now: () => number
  #flight: Promise<boolean> | undefined
  /** The flight after this one, for all that ask for it meanwhile. */
  #next: Promise<boolean> | undefined

  constructor(outlet: Outlet<Item, Taken>, now: () => number) {
    this.#outlet = outlet
    this.#now = now
  }

  /** From the alarm. Answers when to go on. @throws as `flush`: the timers try again, after their backoff */
  async run(): Promise<number | undefined> {
    return (await this.flush()) ? this.#now() : undefined
  }

  /**
   * Delivers what waits now. What is committed during a flight goes with the next one. Answers whether more is left.
   * @throws when a receiver did not take its item: nothing is lost
   */
  flush(): Promise<boolean> {
    if (this.#flight !== undefined) {
      this.#next ??= this.#flushAfter(this.#flight)
      return this.#next
    }
    this.#flight = this.#carry().finally(() => {
      this.#flight = undefined
    })
    return this.#flight
  }

  async #flushAfter(flight: Promise<boolean>): Promise<boolean> {
    await flight.catch(() => undefined)
    this.#next = undefined
    return this.flush()
  }

  async #carry(): Promise<boolean> {
    for (;;) {
      const { items, more } = this.#outlet.read()
      if (items.length === 0) return false
      await this.#deliverAll(items)
      if (!more()) return false
      if (this.#outlet.batchPerRun === true) return true
    }
  }

  /** A flight that fails does not hold up the others. */
  async #deliverAll(items: readonly Item[]): Promise<void> {
    const failures: unknown[] = []
    const queue = items.values()
    const width = Math.min(this.#outlet.atOnce ?? items.length, items.length)
    // They share one iterator: each takes the next item when it is done with the one before.
    const deliveries = Array.from({ length: width }, async () => {
      for (const item of queue) await this.#deliver(item).catch((error: unknown) => failures.push(error))
    })
    await Promise.all(deliveries)
    if (failures.length > 0) throw failures[0]
  }

  async #deliver(item: Item): Promise<void> {
    const taken = await this.#outlet.deliver(item)
    this.#outlet.acknowledge?.(item, taken)
  }
}

/** Many timers over an object's one alarm: consumers say when they next want to run, each with its own backoff. */
import type { Clock } from '../src/ports.ts'
import type { ObjectStorage } from './sqlite.ts'

/** Something that runs from the alarm. `run` never throws for what may happen; a throw is taken as a failure. */
export interface TimedJob {
  name: string
  /** Does what is due. Answers the time (ms) at which it wants to run again, or undefined when nothing is left. */
  run(): Promise<number | undefined>
}

const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000

/** The wait before the next try after `failures` failures in a row, ms. */
export function backoff(failures: number): number {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 10))
}

/**
 * The only durable timer of an object. An alarm survives eviction, a crash and a deployment, so a job that armed
 * it inside its transaction will run; the alarm dies after six failures, so `fire` never throws.
 */
export class Timers {
  readonly #storage: ObjectStorage
  readonly #clock: Clock
  readonly #jobs: readonly TimedJob[]
  readonly #failures = new Map<string, number>()
  readonly #onError: (job: string, error: unknown) => void
  /** When the alarm rings, as far as this incarnation knows. */
  #alarmAt: number | undefined

  constructor(
    storage: ObjectStorage,
    clock: Clock,
    jobs: readonly TimedJob[],
    onError: (job: string, error: unknown) => void,
  ) {
    this.#storage = storage
    this.#clock = clock
    this.#jobs = jobs
    this.#onError = onError
  }

  /** Makes the alarm ring at `at` (ms) at the latest. One billed row, and only when it must move. */
  arm(at: number): void {
    if (this.#alarmAt !== undefined && this.#alarmAt <= at) return
    this.#alarmAt = at
    void this.#storage.setAlarm(at)
  }

  /** The alarm handler: runs each job, and arms the alarm for what is left. */
  async fire(): Promise<void> {
    this.#alarmAt = undefined
    await Promise.all(this.#jobs.map((job) => this.#runJob(job)))
  }

  async #runJob(job: TimedJob): Promise<void> {
    try {
      const next = await job.run()
      this.#failures.delete(job.name)
      if (next !== undefined) this.arm(next)
    } catch (error) {
      const failures = this.#failures.get(job.name) ?? 0
      this.#failures.set(job.name, failures + 1)
      this.#onError(job.name, error)
      this.arm(this.#clock.now() + backoff(failures))
    }
  }
}

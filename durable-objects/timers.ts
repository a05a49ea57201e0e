/** Many timers over an object's one alarm: each job has its own time, and its own backoff when it fails. */
import { takeFault } from '../src/faults.ts'
import { patiently } from '../src/patience.ts'
import type { Following } from '../src/ports/metrics.ts'
import type { Clock } from '../src/ports/system.ts'
import type { ObjectStorage } from './sqlite.ts'

/** Something that runs from the alarm. `run` does not throw for what may happen; a throw is taken as a failure. */
export interface TimedJob<Name extends string = string> {
  name: Name
  /** Does what is due. Answers the time (ms) at which it wants to run again, or undefined when nothing is left. */
  run(): Promise<number | undefined>
  /** Whether the tables show work that is left. Asked when an object finds itself without an alarm. */
  isLeft?(): boolean
}

const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000
/** How long the alarm waits for its jobs, so that a job that hangs does not hold up the others. */
const HANDLER_PATIENCE_MS = 2_000
/** When a job that went on after its alarm is looked at again: its object may have died meanwhile. */
const LOOK_AGAIN_MS = 20_000

/** The wait before the next try after `failures` failures in a row, ms. */
export function backoff(failures: number): number {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 10))
}

/** An alarm that is late by this may never ring: an object that dies at the end of its handler can keep it in its tables. */
const FORGOTTEN_MS = 10_000

/** A job's place in time, kept in memory: after an eviction the alarm runs every job. */
interface Timed<Name extends string> {
  job: TimedJob<Name>
  /** When it wants to run, ms. */
  due: number
  failures: number
  /** After a failure nothing runs it before this, ms. */
  restsUntil: number
  /** Since when it runs from the alarm, ms. */
  runningSince: number | undefined
}

export interface TimersParts<Name extends string> {
  storage: ObjectStorage
  clock: Clock
  jobs: readonly TimedJob<Name>[]
  onError: (job: Name, error: unknown) => void
  /** Told of what was armed and of how it went. */
  following?: Following
}

/**
 * The only durable timer of an object. An alarm survives eviction, a crash and a deployment, so a job that was armed
 * in the turn of its transaction will run; the alarm dies after six failures, so `fire` never throws.
 */
export class Timers<Name extends string> {
  readonly #parts: TimersParts<Name>
  readonly #jobs: ReadonlyMap<Name, Timed<Name>>
  /** When the alarm rings, as far as this incarnation knows. */
  #alarmAt: number | undefined
  /** An alarm of an incarnation before this one: it does not say for which job. */
  #inherited = Number.POSITIVE_INFINITY
  /** Whether the alarm that was there at the beginning is known: set before, a later one would take its place. */
  #isKnown = false
  #reading = false
  /** While the handler runs, the runtime repeats it if the object dies. */
  #isHandling = false

  constructor(parts: TimersParts<Name>) {
    this.#parts = parts
    const timed = parts.jobs.map((job) => ({
      job,
      due: Number.POSITIVE_INFINITY,
      failures: 0,
      restsUntil: 0,
      runningSince: undefined,
    }))
    this.#jobs = new Map(timed.map((one) => [one.job.name, one]))
  }

  /**
   * Has a job run at `at` (ms) at the latest; after a failure not before its next try. One billed row, and only when
   * the alarm must move.
   */
  arm(name: Name, at: number): void {
    this.#parts.following?.given(name)
    this.#wish(this.#jobs.get(name)!, at)
    this.#setAlarm()
  }

  /** Has every job run at `at` (ms) at the latest. */
  armAll(at: number): void {
    for (const one of this.#jobs.values()) this.#wish(one, at)
    this.#setAlarm()
  }

  /**
   * For an incarnation's first call: alarms that were lost are armed again where the tables show work that is left.
   * Nothing but the alarm's time is read where there is one.
   */
  recover(): void {
    this.#readAlarm(() => {
      const left = this.#parts.jobs.filter((job) => job.isLeft?.() === true)
      for (const { name } of left) this.#wish(this.#jobs.get(name)!, this.#parts.clock.now())
    })
  }

  /**
   * Runs a job for a request that wants to see it done. A job that failed a moment ago is not asked again.
   * @throws what the job throws
   */
  async runNow(name: Name): Promise<void> {
    const one = this.#jobs.get(name)!
    const failedAt = one.restsUntil - backoff(one.failures - 1)
    if (one.failures > 0 && this.#parts.clock.now() - failedAt < FIRST_RETRY_MS) {
      throw new Error(`${name} failed a moment ago`)
    }
    await this.#try(one)
  }

  /** The alarm handler: runs the jobs whose time has come, and arms the alarm for what is left. */
  async fire(): Promise<void> {
    const now = Math.max(this.#parts.clock.now(), this.#alarmAt ?? 0)
    if (!this.#isKnown || this.#inherited <= now) {
      for (const one of this.#jobs.values()) this.#wish(one, now)
      this.#inherited = Number.POSITIVE_INFINITY
    }
    this.#isKnown = true
    this.#alarmAt = undefined
    this.#isHandling = true
    const isDue = ({ due, job }: Timed<Name>) => due <= now || takeFault(`job:${job.name}`)
    const due = [...this.#jobs.values()].filter((one) => one.runningSince === undefined && isDue(one))
    await patiently(HANDLER_PATIENCE_MS, Promise.all(due.map((one) => this.#run(one, now))))
    this.#isHandling = false
    this.#setAlarm()
  }

  async #run(one: Timed<Name>, now: number): Promise<void> {
    one.due = Number.POSITIVE_INFINITY
    one.runningSince = now
    // A failure is noted already.
    const next = await this.#try(one).catch(() => undefined)
    one.runningSince = undefined
    if (next !== undefined) this.#wish(one, next)
    this.#setAlarm()
  }

  async #try(one: Timed<Name>): Promise<number | undefined> {
    const startedAt = this.#parts.clock.now()
    try {
      const next = await one.job.run()
      one.failures = 0
      one.restsUntil = 0
      this.#parts.following?.ran(one.job.name, next === undefined ? 'done' : 'left', startedAt)
      return next
    } catch (error) {
      one.restsUntil = this.#parts.clock.now() + backoff(one.failures)
      one.failures += 1
      one.due = one.restsUntil
      this.#setAlarm()
      this.#parts.following?.ran(one.job.name, 'failed', startedAt)
      this.#parts.onError(one.job.name, error)
      throw error
    }
  }

  #wish(one: Timed<Name>, at: number): void {
    one.due = Math.min(one.due, Math.max(at, one.restsUntil))
  }

  #setAlarm(): void {
    if (!this.#isKnown) {
      this.#readAlarm()
      return
    }
    const at = Math.min(this.#inherited, ...[...this.#jobs.values()].map((one) => this.#timeOf(one)))
    if (at === Number.POSITIVE_INFINITY || (this.#alarmAt !== undefined && this.#alarmAt <= at)) return
    this.#alarmAt = at
    void this.#parts.storage.setAlarm(at)
  }

  #timeOf({ due, runningSince }: Timed<Name>): number {
    if (runningSince === undefined) return due
    return this.#isHandling ? Number.POSITIVE_INFINITY : runningSince + LOOK_AGAIN_MS
  }

  /** The runtime answers before this turn ends, so what is armed then still reaches the disk with the commit. */
  #readAlarm(ifNone: () => void = () => undefined): void {
    if (this.#reading) return
    this.#reading = true
    const known = (at: number | null) => {
      const wasUnknown = !this.#isKnown
      if (wasUnknown && at !== null) {
        this.#inherited = at
        if (at > this.#parts.clock.now() - FORGOTTEN_MS) this.#alarmAt = at
      }
      this.#isKnown = true
      if (at === null && wasUnknown) ifNone()
      this.#setAlarm()
    }
    void this.#parts.storage.getAlarm().then(known, () => known(null))
  }
}

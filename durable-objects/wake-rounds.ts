/**
 * Where the machine is behind, the Rooms of this isolate wake their subscribers together: each user is called once in a
 * pause, by one Room, with what all Rooms have for them (decision 41). So a user of ten busy rooms costs a call and an
 * answer where they cost ten.
 */
import type { Wake } from '../src/objects/user/sync.ts'
import { inTime } from '../src/patience.ts'
import { type Lateness, lateness } from './lateness.ts'

/** What became of one user's wake; undefined: no answer. */
export type WakeAnswer = { unsubscribe: boolean } | undefined

/** Users, and what became of their wakes. */
export type WakeAnswers = [userId: string, answer: WakeAnswer][]

/** The Room that makes the calls. */
export interface WakeCaller {
  /** Calls one user with the wakes of several rooms, and answers in their order. */
  wakeTogether(userId: string, wakes: Wake[]): Promise<WakeAnswer[]>
  now(): number
}

/** From one round to the next, ms: each calls those users whose pause is over. */
const SPACING_MS = 20
/** Users that are called in one round: a request may make so many calls. */
const MOST_USERS = 300
/** Wakes in one call, which are so long at most. */
const MOST_WAKES = 50
/** A user that has not answered by then is called again by their Rooms, ms. */
const PATIENCE_MS = 8_000
/** A Room that was to call and has not by then is taken for dead, ms. */
const SILENCE_MS = 2_000
/** So many rounds in a row a Room makes, before one that has something to tell must make them. */
const TURNS = 50

/** A wake of a Room for users that it tells the same. */
export class Parcel {
  readonly wake: Wake
  /** Those that no round has called yet. */
  readonly waiting: Set<string>
  #answers: WakeAnswers = []
  #calling = 0

  constructor(userIds: readonly string[], wake: Wake) {
    this.wake = wake
    this.waiting = new Set(userIds)
  }

  get isOver(): boolean {
    return this.waiting.size === 0 && this.#calling === 0 && this.#answers.length === 0
  }

  called(userId: string): void {
    this.waiting.delete(userId)
    this.#calling += 1
  }

  answered(userId: string, answer: WakeAnswer): void {
    this.#calling -= 1
    this.#answers.push([userId, answer])
  }

  /** The answers that have come since the last look. */
  take(): WakeAnswers {
    const answers = this.#answers
    this.#answers = []
    return answers
  }
}

export class WakeRounds {
  readonly #lateness: Lateness
  /** By users, those that have waited longest first. */
  readonly #waiting = new Map<string, Parcel[]>()
  /** When users were called, those called last at the end. */
  readonly #calledAt = new Map<string, number>()
  /** Until when a user's answer may come, ms. */
  readonly #calling = new Map<string, number>()
  /** Until when somebody is expected to make the next round, ms. */
  #expected = Number.NEGATIVE_INFINITY
  /** Counts those that were to call: one that was taken for dead does not end the turn of another. */
  #callers = 0

  constructor(late: Lateness) {
    this.#lateness = late
  }

  /** How long a user who was called a moment ago waits for the next call, ms: 0 on a machine that keeps up. */
  pause(now: number): number {
    return this.#lateness.pause(now)
  }

  /** Whether wakes that would leave now go with a round. */
  gathers(now: number): boolean {
    return this.#waiting.size > 0 || this.pause(now) > 0
  }

  /** The wake goes with the next rounds, which this Room makes where no other does. */
  join(parcel: Parcel, caller: WakeCaller): void {
    for (const userId of parcel.waiting) {
      const waiting = this.#waiting.get(userId)
      if (waiting === undefined) this.#waiting.set(userId, [parcel])
      else waiting.push(parcel)
    }
    this.goOn(caller)
  }

  /** Somebody has something to tell and nobody is about to: this Room makes the next rounds. */
  goOn(caller: WakeCaller): void {
    if (this.#waiting.size > 0 && caller.now() >= this.#expected) this.#callSoon(caller, TURNS)
  }

  /**
   * Takes what waits for one user. Their object calls this when it is asked something, and so needs no call from a Room.
   * The caller then tells each parcel what became of it, by `answered`.
   */
  takeFor(userId: string, now: number): Parcel[] {
    const parcels = this.#waiting.get(userId) ?? []
    if (parcels.length === 0) return []
    this.#waiting.delete(userId)
    this.#tell(userId, parcels, now)
    return parcels
  }

  /** Takes back what no round has told yet. Answers of which users. */
  withdraw(parcel: Parcel): string[] {
    const userIds = [...parcel.waiting]
    parcel.waiting.clear()
    for (const userId of userIds) {
      const left = this.#waiting.get(userId)?.filter((other) => other !== parcel) ?? []
      // A user keeps their place among those that wait.
      this.#waiting.set(userId, left)
    }
    return userIds
  }

  #callSoon(caller: WakeCaller, turns: number): void {
    const due = caller.now() + SPACING_MS
    this.#expected = due + SILENCE_MS
    this.#callers += 1
    const number = this.#callers
    setTimeout(() => {
      if (number !== this.#callers) return
      const now = caller.now()
      this.#lateness.turned(due, now)
      for (const [userId, parcels] of this.#take(now)) void this.#call(caller, userId, parcels)
      this.#expected = Number.NEGATIVE_INFINITY
      if (this.#waiting.size > 0 && turns > 0) this.#callSoon(caller, turns - 1)
    }, SPACING_MS)
  }

  /** The wakes of those whose pause is over. */
  #take(now: number): [string, Parcel[]][] {
    const before = now - this.pause(now)
    for (const [userId, at] of this.#calledAt) {
      if (at > before) break
      this.#calledAt.delete(userId)
    }
    const taken: [string, Parcel[]][] = []
    for (const [userId, parcels] of this.#waiting) {
      if (taken.length === MOST_USERS) break
      if (parcels.length > 0) {
        if (this.#calledAt.has(userId) || now < (this.#calling.get(userId) ?? 0)) continue
        taken.push([userId, parcels.splice(0, MOST_WAKES)])
      }
      if (parcels.length === 0) this.#waiting.delete(userId)
    }
    return taken
  }

  #tell(userId: string, parcels: readonly Parcel[], now: number): void {
    // Their place is at the end.
    this.#calledAt.delete(userId)
    this.#calledAt.set(userId, now)
    for (const parcel of parcels) parcel.called(userId)
  }

  /** A user that does not answer is called again by each of their Rooms. */
  async #call(caller: WakeCaller, userId: string, parcels: readonly Parcel[]): Promise<void> {
    const now = caller.now()
    this.#tell(userId, parcels, now)
    this.#calling.set(userId, now + PATIENCE_MS)
    const wakes = parcels.map(({ wake }) => wake)
    const answers = await inTime(PATIENCE_MS, caller.wakeTogether(userId, wakes))
    this.#calling.delete(userId)
    for (const [i, parcel] of parcels.entries()) parcel.answered(userId, answers?.[i])
  }
}

/** Of this isolate. */
export const wakeRounds = new WakeRounds(lateness)

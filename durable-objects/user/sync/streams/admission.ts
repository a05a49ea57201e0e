/**
 * How many questions of first syncs to Rooms are under way in this isolate, whichever User objects ask: those that come
 * when it is full wait, in order (decision 39).
 */
import { asUnderWay } from '../../../../src/limiter.ts'
import { patiently } from '../../../../src/patience.ts'
import type { Clock } from '../../../../src/ports/system.ts'

/** A sync that shows no more new rooms than this waits for nobody. */
const FEW = 3
/** A sync goes behind the others each time it has asked so many Rooms. */
const STRETCH = 25
/** A question that has no answer by then no longer counts, ms: the Room hangs, or the object that asked is gone. */
const LOST_MS = 1_000
/** How often one that waits looks whether a question was lost, ms. Without a timer the runtime takes its request for hung. */
const LOOK_MS = 1_000

interface Waiting {
  order: number
  rooms: number
  admit: (ticket: number) => void
}

/** What is under way. */
interface Admitted {
  rooms: number
  since: number
}

export class Admission {
  readonly #limit: number
  readonly #clock: Clock
  /** By tickets, the oldest first. */
  readonly #underWay = new Map<number, Admitted>()
  readonly #waiting: Waiting[] = []
  #rooms = 0
  #tickets = 0
  #orders = 0

  /** @param limit Rooms that are asked at once */
  constructor(limit: number, clock: Clock) {
    this.#limit = limit
    this.#clock = clock
  }

  /**
   * A sync that is as old as this call.
   * @param newRooms how many rooms it shows for the first time
   */
  begin(newRooms: number): AdmittedSync {
    return new AdmittedSync(this, newRooms <= FEW)
  }

  /** Whether first syncs wait for each other. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Those that begin to ask later go behind. */
  nextOrder(): number {
    this.#orders += 1
    return this.#orders
  }

  /**
   * Comes back when so many Rooms may be asked together. They may be more than the limit where nothing else is asked.
   * @returns the ticket, for `leave`
   */
  enter(order: number, rooms: number): number | Promise<number> {
    this.#admitWaiting()
    if (this.#rooms < this.#limit) return this.#count(rooms)
    return asUnderWay(() => this.#wait(order, rooms))
  }

  /** A question has ended. */
  leave(ticket: number): void {
    this.#end(ticket)
    this.#admitWaiting()
  }

  async #wait(order: number, rooms: number): Promise<number> {
    const admitted = new Promise<number>((resolve) => {
      const behind = this.#waiting.findIndex((other) => other.order > order)
      this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, { order, rooms, admit: resolve })
    })
    let ticket = await patiently(LOOK_MS, admitted)
    while (ticket === undefined) {
      this.#admitWaiting()
      ticket = await patiently(LOOK_MS, admitted)
    }
    // A machine that is far behind may have counted it as lost before it came here.
    return this.#underWay.has(ticket) ? ticket : this.#count(rooms)
  }

  #count(rooms: number): number {
    this.#tickets += 1
    this.#underWay.set(this.#tickets, { rooms, since: this.#clock.now() })
    this.#rooms += rooms
    return this.#tickets
  }

  #end(ticket: number): void {
    this.#rooms -= this.#underWay.get(ticket)?.rooms ?? 0
    this.#underWay.delete(ticket)
  }

  /** The object of one that waits may be gone: what it was admitted to is lost like any other question. */
  #admitWaiting(): void {
    const now = this.#clock.now()
    for (const [ticket, { since }] of this.#underWay) {
      if (now - since < LOST_MS) break
      this.#end(ticket)
    }
    while (this.#rooms < this.#limit) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      next.admit(this.#count(next.rooms))
    }
  }
}

/** The questions of one sync, of which one waits at a time: it alone has a timer. */
export class AdmittedSync {
  readonly #admission: Admission
  readonly #isFree: boolean
  #order: number
  #left = STRETCH
  #before: Promise<unknown> = Promise.resolve()

  constructor(admission: Admission, isFree: boolean) {
    this.#admission = admission
    this.#isFree = isFree
    this.#order = admission.nextOrder()
  }

  /** Asks so many Rooms together, once that is admitted. */
  async ask<T>(rooms: number, question: () => Promise<T>): Promise<T> {
    if (this.#isFree) return question()
    const admitted = this.#before.then(() => this.#enter(rooms))
    this.#before = admitted
    const ticket = await admitted
    try {
      return await question()
    } finally {
      this.#admission.leave(ticket)
    }
  }

  #enter(rooms: number): number | Promise<number> {
    if (this.#left <= 0) {
      this.#order = this.#admission.nextOrder()
      this.#left = STRETCH
    }
    this.#left -= rooms
    return this.#admission.enter(this.#order, rooms)
  }
}

let ofIsolate: Admission | undefined

/** The one that all User objects of this isolate share. */
export function sharedAdmission(limit: number, clock: Clock): Admission {
  ofIsolate ??= new Admission(limit, clock)
  return ofIsolate
}

/**
 * Rooms of this isolate that have something for the same partition of the event stream tell it in one call: one of them
 * makes it for all. No delivery depends on this: what is lost with the room that called is told by each room's alarm.
 */
import type { Delivery } from '../../../src/objects/partition/records.ts'

/** From one call of a partition to the next while somebody reads it, ms. The first one after a rest waits for nothing. */
export const SPACING_MS = 100
/**
 * The same while nobody does: a call costs about as much as a send. What is said is told before the archive's acknowledgement,
 * which is to store that it was.
 */
const UNREAD_MS = 800
/**
 * Where the machine is behind, there are fewer calls, and it catches up: a turn that is later than usual makes the spacing
 * longer by so many times its delay, up to a bound (ms).
 */
const USUAL_MS = 5
const FACTOR = 10
const LONGEST_MS = 150
/** How much of the lateness the newest turn counts for. */
const NEWEST = 0.3
/** Characters of a call, beyond which no further room goes with it. */
const MOST_LENGTH = 500_000
/** A room that was to call and has not by then is taken for dead, ms. */
const SILENCE_MS = 2_000
/** So many calls in a row a room makes for others, before one that has something to tell must make them. */
const TURNS = 20

/** A room that has something to tell. What is called here runs in any room's turn: it may touch memory alone. */
export interface Teller {
  /** What it tells now, all of which is on its disk; nothing else is taken until this is taken or lost. */
  take(): Delivery | undefined
  /** The partition has it. Answers whether there is more to tell. */
  taken(delivery: Delivery): boolean
  lost(delivery: Delivery): void
}

/** The room that makes the call. */
export interface Caller {
  /** Answers whether anybody reads the partition. */
  deliver(deliveries: Delivery[]): Promise<boolean>
  now(): number
}

export class Round {
  readonly #waiting = new Set<Teller>()
  #calledAt = Number.NEGATIVE_INFINITY
  /** When the next call is made, or the last one was to be. */
  #plannedAt = Number.NEGATIVE_INFINITY
  #isRead = true
  /** Somebody has too much to tell for a long wait. */
  #isUrgent = false
  /** How late turns come, ms, smoothed. */
  #late = 0
  /** Until when somebody is expected to call, ms. */
  #expected = Number.NEGATIVE_INFINITY
  /** Counts those that were to call: a late one does not end the turn of another. */
  #callers = 0

  /** When the next call is made at the earliest, ms. */
  get dueAt(): number {
    return this.#calledAt + this.#spacing
  }

  /** The teller goes with the next call, which this caller makes where nobody else is about to. */
  join(teller: Teller, caller: Caller, { isUrgent }: { isUrgent: boolean }): void {
    this.#waiting.add(teller)
    if (isUrgent) this.#isUrgent = true
    const isTooLate = this.#plannedAt > Math.max(caller.now(), this.dueAt)
    if (isTooLate || caller.now() >= this.#expected) this.#callSoon(caller, TURNS)
  }

  leave(teller: Teller): void {
    this.#waiting.delete(teller)
  }

  get #spacing(): number {
    if (!this.#isRead && !this.#isUrgent) return UNREAD_MS
    return Math.min(LONGEST_MS, SPACING_MS + FACTOR * Math.max(0, this.#late - USUAL_MS))
  }

  #callSoon(caller: Caller, turns: number): void {
    const now = caller.now()
    const at = Math.max(now, this.dueAt)
    this.#plannedAt = at
    this.#expected = at + SILENCE_MS
    this.#callers += 1
    const number = this.#callers
    setTimeout(() => {
      this.#late += NEWEST * (Math.max(0, caller.now() - at) - this.#late)
      void this.#call(caller, turns, number)
    }, at - now)
  }

  async #call(caller: Caller, turns: number, number: number): Promise<void> {
    if (number !== this.#callers) return
    this.#isUrgent = false
    this.#calledAt = caller.now()
    this.#expected = this.#calledAt + SILENCE_MS
    const taken = this.#takeAll()
    if (taken.length > 0) await this.#deliver(caller, taken)
    if (number !== this.#callers) return
    this.#expected = Number.NEGATIVE_INFINITY
    if (this.#waiting.size > 0 && turns > 0) this.#callSoon(caller, turns - 1)
  }

  #takeAll(): [Teller, Delivery][] {
    const taken: [Teller, Delivery][] = []
    let length = 0
    for (const teller of this.#waiting) {
      if (length > MOST_LENGTH) break
      this.#waiting.delete(teller)
      const delivery = teller.take()
      if (delivery === undefined) continue
      taken.push([teller, delivery])
      for (const { body } of delivery.records) length += body.length
    }
    return taken
  }

  async #deliver(caller: Caller, taken: [Teller, Delivery][]): Promise<void> {
    try {
      this.#isRead = await caller.deliver(taken.map(([, delivery]) => delivery))
      for (const [teller, delivery] of taken) if (teller.taken(delivery)) this.#waiting.add(teller)
    } catch {
      for (const [teller, delivery] of taken) teller.lost(delivery)
    }
  }
}

/** Of this isolate, by the partition's number. */
const rounds = new Map<number, Round>()

export function roundOf(partition: number): Round {
  const round = rounds.get(partition) ?? new Round()
  rounds.set(partition, round)
  return round
}

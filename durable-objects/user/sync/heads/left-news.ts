/** Quiet news that waiting clients are told later (decision 35): up to where, by room, and what the wakes carried. */
import type { Increment } from '../../../../src/objects/room/sync.ts'

/** Rooms and wakes that may be left. The attachments of polls hold their places, and are small. */
const MOST_ROOMS = 16
const MOST_WAKES = 64

/** A room, and the position up to which its news are left. */
export type LeftPlace = readonly [room: number, to: number]

/** What is left, kept with the polls that wait. */
export interface Left {
  places: LeftPlace[]
  /** When the first of it came, ms. */
  since: number
}

export interface LeftWake {
  room: number
  to: number
  /** Where the wake carried it, and this incarnation has taken it. */
  increment: Increment | undefined
  /** Characters of its JSON. */
  length: number
}

export class LeftNews {
  readonly #places = new Map<number, number>()
  #wakes: LeftWake[] = []

  get places(): LeftPlace[] {
    return [...this.#places]
  }

  /** Up to where a room's news are left; 0: none are. */
  to(room: number): number {
    return this.#places.get(room) ?? 0
  }

  /** Whether the left news of a room has typing in it. */
  hasTyping(room: number): boolean {
    return this.#wakes.some((wake) => wake.room === room && wake.increment?.typing !== undefined)
  }

  /** Answers whether there was room for it. */
  put(wake: LeftWake): boolean {
    const { room, to } = wake
    const isFull = !this.#places.has(room) && this.#places.size >= MOST_ROOMS
    if (isFull || this.#wakes.length >= MOST_WAKES) return false
    this.#places.set(room, Math.max(to, this.to(room)))
    this.#wakes.push(wake)
    return true
  }

  /** What was left of a room need not be told: the Room will be asked. */
  drop(room: number): void {
    if (!this.#places.delete(room)) return
    this.#wakes = this.#wakes.filter((wake) => wake.room !== room)
  }

  /** Nothing is left any more. Answers what was, in the order in which it came. */
  takeAll(): LeftWake[] {
    const wakes = this.#wakes
    this.#wakes = []
    this.#places.clear()
    return wakes
  }
}

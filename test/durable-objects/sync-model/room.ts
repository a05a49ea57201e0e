/** A Room, as far as sync is concerned: a head, and one subscriber's watermark. */
import type { Rule } from './rules.ts'

export interface Wake {
  room: number
  to: number
  generation: number
}

export class Room {
  head = 1
  /** Up to where the subscriber counts as told; undefined: nobody has subscribed. */
  acked: number | undefined
  #generation = 0
  readonly #without: Rule | undefined

  constructor(without: Rule | undefined) {
    this.#without = without
  }

  /** Subscribes, and stands for all wakes up to the head that it answers. */
  pull(): number {
    this.#generation += 1
    this.acked = this.head
    return this.head
  }

  wake(room: number): Wake | undefined {
    if (this.acked === undefined || this.acked >= this.head) return undefined
    return { room, to: this.head, generation: this.#generation }
  }

  woken({ to, generation }: Wake, unsubscribe: boolean): void {
    if (this.acked === undefined) return
    if (this.#without !== 'generations' && generation !== this.#generation) return
    this.acked = unsubscribe ? undefined : Math.max(this.acked, to)
  }
}

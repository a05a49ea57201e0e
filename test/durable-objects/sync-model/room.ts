/** A Room, as far as sync is concerned: a head, and one subscriber's watermark. */
import type { Increment, TimelineEvent } from '../../../src/objects/room/sync.ts'
import type { Rule } from './rules.ts'

export interface Wake {
  room: number
  to: number
  generation: number
  /** Where it was small enough. */
  increment: Increment | undefined
  /** Nothing in it is news that cannot wait. */
  quiet: boolean
}

const MESSAGE = { event_id: '$', type: 'm.room.message', sender: '@', content: {}, origin_server_ts: 0 }

export class Room {
  head = 1
  /** The newest position that cannot wait. */
  loud = 1
  /** Up to where the subscriber counts as told; undefined: nobody has subscribed. */
  acked: number | undefined
  #generation = 0
  readonly #without: Rule | undefined

  constructor(without: Rule | undefined) {
    this.#without = without
  }

  happen(loud: boolean): void {
    this.head += 1
    if (loud) this.loud = this.head
  }

  /** Subscribes, and stands for all wakes up to the head that it answers. */
  pull(): number {
    this.#generation += 1
    this.acked = this.head
    return this.head
  }

  wake(room: number, isSmall: boolean): Wake | undefined {
    if (this.acked === undefined || this.acked >= this.head) return undefined
    const increment = isSmall ? incrementOf(this.acked, this.head) : undefined
    const quiet = this.acked >= this.loud
    return { room, to: this.head, generation: this.#generation, increment, quiet }
  }

  woken({ to, generation }: Wake, unsubscribe: boolean): void {
    if (this.acked === undefined) return
    if (this.#without !== 'generations' && generation !== this.#generation) return
    this.acked = unsubscribe ? undefined : Math.max(this.acked, to)
  }
}

function incrementOf(from: number, to: number): Increment {
  const events: TimelineEvent[] = []
  for (let pos = from + 1; pos <= to; pos += 1) events.push({ pos, event: MESSAGE })
  return { from, to, events, members: [] }
}

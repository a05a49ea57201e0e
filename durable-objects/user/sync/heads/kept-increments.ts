/** What wakes carried, as far as it joins without a gap: a poll between two wakes is answered from it. */
import type { Increment } from '../../../../src/objects/room/sync.ts'

/** Rooms whose newest increments are kept, and events a room. */
const KEPT_ROOMS = 200
const KEPT_EVENTS = 64
/** Characters of all that is kept: the rooms that have been quiet longest go first. */
const KEPT_LENGTH = 4_000_000

/** An increment, and how long its JSON is. */
interface Kept {
  increment: Increment
  length: number
}

/** Increments that join without a gap, with what they weigh and how long they are in sum. */
interface Chain {
  from: number
  to: number
  kept: Kept[]
  weight: number
  length: number
}

export class KeptIncrements {
  readonly #chains = new Map<number, Chain>()
  #length = 0

  /**
   * Keeps what a wake carried, if it joins on to what is kept; undefined: it carried nothing.
   * @param length characters of its JSON
   */
  keep(room: number, increment: Increment | undefined, length: number): void {
    const chain = this.drop(room)
    if (increment === undefined) return
    const next = extend(chain, { increment, length })
    this.#chains.set(room, next)
    this.#length += next.length
    while (this.#chains.size > KEPT_ROOMS || (this.#length > KEPT_LENGTH && this.#chains.size > 1))
      this.drop(this.#chains.keys().next().value as number)
  }

  drop(room: number): Chain | undefined {
    const chain = this.#chains.get(room)
    this.#chains.delete(room)
    this.#length -= chain?.length ?? 0
    return chain
  }

  /** The increments that lead from `since` to `head` without a gap, if there are such. */
  between(room: number, since: number, head: number): Increment[] | undefined {
    const chain = this.#chains.get(room)
    if (chain === undefined || chain.from > since || chain.to < head) return undefined
    // Those who ask stand near the end, most often.
    const first = chain.kept.findLastIndex(({ increment }) => increment.to <= since) + 1
    return chain.kept.slice(first).map(({ increment }) => increment)
  }
}

function begun(first: Kept): Chain {
  const { increment, length } = first
  return { from: increment.from, to: increment.to, kept: [first], weight: weightOf(increment), length }
}

/** The chain that is given becomes the longer one. */
function extend(chain: Chain | undefined, { increment, length }: Kept): Chain {
  // A redaction changes events kept before it; a gap or an older copy cannot be joined.
  if (chain === undefined || hasRedaction(increment) || increment.from > chain.to)
    return begun({ increment, length })
  if (increment.to <= chain.to) return chain
  const added = increment.from === chain.to ? increment : after(increment, chain.to)
  chain.kept.push({ increment: added, length })
  chain.to = increment.to
  chain.weight += weightOf(added)
  chain.length += length
  while (chain.kept.length > 1 && chain.weight > KEPT_EVENTS) {
    const oldest = chain.kept.shift()!
    chain.weight -= weightOf(oldest.increment)
    chain.length -= oldest.length
  }
  chain.from = chain.kept[0]!.increment.from
  return chain
}

/** Typing alone counts as one: a chain of it must end too. */
function weightOf({ events, receipts = [] }: Increment): number {
  return Math.max(1, events.length + receipts.length)
}

function after(increment: Increment, pos: number): Increment {
  const trimmed = { ...increment, from: pos, events: increment.events.filter((event) => event.pos > pos) }
  if (trimmed.receipts !== undefined) {
    trimmed.receipts = trimmed.receipts.filter((receipt) => receipt.pos > pos)
  }
  return trimmed
}

function hasRedaction(increment: Increment): boolean {
  return increment.events.some(({ event }) => event.type === 'm.room.redaction')
}

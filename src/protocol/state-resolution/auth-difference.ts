/**
 * The auth difference: the events that are in the full auth chains of some sides of a fork, and not of all. The
 * conflicted events are left out, which are resolved in any case.
 */
import { type AuthChains, type ChainPlace, placesOf, type Reach, reachOf } from './auth-chains.ts'

/**
 * Only ancestors of conflicted events can be in the difference. Of those, what every side's conflicted events reach is
 * not, and neither is what any event reaches that all sides share. The second is asked backwards from each candidate,
 * since the shared state may hold as many events as the room has members.
 *
 * An event of a state counts as part of the chain of that state, as other servers have it.
 *
 * @param isShared whether an event is in the state of every side
 */
export function authDifference(
  chains: AuthChains,
  eventsBySide: readonly (readonly string[])[],
  isShared: (eventId: string) => boolean,
): Set<string> {
  const reaches = eventsBySide.map((events) => reachOf(chains, placesOf(chains, events)))
  const conflicted = new Set(eventsBySide.flat())
  const shared = new SharedAncestors(chains, isShared)
  const difference = new Set<string>()
  for (const chain of new Set(reaches.flatMap((reach) => [...reach.keys()]))) {
    const from = lowest(reaches, chain) + 1
    let seq = highest(reaches, chain)
    if (seq < from) continue
    for (const eventId of chains.eventsIn({ chain, from, to: seq })) {
      if (!conflicted.has(eventId)) {
        // What reaches an event reaches all below it in its chain.
        if (shared.has({ chain, seq })) break
        difference.add(eventId)
      }
      seq--
    }
  }
  return difference
}

function lowest(reaches: readonly Reach[], chain: number): number {
  return reaches.reduce((least, reach) => Math.min(least, reach.get(chain) ?? 0), Number.POSITIVE_INFINITY)
}

function highest(reaches: readonly Reach[], chain: number): number {
  return reaches.reduce((most, reach) => Math.max(most, reach.get(chain) ?? 0), 0)
}

/** What the shared state reaches, found by walking from the place that is asked for to what has it in its auth chain. */
class SharedAncestors {
  readonly #chains: AuthChains
  readonly #isShared: (eventId: string) => boolean
  /** By chain, the lowest place from which on nothing shared was found. */
  readonly #clear = new Map<number, number>()
  /** By chain, the highest place that is known to be reached. */
  readonly #reached = new Map<number, number>()

  constructor(chains: AuthChains, isShared: (eventId: string) => boolean) {
    this.#chains = chains
    this.#isShared = isShared
  }

  has(place: ChainPlace): boolean {
    const seen = new Map<number, number>()
    const found = this.#walk(place, seen)
    if (found) this.#reached.set(place.chain, Math.max(place.seq, this.#reached.get(place.chain) ?? 0))
    // A walk to its end has cleared all that it saw; one that found something leaves its other branches open.
    else for (const [chain, seq] of seen) this.#clear.set(chain, seq)
    return found
  }

  /** Goes deeper at each link before the next one is read, so that the first shared event ends the reading. */
  #walk(start: ChainPlace, seen: Map<number, number>): boolean {
    const open: Iterator<ChainPlace>[] = [[start].values()]
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const next = top.next()
      if (next.done === true) {
        open.pop()
        continue
      }
      const { chain, seq } = next.value
      if ((this.#reached.get(chain) ?? 0) >= seq) return true
      const lookedAt = seen.get(chain) ?? this.#clear.get(chain) ?? Number.POSITIVE_INFINITY
      if (lookedAt <= seq) continue
      seen.set(chain, seq)
      const range = { chain, from: seq, to: lookedAt - 1 }
      for (const eventId of this.#chains.eventsIn(range)) if (this.#isShared(eventId)) return true
      open.push(originsOf(this.#chains.linksInto(range)))
    }
    return false
  }
}

function* originsOf(links: ReturnType<AuthChains['linksInto']>): Generator<ChainPlace> {
  for (const { from } of links) yield from
}

/** The chain cover index: gives each event of the auth graph its place, one after the other, and answers in both directions. */
import type { AuthChains, ChainLink, ChainPlace, ChainRange } from './auth-chains.ts'

/** What must be known of a cover to give the next event its place. */
export interface PlacedChains {
  placeOf(eventId: string): ChainPlace | undefined
  isLastOfChain(place: ChainPlace): boolean
  /** A number that no chain has yet. */
  nextChain(): number
  /** Whether a link from the chain of `from`, at or below it, leads to `to` or further. */
  isLinked(from: ChainPlace, to: ChainPlace): boolean
}

export interface Placement {
  place: ChainPlace
  /** What the event reaches outside its chain, unless its predecessor has a link that far. At most one an auth event. */
  links: ChainPlace[]
}

/**
 * The place of a new event: behind an auth event that ends its chain, or else in a chain of its own. Costs a few
 * look-ups an auth event, however long the room's history is.
 *
 * Undefined where an auth event has no place yet: a place without the link to it would hide that link for good, as all
 * that comes later relies on it.
 */
export function placementOf(chains: PlacedChains, authEvents: readonly string[]): Placement | undefined {
  const parents: ChainPlace[] = []
  for (const eventId of authEvents) {
    const place = chains.placeOf(eventId)
    if (place === undefined) return undefined
    parents.push(place)
  }
  const behind = parents.find((place) => chains.isLastOfChain(place))
  const place =
    behind === undefined
      ? { chain: chains.nextChain(), seq: 1 }
      : { chain: behind.chain, seq: behind.seq + 1 }
  const links = furthestByChain(parents).filter(
    (parent) => parent.chain !== place.chain && (behind === undefined || !chains.isLinked(behind, parent)),
  )
  return { place, links }
}

function furthestByChain(places: readonly ChainPlace[]): ChainPlace[] {
  const furthest = new Map<number, ChainPlace>()
  for (const place of places) {
    const known = furthest.get(place.chain)
    if (known === undefined || known.seq < place.seq) furthest.set(place.chain, place)
  }
  return [...furthest.values()]
}

interface Chain {
  /** By sequence, which starts at 1. */
  events: string[]
  /** By the sequence at which they start. */
  linksFrom: ChainLink[][]
  /** By the sequence at which they end. */
  linksInto: ChainLink[][]
}

/** A chain cover in memory. */
export class ChainCover implements AuthChains, PlacedChains {
  readonly #places = new Map<string, ChainPlace>()
  readonly #chains = new Map<number, Chain>()

  /**
   * Gives an event its place and answers it. An event that has one keeps it. Undefined where an auth event has none:
   * add the event again once they have.
   */
  add(eventId: string, authEvents: readonly string[]): ChainPlace | undefined {
    const known = this.#places.get(eventId)
    if (known !== undefined) return known
    const placement = placementOf(this, authEvents)
    if (placement === undefined) return undefined
    const { place, links } = placement
    this.#places.set(eventId, place)
    const chain = this.#chainOf(place.chain)
    chain.events[place.seq] = eventId
    for (const to of links) {
      const link = { from: place, to }
      listAt(chain.linksFrom, place.seq).push(link)
      listAt(this.#chainOf(to.chain).linksInto, to.seq).push(link)
    }
    return place
  }

  placeOf(eventId: string): ChainPlace | undefined {
    return this.#places.get(eventId)
  }

  isLastOfChain({ chain, seq }: ChainPlace): boolean {
    return this.#chains.get(chain)?.events[seq + 1] === undefined
  }

  nextChain(): number {
    return this.#chains.size + 1
  }

  isLinked(from: ChainPlace, to: ChainPlace): boolean {
    for (const link of this.linksFrom({ chain: from.chain, from: 1, to: from.seq })) {
      if (link.to.chain === to.chain && link.to.seq >= to.seq) return true
    }
    return false
  }

  *eventsIn({ chain, from, to }: ChainRange): Iterable<string> {
    const events = this.#chains.get(chain)?.events ?? []
    for (let seq = Math.min(to, events.length - 1); seq >= from; seq--) {
      const eventId = events[seq]
      if (eventId !== undefined) yield eventId
    }
  }

  linksFrom({ chain, from, to }: ChainRange): Iterable<ChainLink> {
    return inRange(this.#chains.get(chain)?.linksFrom ?? [], from, to)
  }

  linksInto({ chain, from, to }: ChainRange): Iterable<ChainLink> {
    return inRange(this.#chains.get(chain)?.linksInto ?? [], from, to)
  }

  #chainOf(number: number): Chain {
    const known = this.#chains.get(number)
    if (known !== undefined) return known
    const chain: Chain = { events: [], linksFrom: [], linksInto: [] }
    this.#chains.set(number, chain)
    return chain
  }
}

function listAt<T>(lists: T[][], index: number): T[] {
  const known = lists[index]
  if (known !== undefined) return known
  const list: T[] = []
  lists[index] = list
  return list
}

/** From the highest place down, since what is newer is more often current. */
function* inRange(
  lists: readonly (ChainLink[] | undefined)[],
  from: number,
  to: number,
): Iterable<ChainLink> {
  for (let seq = Math.min(to, lists.length - 1); seq >= from; seq--) yield* lists[seq] ?? []
}

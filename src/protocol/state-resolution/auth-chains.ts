/** The chain cover of a room's auth graph as resolution reads it: places, links in both directions, and walks over them. */

/** Where an event stands: it has all lower events of its chain in its auth chain. */
export type ChainPlace = { chain: number; seq: number }

/** `from` has `to` in its auth chain, and so has what follows `from` in its chain. */
export interface ChainLink {
  from: ChainPlace
  to: ChainPlace
}

/** A part of a chain: both ends are in it. */
export interface ChainRange {
  chain: number
  from: number
  to: number
}

/**
 * Reads a chain cover. Iterables are lazy: a walk that has found what it looks for reads no more of them. An event has
 * no place before all its auth events have one.
 */
export interface AuthChains {
  placeOf(eventId: string): ChainPlace | undefined
  /** The events of the range, from the highest place down. */
  eventsIn(range: ChainRange): Iterable<string>
  /** The links that start in the range. */
  linksFrom(range: ChainRange): Iterable<ChainLink>
  /** The links that end in the range. Stored links need an index by `to_chain` for it. */
  linksInto(range: ChainRange): Iterable<ChainLink>
}

/** What some events reach: in each chain all places up to the given one. */
export type Reach = ReadonlyMap<number, number>

/** A resolution was asked for before the auth events of one of its events were there. */
export class UnplacedEvent extends Error {
  override readonly name = 'UnplacedEvent'
  readonly eventId: string

  constructor(eventId: string) {
    super('An event has no place in the chain cover, since some of its auth events are missing')
    this.eventId = eventId
  }
}

/** @throws UnplacedEvent where an event has no place */
export function placesOf(chains: AuthChains, eventIds: Iterable<string>): ChainPlace[] {
  const places: ChainPlace[] = []
  for (const eventId of eventIds) {
    const place = chains.placeOf(eventId)
    if (place === undefined) throw new UnplacedEvent(eventId)
    places.push(place)
  }
  return places
}

/**
 * Walks from the places to all that is in their auth chains, the places themselves included.
 * @param onLink is told of every link on the way, once
 */
export function reachOf(
  chains: AuthChains,
  places: Iterable<ChainPlace>,
  onLink: (link: ChainLink) => void = () => {},
): Map<number, number> {
  const reach = new Map<number, number>()
  const open = [...places]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const known = reach.get(place.chain) ?? 0
    if (known >= place.seq) continue
    reach.set(place.chain, place.seq)
    for (const link of chains.linksFrom({ chain: place.chain, from: known + 1, to: place.seq })) {
      onLink(link)
      open.push(link.to)
    }
  }
  return reach
}

/** Whether `ancestor` is in the auth chain of `eventId`. An event is not in its own; one without a place is in none. */
export function isInAuthChain(chains: AuthChains, ancestor: string, eventId: string): boolean {
  const target = chains.placeOf(ancestor)
  const start = chains.placeOf(eventId)
  if (target === undefined || start === undefined || ancestor === eventId) return false
  const seen = new Map<number, number>()
  const open = [start]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (place.chain === target.chain && place.seq >= target.seq) return true
    const known = seen.get(place.chain) ?? 0
    if (known >= place.seq) continue
    seen.set(place.chain, place.seq)
    for (const { to } of chains.linksFrom({ chain: place.chain, from: known + 1, to: place.seq }))
      open.push(to)
  }
  return false
}

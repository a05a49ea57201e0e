/** The conflicted state subgraph of resolution v2.1: what lies between two conflicted events. Room Version 12. */
import { type AuthChains, type ChainLink, type ChainPlace, placesOf, reachOf } from './auth-chains.ts'

/**
 * The conflicted events, and each event that has one of them in its auth chain and is itself in the auth chain of
 * another. Read forwards alone: the way back goes over the links that were met, so that an old conflicted event which
 * the whole room stands on costs no more than a new one.
 */
export function conflictedSubgraph(chains: AuthChains, conflicted: Iterable<string>): Set<string> {
  const places = placesOf(chains, conflicted)
  const linksInto = new Map<number, ChainLink[]>()
  const above = reachOf(chains, places, (link) => {
    const known = linksInto.get(link.to.chain)
    if (known === undefined) linksInto.set(link.to.chain, [link])
    else known.push(link)
  })
  const subgraph = new Set<string>()
  for (const [chain, from] of reachedBackwards(places, linksInto)) {
    const to = above.get(chain) ?? 0
    for (const eventId of chains.eventsIn({ chain, from, to })) subgraph.add(eventId)
  }
  return subgraph
}

/** By chain, the lowest place that reaches one of the places, or is one. */
function reachedBackwards(
  places: readonly ChainPlace[],
  linksInto: ReadonlyMap<number, readonly ChainLink[]>,
): Map<number, number> {
  const below = new Map<number, number>()
  const open = [...places]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { chain, seq } = place
    const known = below.get(chain) ?? Number.POSITIVE_INFINITY
    if (known <= seq) continue
    below.set(chain, seq)
    for (const { from, to } of linksInto.get(chain) ?? []) {
      if (to.seq >= seq && to.seq < known) open.push(from)
    }
  }
  return below
}

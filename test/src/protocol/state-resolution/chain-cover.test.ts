/** The chain cover: what it says of the auth graph is what a walk over all auth events says. */
import { describe, expect, test } from 'vitest'
import {
  isInAuthChain,
  placesOf,
  UnplacedEvent,
} from '../../../../src/protocol/state-resolution/auth-chains.ts'
import { ChainCover, placementOf } from '../../../../src/protocol/state-resolution/chain-cover.ts'
import { seeded } from '../../../fuzz/random.ts'

/** Each event cites up to five earlier ones, mostly late ones. */
function randomGraph(seed: number, size: number): Map<string, string[]> {
  const random = seeded(seed)
  const graph = new Map<string, string[]>()
  for (let index = 0; index < size; index++) {
    const cited = new Set<string>()
    for (let count = random.below(6); count > 0 && index > 0; count--) {
      const back = random.chance(0.7) ? random.below(Math.min(index, 5)) : random.below(index)
      cited.add(`$${index - 1 - back}`)
    }
    graph.set(`$${index}`, [...cited])
  }
  return graph
}

function walked(graph: ReadonlyMap<string, string[]>, start: string): Set<string> {
  const chain = new Set<string>()
  const open = [...(graph.get(start) ?? [])]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (!chain.has(next)) open.push(...(graph.get(next) ?? []))
    chain.add(next)
  }
  return chain
}

function coverOf(graph: ReadonlyMap<string, string[]>, order = [...graph.keys()]): ChainCover {
  const cover = new ChainCover()
  for (const eventId of order) cover.add(eventId, graph.get(eventId) ?? [])
  return cover
}

/** An order in which each event still comes after what it cites. */
function shuffled(graph: ReadonlyMap<string, string[]>, seed: number): string[] {
  const random = seeded(seed)
  const order: string[] = []
  const left = new Set(graph.keys())
  while (left.size > 0) {
    const ready = [...left].filter((id) => (graph.get(id) ?? []).every((cited) => !left.has(cited)))
    const next = random.pick(ready)
    left.delete(next)
    order.push(next)
  }
  return order
}

describe.each([1, 2, 3, 4, 5, 6])('a random auth graph, seed %i', (seed) => {
  const graph = randomGraph(seed, 80)
  const ids = [...graph.keys()]

  test('has in each auth chain what a walk finds', () => {
    const cover = coverOf(graph)
    for (const eventId of ids) {
      const found = ids.filter((other) => isInAuthChain(cover, other, eventId))
      expect(new Set(found)).toEqual(walked(graph, eventId))
    }
  })

  test('says the same whichever order its events came in', () => {
    const cover = coverOf(graph, shuffled(graph, seed))
    for (const eventId of ids) {
      const found = ids.filter((other) => isInAuthChain(cover, other, eventId))
      expect(new Set(found)).toEqual(walked(graph, eventId))
    }
  })

  test('has each link in both directions', () => {
    const cover = coverOf(graph)
    const everywhere = [...new Set(ids.map((id) => cover.placeOf(id)!.chain))].map((chain) => ({
      chain,
      from: 1,
      to: 80,
    }))
    const named = (links: Iterable<object>) => [...links].map((link) => JSON.stringify(link))
    const from = everywhere.flatMap((range) => named(cover.linksFrom(range))).sort()
    const into = everywhere.flatMap((range) => named(cover.linksInto(range))).sort()
    expect(from.length).toBeGreaterThan(0)
    expect(into).toEqual(from)
  })

  test('gives an event no more links than it has auth events', () => {
    const cover = coverOf(graph)
    for (const [eventId, cited] of graph) {
      const { chain, seq } = cover.placeOf(eventId)!
      expect([...cover.linksFrom({ chain, from: seq, to: seq })].length).toBeLessThanOrEqual(cited.length)
    }
  })

  test('lists the events of a chain from the highest place down', () => {
    const cover = coverOf(graph)
    for (const eventId of ids) {
      const { chain, seq } = cover.placeOf(eventId)!
      const [first, ...below] = cover.eventsIn({ chain, from: 1, to: seq })
      expect(first).toBe(eventId)
      expect(below).toHaveLength(seq - 1)
      expect(below.every((other) => isInAuthChain(cover, other, eventId))).toBe(true)
    }
  })
})

describe('an event', () => {
  test('has no place until all its auth events have one', () => {
    const cover = new ChainCover()
    expect(cover.add('$b', ['$a'])).toBeUndefined()
    expect(cover.placeOf('$b')).toBeUndefined()
    cover.add('$a', [])
    expect(cover.add('$b', ['$a'])).toEqual({ chain: 1, seq: 2 })
    expect(isInAuthChain(cover, '$a', '$b')).toBe(true)
  })

  test('keeps its place when it is added again', () => {
    const cover = coverOf(
      new Map([
        ['$a', []],
        ['$b', ['$a']],
      ]),
    )
    expect(cover.add('$a', [])).toEqual({ chain: 1, seq: 1 })
    expect(cover.add('$c', ['$a'])).toEqual({ chain: 2, seq: 1 })
  })

  test('is not in its own auth chain, and one without a place is in none', () => {
    const cover = coverOf(new Map([['$a', []]]))
    expect(isInAuthChain(cover, '$a', '$a')).toBe(false)
    expect(isInAuthChain(cover, '$x', '$a')).toBe(false)
    expect(isInAuthChain(cover, '$a', '$x')).toBe(false)
  })

  test('without a place is named where its place is needed', () => {
    expect(() => placesOf(new ChainCover(), ['$x'])).toThrow(UnplacedEvent)
    expect(() => placesOf(new ChainCover(), ['$x'])).toThrow('some of its auth events are missing')
  })

  test('costs the same few look-ups however long the history is', () => {
    const lookUps = [100, 10_000].map((length) => {
      const cover = new ChainCover()
      cover.add('$create', [])
      cover.add('$power', ['$create'])
      for (let index = 0; index < length; index++) cover.add(`$m${index}`, ['$create', '$power'])
      let count = 0
      const counted = {
        placeOf: (id: string) => [count++, cover.placeOf(id)][1] as ReturnType<ChainCover['placeOf']>,
        isLastOfChain: (place: { chain: number; seq: number }) =>
          [count++, cover.isLastOfChain(place)][1] === true,
        nextChain: () => [count++, cover.nextChain()][1] as number,
        isLinked: (...pair: Parameters<ChainCover['isLinked']>) =>
          [count++, cover.isLinked(...pair)][1] === true,
      }
      expect(placementOf(counted, ['$create', '$power'])?.links).toHaveLength(1)
      return count
    })
    expect(lookUps[1]).toBe(lookUps[0])
    expect(lookUps[0]).toBeLessThanOrEqual(10)
  })
})

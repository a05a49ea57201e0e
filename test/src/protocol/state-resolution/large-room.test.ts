/** A fork in a large room reads what differs, and nothing that grows with the members. */
import { describe, expect, test } from 'vitest'
import { CONFLICTED_EVENTS, type ForkedRoom, forkedRoom } from '../../../../bench/forked-room.ts'
import { resolveState } from '../../../../src/protocol/state-resolution/resolve.ts'

interface Reads {
  events: number
  keys: number
  places: number
  /** Events and links of the chain cover that were given out. */
  cover: number
}

/** The room, with all that is read of it counted. */
function counted(room: ForkedRoom): { room: ForkedRoom; reads: Reads } {
  const reads: Reads = { events: 0, keys: 0, places: 0, cover: 0 }
  function* counting<T>(items: Iterable<T>): Generator<T> {
    for (const item of items) {
      reads.cover++
      yield item
    }
  }
  const { chains } = room.source
  return {
    reads,
    room: {
      rules: room.rules,
      sides: room.sides.map(({ get, changed }) => ({
        changed,
        get: (type, stateKey) => {
          reads.keys++
          return get(type, stateKey)
        },
      })),
      source: {
        event: (eventId) => {
          reads.events++
          return room.source.event(eventId)
        },
        chains: {
          placeOf: (eventId) => {
            reads.places++
            return chains.placeOf(eventId)
          },
          eventsIn: (range) => counting(chains.eventsIn(range)),
          linksFrom: (range) => counting(chains.linksFrom(range)),
          linksInto: (range) => counting(chains.linksInto(range)),
        },
      },
    },
  }
}

describe.each(['10', '12'])('a fork of 100 events in room version %s', (version) => {
  const run = (members: number) => {
    const { room, reads } = counted(forkedRoom(version, members))
    return { resolved: resolveState(room.rules, room.sides, room.source), reads }
  }
  const large = run(50_000)

  test('reads as much with 50,000 members as with 500', () => {
    expect(large.reads).toEqual(run(500).reads)
  })

  test('reads a few times what differs', () => {
    expect(CONFLICTED_EVENTS).toBe(100)
    expect(large.reads.events).toBeLessThan(3 * CONFLICTED_EVENTS)
    expect(large.reads.keys).toBeLessThan(10 * CONFLICTED_EVENTS)
    expect(large.reads.places).toBeLessThan(10 * CONFLICTED_EVENTS)
    expect(large.reads.cover).toBeLessThan(20 * CONFLICTED_EVENTS)
  })

  test('lets the bans stand, and of each setting the later one', () => {
    const { source } = forkedRoom(version, 500)
    const winners = run(500).resolved.map(({ eventId }) => source.event(eventId ?? '')?.pdu)
    const bans = winners.filter((pdu) => pdu?.content.membership === 'ban')
    const settings = winners.filter((pdu) => pdu?.type === 'org.example.setting')
    expect(winners).toHaveLength(CONFLICTED_EVENTS / 2)
    expect(bans).toHaveLength(29)
    expect(settings.map((pdu) => pdu?.sender)).toEqual(
      Array.from({ length: 20 }, (_, index) => `@member${10 + (index % 10)}:away.example`),
    )
  })
})

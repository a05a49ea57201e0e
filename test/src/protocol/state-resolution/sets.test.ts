/** The sets that a resolution orders: by the chain cover they are what a walk over all auth events finds. */
import { describe, expect, test } from 'vitest'
import { authDifference } from '../../../../src/protocol/state-resolution/auth-difference.ts'
import { conflictOf, sideOfDeltas } from '../../../../src/protocol/state-resolution/conflict.ts'
import { conflictedSubgraph } from '../../../../src/protocol/state-resolution/conflicted-subgraph.ts'
import { sidesOf } from '../../../support/resolution/dag.ts'
import { conflictedEvents, NaiveChains } from '../../../support/resolution/naive.ts'
import { randomHistory } from '../../../support/resolution/random-history.ts'

const SEEDS = Array.from({ length: 40 }, (_, index) => 20_001 + index)

describe.each(SEEDS)('the forks of the random room of seed %i', (seed) => {
  const { dag, forks } = randomHistory(seed)
  const naive = new NaiveChains(dag)

  test('have the auth difference that a walk finds beside the conflicted events', () => {
    for (const { states } of forks) {
      const conflict = conflictOf(sidesOf(states))
      const isShared = (eventId: string) => states.every((state) => [...state.values()].includes(eventId))
      const found = authDifference(dag.chains, conflict.eventsBySide, isShared)
      const conflicted = conflictedEvents(states)
      const others = [...naive.difference(states)].filter((eventId) => !conflicted.has(eventId))
      expect(found).toEqual(new Set(others))
    }
  })

  test('have the conflicted subgraph that a walk finds', () => {
    for (const { states } of forks) {
      const conflicted = conflictedEvents(states)
      expect(conflictedSubgraph(dag.chains, conflicted)).toEqual(naive.subgraph(conflicted))
    }
  })

  test('have the conflicted events that a comparison of whole states finds', () => {
    for (const { states } of forks) {
      expect(new Set(conflictOf(sidesOf(states)).eventsBySide.flat())).toEqual(conflictedEvents(states))
    }
  })
})

describe('sides of deltas', () => {
  const base = (type: string) => (type === 'gone' ? undefined : `$base-${type}`)
  const key = (type: string) => ({ type, stateKey: '' })

  test('conflict at the keys that one of them changed, and not at those that both changed alike', () => {
    const { keys, eventsBySide } = conflictOf([
      sideOfDeltas(base, [
        { ...key('a'), eventId: '$a1' },
        { ...key('both'), eventId: '$same' },
      ]),
      sideOfDeltas(base, [
        { ...key('b'), eventId: '$b2' },
        { ...key('both'), eventId: '$same' },
      ]),
    ])
    expect(keys).toEqual([key('a'), key('b')])
    expect(eventsBySide).toEqual([
      ['$a1', '$base-b'],
      ['$base-a', '$b2'],
    ])
  })

  test('conflict at a key that one of them ended', () => {
    const { keys, eventsBySide, shared } = conflictOf([
      sideOfDeltas(base, [{ ...key('a'), eventId: undefined }]),
      sideOfDeltas(base, []),
    ])
    expect(keys).toEqual([key('a')])
    expect(eventsBySide).toEqual([[], ['$base-a']])
    expect(shared('a', '')).toBeUndefined()
    expect(shared('b', '')).toBe('$base-b')
  })

  test('conflict where their bases differ', () => {
    const later = (type: string) => (type === 'moved' ? '$moved' : base(type))
    const { keys } = conflictOf([
      sideOfDeltas(base, [], [key('moved'), key('still')]),
      sideOfDeltas(later, []),
    ])
    expect(keys).toEqual([key('moved')])
  })

  test('the last change of a key is the one that stands', () => {
    const side = sideOfDeltas(base, [
      { ...key('a'), eventId: '$first' },
      { ...key('a'), eventId: '$second' },
    ])
    expect(side.get('a', '')).toBe('$second')
  })

  test('keep keys apart whose type and state key make the same text when they are joined', () => {
    const side = sideOfDeltas(
      () => undefined,
      [
        { type: 'a\0b', stateKey: 'c', eventId: '$1' },
        { type: 'a', stateKey: 'b\0c', eventId: '$2' },
        { type: '__proto__', stateKey: 'constructor', eventId: '$3' },
      ],
    )
    expect(side.get('a\0b', 'c')).toBe('$1')
    expect(side.get('a', 'b\0c')).toBe('$2')
    expect(side.get('__proto__', 'constructor')).toBe('$3')
    expect(side.get('constructor', '__proto__')).toBeUndefined()
  })
})

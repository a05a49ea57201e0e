/** What holds for every resolution, over the forks of random rooms. */
import { describe, expect, test } from 'vitest'
import { type StateDelta, sideOfDeltas } from '../../../../src/protocol/state-resolution/conflict.ts'
import { resolveState } from '../../../../src/protocol/state-resolution/resolve.ts'
import { seeded } from '../../../fuzz/random.ts'
import { resolved, type StateIds, sidesOf } from '../../../support/resolution/dag.ts'
import { type History, randomHistory } from '../../../support/resolution/random-history.ts'

const SEEDS = Array.from({ length: 40 }, (_, index) => 30_001 + index)

const sorted = (state: StateIds) => [...state].sort()

/** What one state changes of another. */
function deltasBetween(base: StateIds, state: StateIds): StateDelta[] {
  const keys = [...new Set([...base.keys(), ...state.keys()])].filter(
    (key) => base.get(key) !== state.get(key),
  )
  return keys.map((key) => {
    const [type, stateKey] = JSON.parse(key) as [string, string]
    return { type, stateKey, eventId: state.get(key) }
  })
}

describe.each(SEEDS)('the random room of seed %i', (seed) => {
  const { dag, forks }: History = randomHistory(seed)

  test('resolves the same in any order of the sides', () => {
    const random = seeded(seed)
    for (const { states } of forks) {
      const others = [...states].sort(() => random.next() - 0.5)
      expect(sorted(resolved(dag.rules, [...states].reverse(), dag))).toEqual(
        sorted(resolved(dag.rules, states, dag)),
      )
      expect(sorted(resolved(dag.rules, others, dag))).toEqual(sorted(resolved(dag.rules, states, dag)))
    }
  })

  test('resolves the same in any order of the keys', () => {
    for (const { states } of forks) {
      const turned = states.map((state) => new Map([...state].reverse()))
      expect(sorted(resolved(dag.rules, turned, dag))).toEqual(sorted(resolved(dag.rules, states, dag)))
    }
  })

  test('resolves one state to itself, alone and beside itself', () => {
    for (const { states } of forks) {
      for (const state of states) {
        expect(resolveState(dag.rules, sidesOf([state]), dag)).toEqual([])
        expect(resolveState(dag.rules, sidesOf([state, new Map(state)]), dag)).toEqual([])
      }
    }
  })

  test('resolves the same where a side stands twice', () => {
    for (const { states } of forks) {
      const twice = resolved(dag.rules, [...states, states[0]!], dag)
      expect(sorted(twice)).toEqual(sorted(resolved(dag.rules, states, dag)))
    }
  })

  test('resolves by deltas on a base as by whole states', () => {
    for (const { states } of forks) {
      const [base] = states
      const get = (type: string, stateKey: string) => base!.get(JSON.stringify([type, stateKey]))
      const sides = states.map((state) => sideOfDeltas(get, deltasBetween(base!, state)))
      const byDeltas = resolveState(dag.rules, sides, dag)
      const whole = resolveState(dag.rules, sidesOf(states), dag)
      const named = (keys: typeof whole) => keys.map((key) => JSON.stringify(key)).sort()
      expect(named(byDeltas)).toEqual(named(whole))
    }
  })

  test('changes no key on which all sides agree, and no key twice', () => {
    for (const { states } of forks) {
      const changed = resolveState(dag.rules, sidesOf(states), dag)
      const names = changed.map(({ type, stateKey }) => JSON.stringify([type, stateKey]))
      expect(new Set(names).size).toBe(names.length)
      for (const name of names) {
        const events = new Set(states.map((state) => state.get(name)))
        expect(events.size > 1 || events.has(undefined)).toBe(true)
      }
    }
  })

  test('lets no rejected event into a state', () => {
    for (const { states, isHonest } of forks) {
      if (!isHonest) continue
      for (const eventId of resolved(dag.rules, states, dag).values()) {
        expect(dag.event(eventId)?.rejected).not.toBe(true)
      }
    }
  })
})

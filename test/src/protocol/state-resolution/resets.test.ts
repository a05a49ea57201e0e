/** State resets: forks in which v2 forgets state that nobody has taken back, and v2.1 does not. MSC4297. */
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { Dag, keyOf, resolved, type StateIds } from '../../../support/resolution/dag.ts'

const ALICE = '@alice:a.example'
const BOB = '@bob:b.example'
const CAROL = '@carol:c.example'

const LEVELS = keyOf('m.room.power_levels', '')
const RULES = keyOf('m.room.join_rules', '')

function levels(dag: Dag, users: JsonObject): JsonObject {
  return { users: { ...(dag.rules.privilegedCreators ? {} : { [ALICE]: 100 }), ...users } }
}

function room(version: string, users: JsonObject): Dag {
  const dag = new Dag(version, ALICE)
  dag.member(ALICE, ALICE, 'join')
  dag.state(ALICE, 'm.room.power_levels', levels(dag, users))
  dag.state(ALICE, 'm.room.join_rules', { join_rule: 'public' })
  dag.member(BOB, BOB, 'join')
  dag.member(CAROL, CAROL, 'join')
  return dag
}

/**
 * Alice closes the room while her leaving is on its way. Both states that meet in the end have that she left; they
 * differ in the join rules alone, both of which are hers.
 */
function rulesOfOneWhoLeft(version: string): { dag: Dag; states: StateIds[]; closed: string } {
  const dag = room(version, {})
  const root = dag.last
  const closed = dag.state(ALICE, 'm.room.join_rules', { join_rule: 'invite' }, { prev_events: [root] })
  const left = dag.member(ALICE, ALICE, 'leave', { prev_events: [root] })
  const merged = dag.send({ type: 'm.room.message', sender: BOB, prev_events: [closed, left] })
  const beside = dag.send({ type: 'm.room.message', sender: CAROL, prev_events: [left] })
  return { dag, closed, states: [dag.after(merged), dag.after(beside)] }
}

/**
 * Carol has power by levels of Bob, who has his by levels of Alice that replaced the first. One state still has the
 * first levels; a name that all share relied on those between, so that they are in no auth difference.
 */
function levelsWithOneBetween(version: string): { dag: Dag; states: StateIds[]; last: string } {
  const dag = room(version, {})
  const first = dag.after(dag.last).get(LEVELS)!
  const between = dag.state(ALICE, 'm.room.power_levels', levels(dag, { [BOB]: 50 }))
  dag.state(BOB, 'm.room.name', { name: 'a name' }, { prev_events: [between] })
  const last = dag.state(BOB, 'm.room.power_levels', levels(dag, { [BOB]: 50, [CAROL]: 50 }))
  const state = dag.after(last)
  return { dag, last, states: [state, new Map(state).set(LEVELS, first)] }
}

describe('join rules of a user who left', () => {
  test.each(['3', '10', '11'])(
    'are lost by version %s, which judges them by the state of today',
    (version) => {
      const { dag, states } = rulesOfOneWhoLeft(version)
      expect(resolved(dag.rules, states, dag).get(RULES)).toBeUndefined()
    },
  )

  test('stand by version 12, which starts from an empty state', () => {
    const { dag, states, closed } = rulesOfOneWhoLeft('12')
    expect(resolved(dag.rules, states, dag).get(RULES)).toBe(closed)
  })
})

describe('power levels that rely on others between', () => {
  test.each(['3', '10', '11'])(
    'fall back to the first by version %s, which leaves out what is between',
    (version) => {
      const { dag, states, last } = levelsWithOneBetween(version)
      expect(resolved(dag.rules, states, dag).get(LEVELS)).not.toBe(last)
    },
  )

  test('stand by version 12, which replays what is between two conflicted events', () => {
    const { dag, states, last } = levelsWithOneBetween('12')
    expect(resolved(dag.rules, states, dag).get(LEVELS)).toBe(last)
  })
})

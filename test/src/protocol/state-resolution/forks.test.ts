/** Forks whose outcome is known: what every server must make of them, in the versions of v2 and of v2.1. */
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { Dag, FIRST_TS, keyOf, resolved, type StateIds } from '../../../support/resolution/dag.ts'

const ALICE = '@alice:a.example'
const BOB = '@bob:b.example'
const CAROL = '@carol:c.example'
const EVE = '@eve:e.example'

const TOPIC = keyOf('m.room.topic', '')
const LEVELS = keyOf('m.room.power_levels', '')
const RULES = keyOf('m.room.join_rules', '')
const memberKey = (userId: string) => keyOf('m.room.member', userId)

/** Power levels with Alice above all others: by her level, or as the creator. */
function levels(dag: Dag, users: JsonObject, more: JsonObject = {}): JsonObject {
  const creator = dag.rules.privilegedCreators ? {} : { [ALICE]: 100 }
  return { users: { ...creator, ...users }, ...more }
}

/** Alice's room with Bob as a moderator, and the last event that both branches have. */
function room(version: string, users: JsonObject = { [BOB]: 50 }): { dag: Dag; root: string } {
  const dag = new Dag(version, ALICE)
  dag.member(ALICE, ALICE, 'join')
  dag.state(ALICE, 'm.room.power_levels', levels(dag, users))
  dag.state(ALICE, 'm.room.join_rules', { join_rule: 'public' })
  for (const user of [BOB, CAROL, EVE]) dag.member(user, user, 'join')
  const root = dag.state(ALICE, 'm.room.topic', { topic: 'before the fork' })
  return { dag, root }
}

const topicOf = (dag: Dag, state: StateIds) => dag.event(state.get(TOPIC) ?? '')?.pdu.content.topic

describe.each(['3', '6', '10', '11', '12'])('room version %s', (version) => {
  describe('a ban', () => {
    test('undoes what the banned user sent at the same time', () => {
      const { dag, root } = room(version)
      const ban = dag.member(ALICE, BOB, 'ban', { prev_events: [root] })
      const topic = dag.state(BOB, 'm.room.topic', { topic: 'by Bob' }, { prev_events: [root] })
      const after = dag.afterAll([ban, topic])
      expect(after.get(memberKey(BOB))).toBe(ban)
      expect(topicOf(dag, after)).toBe('before the fork')
    })

    test('leaves alone what it had seen of the banned user', () => {
      const { dag, root } = room(version)
      const topic = dag.state(BOB, 'm.room.topic', { topic: 'by Bob' }, { prev_events: [root] })
      const ban = dag.member(ALICE, BOB, 'ban', { prev_events: [topic] })
      const renamed = { content: { membership: 'join', displayname: 'C' }, prev_events: [topic] }
      const other = dag.member(CAROL, CAROL, 'join', renamed)
      expect(topicOf(dag, dag.afterAll([ban, other]))).toBe('by Bob')
    })

    test('stands though the banned user left or joined again at the same time', () => {
      for (const membership of ['leave', 'join']) {
        const { dag, root } = room(version)
        const ban = dag.member(ALICE, EVE, 'ban', { prev_events: [root] })
        const own = dag.member(EVE, EVE, membership, {
          prev_events: [root],
          origin_server_ts: FIRST_TS + 999,
        })
        expect(dag.afterAll([own, ban]).get(memberKey(EVE))).toBe(ban)
      }
    })

    test('stands though the banned user left before it by a false time', () => {
      const { dag, root } = room(version)
      const ban = dag.member(BOB, EVE, 'ban', { prev_events: [root] })
      const left = dag.member(EVE, EVE, 'leave', { prev_events: [root], origin_server_ts: 1 })
      expect(dag.afterAll([left, ban]).get(memberKey(EVE))).toBe(ban)
    })
  })

  describe('of two topics', () => {
    test('the later one stands', () => {
      const { dag, root } = room(version)
      const late = dag.state(
        ALICE,
        'm.room.topic',
        { topic: 'late' },
        { prev_events: [root], origin_server_ts: FIRST_TS + 200 },
      )
      const early = dag.state(
        BOB,
        'm.room.topic',
        { topic: 'early' },
        { prev_events: [root], origin_server_ts: FIRST_TS + 100 },
      )
      expect(dag.afterAll([early, late]).get(TOPIC)).toBe(late)
    })

    test('of the same moment the one with the greater id stands', () => {
      const { dag, root } = room(version)
      const at = { prev_events: [root], origin_server_ts: FIRST_TS + 100 }
      const greater = dag.state(ALICE, 'm.room.topic', { topic: 'a' }, { ...at, id: '$b' })
      const lesser = dag.state(BOB, 'm.room.topic', { topic: 'b' }, { ...at, id: '$a' })
      expect(dag.afterAll([greater, lesser]).get(TOPIC)).toBe('$b')
      expect(dag.afterAll([lesser, greater]).get(TOPIC)).toBe('$b')
    })

    test('the one that relied on newer power levels stands, whatever its time', () => {
      const { dag, root } = room(version)
      const newer = dag.state(ALICE, 'm.room.power_levels', levels(dag, { [BOB]: 51 }), {
        prev_events: [root],
      })
      const onNewer = dag.state(
        BOB,
        'm.room.topic',
        { topic: 'newer' },
        { prev_events: [newer], origin_server_ts: 5 },
      )
      const onOlder = dag.state(
        BOB,
        'm.room.topic',
        { topic: 'older' },
        { prev_events: [root], origin_server_ts: FIRST_TS + 999 },
      )
      expect(dag.afterAll([onOlder, onNewer]).get(TOPIC)).toBe(onNewer)
    })

    test('the one that relied on power levels beside the mainline counts by those they came from', () => {
      const { dag, root } = room(version, { [BOB]: 50, [CAROL]: 50 })
      // Bob's power levels lose against Alice's, and a topic that relied on them counts as one that relied on the first.
      const first = dag.state(ALICE, 'm.room.power_levels', levels(dag, { [BOB]: 50, [CAROL]: 51 }), {
        prev_events: [root],
      })
      const lost = dag.state(BOB, 'm.room.power_levels', levels(dag, { [BOB]: 50, [CAROL]: 50, [EVE]: 50 }), {
        prev_events: [root],
      })
      const onLost = dag.state(
        CAROL,
        'm.room.topic',
        { topic: 'x' },
        { prev_events: [lost], origin_server_ts: FIRST_TS + 999 },
      )
      const onFirst = dag.state(
        CAROL,
        'm.room.topic',
        { topic: 'y' },
        { prev_events: [first], origin_server_ts: 7 },
      )
      const after = dag.afterAll([onLost, onFirst])
      expect(after.get(LEVELS)).toBe(first)
      expect(after.get(TOPIC)).toBe(onFirst)
    })
  })

  describe('a moderator', () => {
    test('who is demoted has no say in the other branch', () => {
      const { dag, root } = room(version)
      const demoted = dag.state(ALICE, 'm.room.power_levels', levels(dag, { [BOB]: 0 }), {
        prev_events: [root],
      })
      dag.state(BOB, 'm.room.topic', { topic: 'by Bob' }, { prev_events: [root] })
      const kick = dag.member(BOB, EVE, 'leave')
      const after = dag.afterAll([kick, demoted])
      expect(after.get(LEVELS)).toBe(demoted)
      expect(topicOf(dag, after)).toBe('before the fork')
      expect(dag.event(after.get(memberKey(EVE))!)?.pdu.content.membership).toBe('join')
    })

    test('who is promoted in one branch may have acted there', () => {
      const { dag, root } = room(version)
      dag.state(ALICE, 'm.room.power_levels', levels(dag, { [BOB]: 50, [CAROL]: 50 }), {
        prev_events: [root],
      })
      const topic = dag.state(CAROL, 'm.room.topic', { topic: 'by Carol' })
      const other = dag.member(EVE, EVE, 'leave', { prev_events: [root] })
      expect(dag.afterAll([topic, other]).get(TOPIC)).toBe(topic)
    })
  })

  describe('of two changes of the power levels', () => {
    test('the one by more power comes first, and the other stands if it still may', () => {
      const { dag, root } = room(version)
      const byAlice = dag.state(ALICE, 'm.room.power_levels', levels(dag, { [BOB]: 50, [CAROL]: 10 }), {
        prev_events: [root],
        origin_server_ts: FIRST_TS + 999,
      })
      const byBob = dag.state(BOB, 'm.room.power_levels', levels(dag, { [BOB]: 50, [EVE]: 10 }), {
        prev_events: [root],
      })
      expect(dag.afterAll([byAlice, byBob]).get(LEVELS)).toBe(byBob)
    })

    test('the one by less power falls if the other took that power', () => {
      const { dag, root } = room(version)
      const byAlice = dag.state(ALICE, 'm.room.power_levels', levels(dag, {}), {
        prev_events: [root],
        origin_server_ts: FIRST_TS + 999,
      })
      const byBob = dag.state(BOB, 'm.room.power_levels', levels(dag, { [BOB]: 50, [EVE]: 50 }), {
        prev_events: [root],
      })
      expect(dag.afterAll([byBob, byAlice]).get(LEVELS)).toBe(byAlice)
    })

    test('by equal power the later one stands', () => {
      const { dag, root } = room(version, { [BOB]: 50, [CAROL]: 50 })
      const late = dag.state(BOB, 'm.room.power_levels', levels(dag, { [BOB]: 50, [CAROL]: 50, [EVE]: 1 }), {
        prev_events: [root],
        origin_server_ts: FIRST_TS + 200,
      })
      const early = dag.state(
        CAROL,
        'm.room.power_levels',
        levels(dag, { [BOB]: 50, [CAROL]: 50, [EVE]: 2 }),
        { prev_events: [root], origin_server_ts: FIRST_TS + 100 },
      )
      expect(dag.afterAll([late, early]).get(LEVELS)).toBe(late)
    })
  })

  describe('join rules', () => {
    test('that close the room undo a join at the same time', () => {
      const { dag, root } = room(version)
      const away = dag.member(EVE, EVE, 'leave', { prev_events: [root] })
      const closed = dag.state(ALICE, 'm.room.join_rules', { join_rule: 'invite' }, { prev_events: [away] })
      const back = dag.member(EVE, EVE, 'join', { prev_events: [away] })
      const after = dag.afterAll([closed, back])
      expect(after.get(RULES)).toBe(closed)
      expect(after.get(memberKey(EVE))).toBe(away)
    })

    test('of a user who is banned at the same time do not count', () => {
      const { dag, root } = room(version)
      const before = dag.after(root).get(RULES)
      const ban = dag.member(ALICE, BOB, 'ban', { prev_events: [root] })
      const closed = dag.state(BOB, 'm.room.join_rules', { join_rule: 'invite' }, { prev_events: [root] })
      expect(dag.afterAll([closed, ban]).get(RULES)).toBe(before)
    })
  })

  test('a rejected event enters no state, though by then it would be allowed', () => {
    const { dag, root } = room(version, { [BOB]: 50 })
    const rejected = dag.reject({
      type: 'm.room.topic',
      sender: CAROL,
      state_key: '',
      content: { topic: 'no' },
      prev_events: [root],
    })
    const promoted = dag.state(ALICE, 'm.room.power_levels', levels(dag, { [BOB]: 50, [CAROL]: 50 }), {
      prev_events: [root],
    })
    const bad = new Map(dag.after(promoted)).set(TOPIC, rejected)
    const after = resolved(dag.rules, [bad, dag.after(promoted)], dag)
    expect(topicOf(dag, after)).toBe('before the fork')
    const without = new Map(dag.after(promoted))
    without.delete(TOPIC)
    expect(resolved(dag.rules, [bad, without], dag).get(TOPIC)).toBeUndefined()
  })

  test('a rejected event authorises nothing', () => {
    const { dag, root } = room(version)
    const rejected = dag.reject({
      type: 'm.room.power_levels',
      sender: CAROL,
      state_key: '',
      content: levels(dag, { [CAROL]: 50 }),
      prev_events: [root],
    })
    const cites = [...dag.after(root)].filter(
      ([key]) => key === memberKey(CAROL) || key === keyOf('m.room.create', ''),
    )
    const auth = cites
      .map(([, eventId]) => eventId)
      .filter((eventId) => eventId !== dag.createId || !dag.rules.roomIdIsCreateHash)
    const topic = dag.reject({
      type: 'm.room.topic',
      sender: CAROL,
      state_key: '',
      content: { topic: 'no' },
      prev_events: [root],
      auth_events: [...auth, rejected],
    })
    // Judged by what it cites alone, as an event that a bad server has put into a state.
    dag.events.set(topic, { ...dag.event(topic)!, rejected: false })
    const bad = new Map(dag.after(root)).set(TOPIC, topic)
    const without = new Map(dag.after(root))
    without.delete(TOPIC)
    without.delete(LEVELS)
    expect(
      resolved(dag.rules, [new Map([...bad].filter(([key]) => key !== LEVELS)), without], dag).get(TOPIC),
    ).toBeUndefined()
  })

  test('an event that all states share stays, though resolution would not let it in', () => {
    const { dag, root } = room(version)
    const ban = dag.member(ALICE, BOB, 'ban', { prev_events: [root] })
    const topic = dag.state(BOB, 'm.room.topic', { topic: 'by Bob' }, { prev_events: [root] })
    const states = [new Map(dag.after(topic)), new Map(dag.after(ban)).set(TOPIC, topic)]
    const after = resolved(dag.rules, states, dag)
    expect(after.get(memberKey(BOB))).toBe(ban)
    expect(after.get(TOPIC)).toBe(topic)
  })
})

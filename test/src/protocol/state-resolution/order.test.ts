/** The orderings of the specification by themselves. */
import { describe, expect, test } from 'vitest'
import { ChainCover } from '../../../../src/protocol/state-resolution/chain-cover.ts'
import { Heap } from '../../../../src/protocol/state-resolution/heap.ts'
import { mainlineOrder } from '../../../../src/protocol/state-resolution/mainline.ts'
import { isPowerEvent, powerOrder } from '../../../../src/protocol/state-resolution/power-order.ts'
import { KnownEvents, type StateEvent } from '../../../../src/protocol/state-resolution/source.ts'
import { seeded } from '../../../fuzz/random.ts'
import { pdu, rulesOf } from '../../../support/auth-room.ts'
import { Dag } from '../../../support/resolution/dag.ts'

const ALICE = '@alice:a.example'
const BOB = '@bob:b.example'

const rules = rulesOf('11')

function known(events: readonly StateEvent[]): { map: Map<string, StateEvent>; events: KnownEvents } {
  const map = new Map(events.map((event) => [event.eventId, event]))
  const chains = new ChainCover()
  for (const {
    eventId,
    pdu: { auth_events },
  } of events)
    chains.add(eventId, auth_events)
  return { map, events: new KnownEvents(rules, { event: (eventId) => map.get(eventId), chains }) }
}

const ids = (events: readonly StateEvent[]) => events.map(({ eventId }) => eventId)

describe('a power event', () => {
  const is = (type: string, state_key: string, sender: string, membership?: string) =>
    isPowerEvent({ eventId: '$x', pdu: pdu({ type, state_key, sender, content: { membership } }) })

  test('is the create event, power levels and join rules, with the empty state key alone', () => {
    for (const type of ['m.room.create', 'm.room.power_levels', 'm.room.join_rules']) {
      expect(is(type, '', ALICE)).toBe(true)
      expect(is(type, 'x', ALICE)).toBe(false)
    }
    expect(is('m.room.topic', '', ALICE)).toBe(false)
    expect(is('m.room.history_visibility', '', ALICE)).toBe(false)
  })

  test('is a kick or a ban, and not a user leaving by themselves, an invite or a join', () => {
    expect(is('m.room.member', BOB, ALICE, 'leave')).toBe(true)
    expect(is('m.room.member', BOB, ALICE, 'ban')).toBe(true)
    expect(is('m.room.member', ALICE, ALICE, 'leave')).toBe(false)
    expect(is('m.room.member', BOB, ALICE, 'invite')).toBe(false)
    expect(is('m.room.member', ALICE, ALICE, 'join')).toBe(false)
    expect(is('m.room.member', BOB, ALICE)).toBe(false)
  })
})

describe('the power order', () => {
  /** Join rules, which are power events, of one sender and time unless told. */
  const event = (eventId: string, cites: string[], ts = 1, sender = ALICE) => ({
    eventId,
    pdu: pdu({ type: 'm.room.join_rules', state_key: '', sender, auth_events: cites, origin_server_ts: ts }),
  })
  const create = { eventId: '$create', pdu: pdu({ type: 'm.room.create', state_key: '', sender: ALICE }) }

  test('has each event after those that it cites, and else the lesser id first', () => {
    const { map, events } = known([
      event('$l', ['$o']),
      event('$m', ['$n', '$o']),
      event('$n', ['$o']),
      event('$o', []),
      event('$p', ['$o']),
    ])
    expect(ids(powerOrder(rules, map, events))).toEqual(['$o', '$l', '$n', '$m', '$p'])
  })

  test('has more power before an earlier time, and an earlier time before a lesser id', () => {
    const levels = pdu({ type: 'm.room.power_levels', state_key: '', content: { users: { [ALICE]: 9 } } })
    const set = [
      event('$a', ['$create', '$levels'], 1, BOB),
      event('$b', ['$create', '$levels'], 9, ALICE),
      event('$c', ['$create', '$levels'], 5, ALICE),
      event('$d', ['$create', '$levels'], 9, ALICE),
    ]
    const { map, events } = known([create, { eventId: '$levels', pdu: levels }, ...set])
    map.delete('$create')
    map.delete('$levels')
    const all = new Map([...map])
    map.set('$create', create).set('$levels', { eventId: '$levels', pdu: levels })
    expect(ids(powerOrder(rules, all, events))).toEqual(['$c', '$b', '$d', '$a'])
  })

  test('takes in what power events cite of the set, and nothing else', () => {
    const join = (eventId: string, user: string) => ({
      eventId,
      pdu: pdu({ type: 'm.room.member', state_key: user, sender: user, content: { membership: 'join' } }),
    })
    const { map, events } = known([join('$cited', ALICE), join('$other', BOB), event('$rules', ['$cited'])])
    expect(ids(powerOrder(rules, map, events))).toEqual(['$cited', '$rules'])
  })
})

describe('the mainline order', () => {
  const dag = new Dag('11', ALICE)
  dag.member(ALICE, ALICE, 'join')
  const levels = Array.from({ length: 60 }, (_, index) =>
    dag.state(ALICE, 'm.room.power_levels', { users: { [ALICE]: 100 }, redact: index }),
  )

  test('reads the history of the power levels only as far back as the events rely on', () => {
    const topic = dag.state(ALICE, 'm.room.topic', { topic: 'late' }, { prev_events: [levels[57]!] })
    const asked: string[] = []
    const event = (eventId: string) => {
      asked.push(eventId)
      return dag.event(eventId)
    }
    const source = { chains: dag.chains, event }
    const events = new KnownEvents(dag.rules, source)
    mainlineOrder([dag.event(topic)!], dag.event(levels[59]!)!, events)
    expect(asked.filter((eventId) => levels.includes(eventId)).length).toBeLessThan(5)
  })

  test('has events that relied on no power levels first', () => {
    const first = dag.state(
      ALICE,
      'm.room.topic',
      { topic: '1' },
      { prev_events: [levels[0]!], origin_server_ts: 2 },
    )
    const none = { eventId: '$none', pdu: pdu({ type: 'm.room.topic', state_key: '', origin_server_ts: 9 }) }
    const events = new KnownEvents(dag.rules, dag)
    const sorted = mainlineOrder([dag.event(first)!, none], dag.event(levels[59]!)!, events)
    expect(ids(sorted)).toEqual(['$none', first])
  })

  test('is by time and id where there are no power levels', () => {
    const at = (eventId: string, ts: number) => ({ eventId, pdu: pdu({ origin_server_ts: ts }) })
    const events = new KnownEvents(dag.rules, dag)
    expect(ids(mainlineOrder([at('$c', 2), at('$b', 2), at('$a', 3)], undefined, events))).toEqual([
      '$b',
      '$c',
      '$a',
    ])
  })
})

test('a heap gives its items in order, whatever order they came in', () => {
  const random = seeded(5)
  const items = Array.from({ length: 200 }, () => random.below(50))
  const heap = new Heap<number>((a, b) => a < b)
  for (const item of items) heap.push(item)
  const popped = items.map(() => heap.pop())
  expect(popped).toEqual([...items].sort((a, b) => a - b))
  expect(heap.pop()).toBeUndefined()
})

/** What a Room makes of events of another server that come late, alone, in the wrong order, or with bad intent. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { ReceivedEvent } from '../../../../src/objects/room/federation.ts'
import { NodeRoom } from '../../../support/federation/node-room.ts'
import { RemoteServer } from '../../../support/federation/remote-server.ts'

const EVE = '@eve:away.example'
const ADA = '@ada:away.example'
const ALICE = '@alice:here.example'
const ROOM = '!room:away.example'
const VERSION = '11'

let away: RemoteServer
let room: NodeRoom
let create: ReceivedEvent
let eve: ReceivedEvent

const key = (type: string, stateKey = '') => JSON.stringify([type, stateKey])
const shown = ({ eventId }: ReceivedEvent) => room.store.event(eventId)?.pos
const heads = () => room.store.extremities.map(({ eventId }) => eventId)

/** A room of Eve's, public, which this server has from its first event. */
beforeEach(() => {
  away = new RemoteServer(VERSION, ROOM)
  create = away.state(EVE, 'm.room.create', { room_version: VERSION })
  room = new NodeRoom('here.example')
  room.begin(ROOM, VERSION, away.event(create.eventId)!)
  eve = away.member(EVE, EVE, 'join')
  const rules = away.state(EVE, 'm.room.join_rules', { join_rule: 'public' })
  const levels = { users: { [EVE]: 100 }, events: { 'm.room.topic': 0 } }
  const power = away.state(EVE, 'm.room.power_levels', levels)
  const ada = away.member(ADA, ADA, 'join')
  take([eve, rules, power, ada])
})

/** The events are taken whole. */
function take(events: readonly ReceivedEvent[]): void {
  const { done, needs, staged } = room.receive(events)
  expect(events.map(({ eventId }) => done[eventId])).toEqual(events.map(() => ({})))
  expect([needs, staged]).toEqual([[], 0])
}

const only = (events: readonly ReceivedEvent[], answer: ReturnType<NodeRoom['receive']>) =>
  Object.fromEntries(events.map(({ eventId }, index) => [index, answer.done[eventId]]))

describe('an event whose prev_events are missing', () => {
  it('waits, says what lies behind it, and is done once that has come', () => {
    const extremities = heads()
    const [one, two, three] = ['one', 'two', 'three'].map((body) => away.say(EVE, body)) as [
      ReceivedEvent,
      ReceivedEvent,
      ReceivedEvent,
    ]
    const first = room.receive([three])
    expect(first).toMatchObject({ done: {}, staged: 1, more: false })
    expect(first.needs).toEqual([
      { kind: 'missing', latest: [three.eventId], earliest: extremities, minDepth: expect.any(Number) },
    ])
    const second = room.receive([], { events: [two] })
    expect(second.needs).toMatchObject([{ kind: 'missing', latest: [two.eventId] }])
    const third = room.receive([one])
    expect(third).toEqual({
      done: { [one.eventId]: {}, [two.eventId]: {}, [three.eventId]: {} },
      needs: [],
      more: false,
      staged: 0,
    })
    expect([one, two, three].map(shown)).toEqual(
      [one, two, three].map(shown).toSorted((a, b) => Number(a) - Number(b)),
    )
    expect(heads()).toEqual([three.eventId])
  })

  it('stands on the state that was fetched where the events are not to be had', () => {
    const lost = [away.state(EVE, 'm.room.topic', { topic: 'lost' }), away.say(EVE, 'lost too')]
    const topic = away.state(EVE, 'm.room.name', { name: 'after the gap' })
    const before = room.store.head
    expect(room.receive([topic], { asked: [topic.eventId] }).needs).toEqual([
      { kind: 'state', eventId: topic.eventId },
    ])
    const pduIds = [...away.stateAfter([lost[1]!.eventId]).values()]
    const states = [{ eventId: topic.eventId, pduIds, authChainIds: [] }]
    expect(room.receive([], { states }).needs).toEqual([{ kind: 'events', eventIds: [lost[0]!.eventId] }])
    const answer = room.receive([], { states, events: [lost[0]!] })
    expect(answer).toMatchObject({ done: { [topic.eventId]: {} }, needs: [], staged: 0 })
    expect(room.current()).toEqual(away.after(topic.eventId))
    expect(room.before(topic.eventId)).toEqual(away.stateAfter([lost[1]!.eventId]))
    // What was an outlier is no part of the timeline; what comes after all stands where it belongs.
    expect(shown(lost[0]!)).toBeUndefined()
    take([away.say(EVE, 'later')])
    const extremities = heads()
    const late = room.receive([lost[1]!], {}, 'third.example')
    expect(late.needs).toMatchObject([{ kind: 'missing', latest: [lost[1]!.eventId] }])
    take([lost[0]!])
    expect(room.last?.appended).toEqual([])
    expect([shown(lost[0]!)! > before, shown(lost[0]!)! < shown(lost[1]!)!]).toEqual([true, true])
    expect(shown(lost[1]!)).toBeLessThan(shown(topic)!)
    expect(heads()).toEqual(extremities)
    expect(room.current()).toEqual(away.stateAfter(extremities))
    expect(room.count('gaps')).toBe(0)
  })

  it('stands on the fetched state, whatever a branch in its company makes of the current one', () => {
    const base = heads()
    take([away.say(EVE, 'here')])
    away.standOn(base)
    const branch = away.state(ADA, 'm.room.topic', { topic: 'of the branch' })
    const after = away.say(EVE, 'after the gap', { prev_events: ['$missing'] })
    const pduIds = [...away.stateAfter(base).values()]
    const states = [{ eventId: after.eventId, pduIds, authChainIds: [] }]
    expect(room.receive([branch, after], { states })).toMatchObject({ staged: 0 })
    expect(room.current().get(key('m.room.topic'))).toBe(branch.eventId)
    expect(room.before(after.eventId)).toEqual(away.stateAfter(base))
  })

  it('of a server that sends too many goes when it has waited longest', () => {
    const missing = ['$missing']
    const events = Array.from({ length: 230 }, (_, n) => away.say(EVE, `${n}`, { prev_events: missing }))
    expect(room.receive(events).staged).toBe(200)
    expect(room.rows('SELECT event_id FROM staged ORDER BY no')[0]?.event_id).toBe(events[30]!.eventId)
    for (let n = 0; n < 6; n++) {
      const more = Array.from({ length: 190 }, (_, m) => away.say(EVE, `${n} ${m}`, { prev_events: missing }))
      room.receive(more, {}, `server${n}.example`)
    }
    expect(room.count('staged')).toBe(1_000)
  })
})

describe('an event whose auth events are missing', () => {
  it('waits for them, and is done once they have come', () => {
    const third = '@third:away.example'
    const join = away.member(third, third, 'join')
    // Its prev_events are there: the join is only cited.
    const auth = [create.eventId, room.current().get(key('m.room.power_levels'))!, join.eventId]
    const said = away.say(third, 'hello', { prev_events: heads(), auth_events: auth })
    const first = room.receive([said])
    expect(first).toMatchObject({
      done: {},
      needs: [{ kind: 'events', eventIds: [join.eventId] }],
      staged: 1,
    })
    const second = room.receive([], { events: [join] })
    expect(room.flags(join.eventId)).toBe(4)
    expect(second.done[said.eventId]?.error).toMatch('not in the room')
    expect(room.count('staged')).toBe(0)
  })

  it('goes on waiting while they cite each other in a circle', () => {
    const [one, two] = ['$one', '$two'].map((eventId, index) => {
      const other = ['$two', '$one'][index]!
      const { json } = away.member(EVE, EVE, 'join', { auth_events: [create.eventId, other] })
      return { eventId, json, isRedacted: false }
    }) as [ReceivedEvent, ReceivedEvent]
    const said = away.say(EVE, 'x', { prev_events: heads(), auth_events: [create.eventId, '$one'] })
    const answer = room.receive([said], { events: [one, two] })
    expect(answer).toMatchObject({ done: {}, needs: [], more: false })
    expect([room.flags('$one'), room.flags('$two')]).toEqual([undefined, undefined])
  })
})

describe('an event is rejected', () => {
  const rejected = (event: ReceivedEvent, sentence: string) => {
    const extremities = heads()
    const state = room.current()
    expect(room.receive([event]).done[event.eventId]?.error).toMatch(sentence)
    expect([shown(event), heads(), room.current()]).toEqual([undefined, extremities, state])
  }

  it('where the rules refuse it in the state before it', () => {
    const event = away.state(ADA, 'm.room.name', { name: "Ada's" })
    rejected(event, 'power level')
    expect(room.flags(event.eventId)).toBe(1)
    // What follows on it does not inherit that, nor its state.
    const next = away.say(EVE, 'next', { prev_events: [event.eventId] })
    take([next])
    expect(room.after(next.eventId).get(key('m.room.name'))).toBeUndefined()
    expect(heads()).toEqual([next.eventId])
  })

  it('where it cites a rejected event', () => {
    const bad = away.state(ADA, 'm.room.power_levels', { users: { [ADA]: 100 } })
    room.receive([bad])
    const [cites] = [away.state(ADA, 'm.room.name', { name: 'x' }, { prev_events: heads() })]
    expect(away.event(cites.eventId)?.pdu.auth_events).not.toContain(bad.eventId)
    const auth = [create.eventId, bad.eventId, room.current().get(key('m.room.member', ADA))!]
    rejected(
      away.state(ADA, 'm.room.name', { name: 'y' }, { prev_events: heads(), auth_events: auth }),
      'cites an event that was rejected',
    )
  })

  it.each([
    ['that is of another room', { room_id: '!other:away.example' }, 'not of this room'],
    ['that follows on nothing', { prev_events: [] }, 'follows on nothing'],
  ])('%s, and is not kept', (_, more, sentence) => {
    const event = away.say(EVE, 'x', more)
    rejected(event, sentence)
    expect(room.flags(event.eventId)).toBeUndefined()
  })

  it('that cites events of another room', () => {
    const other = away.member(EVE, EVE, 'join', { room_id: '!other:away.example', prev_events: heads() })
    const auth = [create.eventId, other.eventId]
    const event = away.say(EVE, 'x', { prev_events: heads(), auth_events: auth })
    expect(room.receive([event]).needs).toEqual([{ kind: 'events', eventIds: [other.eventId] }])
    // It is not kept, so what cites it never has all it needs.
    expect(room.receive([], { events: [other] }).done[event.eventId]).toBeUndefined()
    expect(room.flags(other.eventId)).toBeUndefined()
  })

  it('that makes the room a second time', () => {
    const again = away.state(ADA, 'm.room.create', { room_version: VERSION }, { prev_events: [] })
    rejected(again, 'follows on nothing')
    const auth = [again.eventId, room.current().get(key('m.room.member', ADA))!]
    const event = away.state(ADA, 'm.room.name', { name: 'x' }, { prev_events: heads(), auth_events: auth })
    room.receive([event])
    expect(room.receive([], { events: [again] }).done[event.eventId]?.error).toMatch('rejected')
  })
})

describe('a redaction', () => {
  it('that comes before its target takes effect with it', () => {
    const [said, base] = [away.say(ADA, 'to be redacted'), heads()]
    const redacts = said.eventId
    const redaction = away.send({
      type: 'm.room.redaction',
      sender: EVE,
      content: { redacts },
      prev_events: base,
    })
    take([redaction])
    expect(room.count('early_redactions')).toBe(1)
    take([said])
    const pdu = JSON.parse(room.store.event(said.eventId)!.pdu)
    expect([pdu.content, pdu.unsigned.redacted_because.event_id]).toEqual([{}, redaction.eventId])
    expect(room.count('early_redactions')).toBe(0)
  })

  it('of a user without the power has no effect', () => {
    const said = away.say(EVE, 'stays')
    const content = { redacts: said.eventId }
    // From the same server every user may; the other one here is of a third.
    const third = '@third:third.example'
    take([said, away.member(third, third, 'join')])
    take([away.send({ type: 'm.room.redaction', sender: third, content })])
    expect(JSON.parse(room.store.event(said.eventId)!.pdu).content.body).toBe('stays')
  })
})

describe('what a branch stores', () => {
  it('is nothing for its messages, and two rows for each state event', () => {
    const base = heads()
    take([away.say(EVE, 'here')])
    away.standOn(base)
    take(Array.from({ length: 60 }, (_, n) => away.say(ADA, `${n}`)))
    expect([room.count('state_group'), room.count('state_delta')]).toEqual([0, 0])
    take(Array.from({ length: 40 }, (_, n) => away.state(ADA, 'm.room.topic', { topic: `${n}` })))
    expect([room.count('state_group'), room.count('state_delta')]).toEqual([40, 40])
    take(Array.from({ length: 90 }, (_, n) => away.state(ADA, 'm.room.topic', { topic: `more ${n}` })))
    expect(room.rows('SELECT max(depth) AS deepest FROM state_group')).toEqual([{ deepest: 99 }])
    const [last] = away.heads
    expect(room.after(last!)).toEqual(away.after(last!))
  })

  it('is one event of the room itself where very many branches meet', () => {
    const [base] = heads()
    room.send({ sender: ALICE, type: 'm.room.member', stateKey: ALICE, content: { membership: 'join' } })
    const branches = Array.from({ length: 30 }, (_, n) => away.say(EVE, `${n}`, { prev_events: [base!] }))
    room.receive(branches)
    expect(heads().length).toBeLessThanOrEqual(20)
    const dummies = room.rows("SELECT pdu FROM events WHERE type = 'org.matrix.dummy_event'")
    const named = dummies.flatMap(({ pdu }) => JSON.parse(String(pdu)).prev_events)
    expect([...named, ...heads()]).toEqual(expect.arrayContaining(branches.map(({ eventId }) => eventId)))
  })
})

it('events that are done are not looked at again, in whatever company they come', () => {
  const events = [away.say(EVE, 'one'), away.state(ADA, 'm.room.topic', { topic: 'x' }), away.say(ADA, 'two')]
  take(events)
  const before = room.rows('SELECT * FROM events')
  expect(only(events, room.receive([...events.toReversed(), eve]))).toEqual({ 0: {}, 1: {}, 2: {} })
  expect(room.rows('SELECT * FROM events')).toEqual(before)
})

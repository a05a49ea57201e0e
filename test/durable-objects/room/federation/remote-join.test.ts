/** Rooms of other servers that a local user joins, as they come from the answer of send_join. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { ReceivedEvent, RemoteJoin } from '../../../../src/objects/room/federation.ts'
import { NodeRoom } from '../../../support/federation/node-room.ts'
import { RemoteServer } from '../../../support/federation/remote-server.ts'

const EVE = '@eve:away.example'
const ADA = '@ada:away.example'
const ALICE = '@alice:here.example'
const BOB = '@bob:here.example'
const ROOM = '!room:away.example'

let away: RemoteServer
let room: NodeRoom
let sent: ReceivedEvent[]
let roomId: string

const key = (type: string, stateKey = '') => JSON.stringify([type, stateKey])
const membership = (userId: string) =>
  room.rows('SELECT membership FROM members WHERE user_id = ?', userId)[0]?.membership

/** A room with a history: a message, a ban, an invite of Bob, and changes of the topic. */
function history(version: string): void {
  away = new RemoteServer(version, version === '12' ? '' : ROOM)
  const content = { room_version: version, ...(version === '10' && { creator: EVE }) }
  const create = away.state(EVE, 'm.room.create', content)
  const levels = { users: version === '12' ? {} : { [EVE]: 100 }, events: { 'm.room.topic': 0 } }
  sent = [
    create,
    away.member(EVE, EVE, 'join'),
    away.state(EVE, 'm.room.power_levels', levels),
    away.state(EVE, 'm.room.join_rules', { join_rule: 'public' }),
    away.member(ADA, ADA, 'join'),
    away.state(EVE, 'm.room.topic', { topic: 'old' }),
    away.member(EVE, BOB, 'invite'),
    away.state(EVE, 'm.room.topic', { topic: 'new' }),
    away.say(ADA, 'from before'),
  ]
  roomId = away.roomId
  room = new NodeRoom('here.example')
}

/** What the other server answers to the join of a local user. */
function answer(join: ReceivedEvent): RemoteJoin & { finish: NonNullable<RemoteJoin['finish']> } {
  const { pdu } = away.event(join.eventId)!
  const stateIds = [...away.stateAfter(pdu.prev_events).values()]
  // The auth chains are longer than the state: of old topics nothing is in them.
  const wanted = new Set(stateIds)
  for (const eventId of wanted) for (const cited of away.event(eventId)!.pdu.auth_events) wanted.add(cited)
  const events = [...wanted].map((eventId) => away.event(eventId)!).toReversed()
  return { roomVersion: away.rules.version, events, finish: { join, stateIds } }
}

describe.each(['10', '11', '12'])('a join of a room of version %s', (version) => {
  let join: ReceivedEvent
  beforeEach(() => {
    history(version)
    join = away.member(ALICE, ALICE, 'join')
    room.joinRemote(roomId, answer(join))
  })

  it('has the state that came with it, and the join on top', () => {
    expect(room.current()).toEqual(away.after(join.eventId))
    expect(room.before(join.eventId)).toEqual(away.stateAfter([sent.at(-1)!.eventId]))
    expect([ALICE, EVE, ADA, BOB].map(membership)).toEqual(['join', 'join', 'join', 'invite'])
    expect(room.store.extremities.map(({ eventId }) => eventId)).toEqual([join.eventId])
    expect(room.last?.appended.map(({ event }) => event.event_id)).toEqual([join.eventId])
    expect(room.flags(sent[0]!.eventId)).toBe(4)
  })

  it('tells local users alone how they stand', () => {
    expect([...(room.last?.fed ?? [])].sort()).toEqual([ALICE, BOB])
  })

  it('again changes nothing', () => {
    const before = ['events', 'state', 'members', 'gaps'].map((table) => room.rows(`SELECT * FROM ${table}`))
    room.joinRemote(roomId, answer(join))
    expect(
      ['events', 'state', 'members', 'gaps'].map((table) => room.rows(`SELECT * FROM ${table}`)),
    ).toEqual(before)
  })

  it('is followed by what the other server sends, and by what local users say', () => {
    const said = away.say(EVE, 'welcome')
    expect(room.receive([said])).toMatchObject({ done: { [said.eventId]: {} }, needs: [] })
    const mine = room.send({ sender: ALICE, type: 'm.room.message', content: { body: 'hello' } })
    expect(JSON.parse(room.store.event(mine)!.pdu).prev_events).toEqual([said.eventId])
    // The state of the join serves as what events cite.
    expect(room.count('state_group')).toBe(0)
  })

  it('has its history beneath it once that comes', () => {
    const late = room.receive(sent.slice(1), {}, 'third.example')
    expect(sent.slice(1).map(({ eventId }) => late.done[eventId])).toEqual(sent.slice(1).map(() => ({})))
    const positions = sent.map(({ eventId }) => room.store.event(eventId)?.pos ?? 0)
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
    expect(positions.at(-1)).toBeLessThan(room.store.event(join.eventId)!.pos)
    expect(room.current()).toEqual(away.after(join.eventId))
    expect(room.last?.appended).toEqual([])
    for (const { eventId } of sent) expect(room.after(eventId)).toEqual(away.after(eventId))
  })
})

describe('the answer to a join', () => {
  beforeEach(() => history('11'))

  it('may come in parts, and makes the room with the last', () => {
    const join = away.member(ALICE, ALICE, 'join')
    const { events, finish, roomVersion } = answer(join)
    room.joinRemote(roomId, { roomVersion, events: events.slice(0, 3) })
    expect(() => room.receive([join])).toThrow('No such room')
    room.joinRemote(roomId, { roomVersion, events: events.slice(3) })
    room.joinRemote(roomId, { roomVersion, events: [], finish })
    expect(room.current()).toEqual(away.after(join.eventId))
    expect(room.count('staged')).toBe(0)
  })

  it.each([0, 1])('has one create event, in whichever part (%i) another one comes', (place) => {
    const join = away.member(ALICE, ALICE, 'join')
    const { events, finish, roomVersion } = answer(join)
    const parts = [events.slice(0, 3), events.slice(3)]
    const json = sent[0]!.json.replace('"depth":1', '"depth":2')
    parts[place]!.unshift({ eventId: '$other', json, isRedacted: false })
    room.joinRemote(roomId, { roomVersion, events: parts[0]! })
    room.joinRemote(roomId, { roomVersion, events: parts[1]!, finish })
    expect(room.current()).toEqual(away.after(join.eventId))
    expect(room.flags('$other')).toBeUndefined()
  })

  it.each([
    ['has no create event', (part: ReturnType<typeof answer>) => part.finish.stateIds.shift()],
    [
      'has no power levels to allow what it says',
      (part: ReturnType<typeof answer>) => part.events.splice(-4),
    ],
    [
      'is of another version',
      (part: ReturnType<typeof answer>) => Object.assign(part, { roomVersion: '10' }),
    ],
    [
      'joins somebody of another server',
      (part: ReturnType<typeof answer>) =>
        Object.assign(part.finish, { join: away.member(ADA, ADA, 'join') }),
    ],
    [
      'joins a user that is banned',
      (part: ReturnType<typeof answer>) => {
        const ban = away.member(EVE, ALICE, 'ban', { prev_events: [sent.at(-1)!.eventId] })
        part.events.push(ban)
        part.finish.stateIds.push(ban.eventId)
      },
    ],
  ])('that %s makes no room', (_, spoil) => {
    const part = answer(away.member(ALICE, ALICE, 'join'))
    spoil(part)
    expect(() => room.joinRemote(roomId, part)).toThrow()
    expect(room.rows("SELECT * FROM meta WHERE key = 'room_version'")).toEqual([])
    expect([room.count('events'), room.count('state'), room.count('member_feed')]).toEqual([0, 0, 0])
  })

  it('keeps rejected events out of the state', () => {
    const bad = away.state(ADA, 'm.room.name', { name: "Ada's" })
    const join = away.member(ALICE, ALICE, 'join')
    room.joinRemote(roomId, answer(join))
    expect(room.flags(bad.eventId)).toBe(1)
    expect(room.current().get(key('m.room.name'))).toBeUndefined()
  })
})

it('a user that comes back goes on from the state that came with the second join', () => {
  history('11')
  const join = away.member(ALICE, ALICE, 'join')
  room.joinRemote(roomId, answer(join))
  const leave = room.send({
    sender: ALICE,
    type: 'm.room.member',
    stateKey: ALICE,
    content: { membership: 'leave' },
  })
  away.learn(room.rows('SELECT event_id, pdu FROM events WHERE event_id = ?', leave))
  const missed = [away.state(EVE, 'm.room.topic', { topic: 'meanwhile' }), away.say(EVE, 'nobody here')]
  const back = away.member(ALICE, ALICE, 'join')
  room.joinRemote(roomId, answer(back))
  expect(room.current()).toEqual(away.after(back.eventId))
  expect(room.store.extremities.map(({ eventId }) => eventId)).toEqual([back.eventId])
  expect([membership(ALICE), room.last?.fed]).toEqual(['join', [ALICE]])
  const late = room.receive(missed)
  expect(late).toMatchObject({ needs: [], staged: 0 })
  const [topic, said] = missed.map(({ eventId }) => room.store.event(eventId)!.pos)
  expect([
    topic! > room.store.event(leave)!.pos,
    topic! < said!,
    said! < room.store.event(back.eventId)!.pos,
  ]).toEqual([true, true, true])
  expect(room.current()).toEqual(away.after(back.eventId))
})

it('a user that comes back to a room in which nothing was missed leaves no gap', () => {
  history('11')
  room.joinRemote(roomId, answer(away.member(ALICE, ALICE, 'join')))
  const content = { membership: 'leave' }
  const leave = room.send({ sender: ALICE, type: 'm.room.member', stateKey: ALICE, content })
  away.learn(room.rows('SELECT event_id, pdu FROM events WHERE event_id = ?', leave))
  const before = room.rows('SELECT * FROM gaps')
  room.joinRemote(roomId, answer(away.member(ALICE, ALICE, 'join')))
  expect(room.rows('SELECT * FROM gaps')).toEqual(before)
})

it('a second local user joins by the same way while the first is there', () => {
  history('11')
  const first = away.member(ALICE, ALICE, 'join')
  room.joinRemote(roomId, answer(first))
  const mine = room.send({ sender: ALICE, type: 'm.room.topic', stateKey: '', content: { topic: 'x' } })
  expect(mine).toBeDefined()
  const second = away.member(BOB, BOB, 'join')
  room.joinRemote(roomId, answer(second))
  expect([membership(ALICE), membership(BOB)]).toEqual(['join', 'join'])
  expect(room.store.extremities.map(({ eventId }) => eventId).sort()).toEqual([mine, second.eventId].sort())
})

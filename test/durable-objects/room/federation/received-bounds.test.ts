/** What other servers can make a Room keep, and how long they can keep it at work. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { ReceiveAnswer, ReceivedEvent, ReceiveRequest } from '../../../../src/objects/room/federation.ts'
import { type Change, load, NodeRoom } from '../../../support/federation/node-room.ts'
import { RemoteServer } from '../../../support/federation/remote-server.ts'

const EVE = '@eve:away.example'
const ROOM = '!room:away.example'
const VERSION = '11'
const MIB = 1_048_576

interface Host {
  room: unknown
  mutate<T>(work: (change: Change) => T): Promise<T>
  arm(job: string, at: number): void
}
const { Received } = await load<{
  Received: new (
    host: Host,
  ) => {
    take(request: ReceiveRequest): Promise<ReceiveAnswer>
    resume(): Promise<number | undefined>
  }
}>('room/write/receive/received.ts')

let away: RemoteServer
let room: NodeRoom
let now: number

/** A room of Eve's, which this server has from its first event. */
beforeEach(() => {
  now = 1_700_000_000_000
  away = new RemoteServer(VERSION, ROOM)
  const create = away.state(EVE, 'm.room.create', { room_version: VERSION })
  const signingKey = { id: 'ed25519:test', sign: () => 'c2ln' }
  room = new NodeRoom('here.example', { clock: { now: () => now }, signingKey })
  room.begin(ROOM, VERSION, away.event(create.eventId)!)
  const eve = away.member(EVE, EVE, 'join')
  const rules = away.state(EVE, 'm.room.join_rules', { join_rule: 'public' })
  const power = away.state(EVE, 'm.room.power_levels', { users: { [EVE]: 100 } })
  expect(room.receive([eve, rules, power]).staged).toBe(0)
})

describe('events that wait for what is missing', () => {
  const waiting = (length: number, size: number) =>
    Array.from({ length }, (_, n) => away.say(EVE, `${n}`.padEnd(size, 'x'), { prev_events: ['$missing'] }))
  const staged = () => room.rows('SELECT event_id, origin, octet_length(pdu) AS size FROM staged ORDER BY no')
  const bytes = () => staged().reduce((sum, { size }) => sum + Number(size), 0)

  it('take 4 MiB of a server at most, and its oldest go first', () => {
    const events = waiting(80, 60_000)
    const { staged: left, dropped } = room.receive(events)
    expect([left + dropped!, staged()[0]?.event_id]).toEqual([80, events[dropped!]!.eventId])
    expect(bytes()).toBeLessThanOrEqual(4 * MIB)
    expect(bytes()).toBeGreaterThan(4 * MIB - 64_000)
  })

  it('take 16 MiB of a room at most, and those of the busiest servers go', () => {
    const [small] = waiting(1, 10) as [ReceivedEvent]
    room.receive([small], {}, 'small.example')
    for (let n = 0; n < 6; n++) room.receive(waiting(60, 60_000), {}, `server${n}.example`)
    expect(bytes()).toBeLessThanOrEqual(16 * MIB)
    expect(bytes()).toBeGreaterThan(16 * MIB - 64_000)
    expect(staged()[0]?.event_id).toBe(small.eventId)
    const counts = Map.groupBy(staged(), ({ origin }) => origin)
    expect([...counts.values()].slice(1).every(({ length }) => length > 40)).toBe(true)
  })

  it('do not count what was fetched for them, which takes as much again', () => {
    const [last] = waiting(1, 10) as [ReceivedEvent]
    const { staged: left, dropped } = room.receive([last], { events: waiting(400, 60_000) })
    expect([dropped, left > 200, bytes() <= 16 * MIB + 1_000]).toEqual([undefined, true, true])
    expect(staged()[0]?.event_id).toBe(last.eventId)
  })
})

describe('a fork of many state events', () => {
  const KEYS = 1_200
  const key = (type: string, stateKey = '') => JSON.stringify([type, stateKey])
  const setting = (n: number, by: string) =>
    away.send({ type: 'org.example.setting', sender: EVE, state_key: `${n}`, content: { by } })
  const side = (by: string) => Array.from({ length: KEYS }, (_, n) => setting(n, by))
  const take = (events: readonly ReceivedEvent[]) => {
    for (let at = 0; at < events.length; at += 150) {
      now += 10_000
      expect(room.receive(events.slice(at, at + 150)).staged).toBe(0)
    }
  }
  let fork: string[]

  /** Both sides of the fork are there, and the Room has just resolved them. */
  beforeEach(() => {
    const base = away.heads
    take(side('one'))
    away.standOn(base)
    const second = side('two')
    fork = away.heads
    take(second)
  })

  it('is resolved no more than a tenth of the time: what adds to it waits, and is not lost', () => {
    const more = [setting(KEYS, 'two'), setting(KEYS + 1, 'two')]
    const [state, changed] = [room.current(), room.store.head]
    const answer = room.receive(more.slice(0, 1))
    expect(answer).toMatchObject({ done: {}, needs: [], more: false, staged: 1 })
    expect(answer.restsUntil).toBeGreaterThan(now + 100)
    expect(room.receive(more.slice(1)).staged).toBe(2)
    expect([room.current(), room.store.head]).toEqual([state, changed])
    now = answer.restsUntil!
    expect(room.receive([])).toMatchObject({ staged: 0, done: { [more[0]!.eventId]: {} } })
    for (const n of [0, 1])
      expect(room.current().get(key('org.example.setting', `${KEYS + n}`))).toBe(more[n]!.eventId)
  })

  it('goes on by the alarm, once the Room has rested', async () => {
    const armed: [string, number][] = []
    const received = new Received({
      room: room.room,
      mutate: async (work) => room.mutate(work),
      arm: (job, at) => armed.push([job, at]),
    })
    const one = setting(KEYS, 'two')
    const { restsUntil } = await received.take({ origin: 'away.example', events: [one] })
    expect(armed).toEqual([['staged', restsUntil]])
    expect(await received.resume()).toBe(restsUntil)
    now = restsUntil!
    expect(await received.resume()).toBeUndefined()
    expect([room.count('staged'), room.flags(one.eventId)]).toEqual([0, 0])
  })

  it('holds up no event that follows on all there is', () => {
    const heads = room.store.extremities.map(({ eventId }) => eventId)
    expect(heads).toEqual(expect.arrayContaining(fork))
    expect(room.receive([setting(KEYS, 'two')]).staged).toBe(1)
    away.standOn(heads)
    const said = away.say(EVE, 'hello')
    expect(room.receive([said]).done[said.eventId]).toEqual({})
  })
})

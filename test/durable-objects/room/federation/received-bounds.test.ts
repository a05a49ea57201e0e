/** What other servers can make a Room keep. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { ReceivedEvent } from '../../../../src/objects/room/federation.ts'
import { NodeRoom } from '../../../support/federation/node-room.ts'
import { RemoteServer } from '../../../support/federation/remote-server.ts'

const EVE = '@eve:away.example'
const ROOM = '!room:away.example'
const VERSION = '11'
const MIB = 1_048_576

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

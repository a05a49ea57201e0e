/** What a Room makes of events of other servers when each of its calls ends before all is done. */
import { expect, it } from 'vitest'
import { NodeRoom } from '../../../support/federation/node-room.ts'
import { RemoteServer } from '../../../support/federation/remote-server.ts'

const EVE = '@eve:away.example'
const ROOM = '!room:away.example'
const VERSION = '11'
/** Longer than a call may take. */
const TICK_MS = 60

/** On this machine each look at the clock finds that the time is over. */
function slowRoom(create: NonNullable<ReturnType<RemoteServer['event']>>): NodeRoom {
  let now = 1_700_000_000_000
  const clock = { now: () => (now += TICK_MS) }
  const room = new NodeRoom('here.example', { clock, signingKey: { id: 'ed25519:test', sign: () => 'c2ln' } })
  room.begin(ROOM, VERSION, create)
  return room
}

it('events that cite each other as auth events too are placed as on a fast machine', () => {
  const away = new RemoteServer(VERSION, ROOM)
  const create = away.state(EVE, 'm.room.create', { room_version: VERSION })
  const room = slowRoom(away.event(create.eventId)!)
  const events = Array.from({ length: 6 }, () => away.member(EVE, EVE, 'join'))
  let answer = room.receive([events.at(-1)!])
  expect(answer.needs).toMatchObject([{ kind: 'missing' }, { kind: 'events' }])
  answer = room.receive([], { events: events.slice(0, -1) })
  for (let calls = 0; answer.more && calls < 100; calls += 1) answer = room.receive([])
  expect(answer).toMatchObject({ more: false, needs: [], staged: 0 })
  const places = events.map(({ eventId }) => room.store.event(eventId)?.pos ?? Number.NaN)
  expect(places).toEqual(places.toSorted((a, b) => a - b))
  expect(room.count('gaps')).toBe(0)
})

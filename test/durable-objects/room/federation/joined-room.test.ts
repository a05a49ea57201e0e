/** A room of another server in a running one: what its local user is shown of it, before and after a crash. */
import { beforeAll, expect, it } from 'vitest'
import type { ReceivedEvent } from '../../../../src/objects/room/federation.ts'
import { type Body, must } from '../../../support/client.ts'
import { eventually } from '../../../support/eventually.ts'
import { RemoteServer } from '../../../support/federation/remote-server.ts'
import { RoomStub } from '../../../support/federation/room-stub.ts'
import { serving } from '../../../support/serving.ts'

const EVE = '@eve:away.example'
const ROOM = '!room:away.example'
const { server, alice, bob } = serving(['alice', 'bob'], {
  federation: 'on',
  staysAwake: 'its Destination waits for a server that is nowhere',
})

const at = (rest: string) => `/rooms/${encodeURIComponent(ROOM)}/${rest}`

let away: RemoteServer
let stub: RoomStub

let history: ReceivedEvent[]

beforeAll(async () => {
  away = new RemoteServer('11', ROOM)
  away.state(EVE, 'm.room.create', { room_version: '11' })
  history = [
    away.member(EVE, EVE, 'join'),
    away.state(EVE, 'm.room.power_levels', { users: { [EVE]: 100 } }),
    away.state(EVE, 'm.room.join_rules', { join_rule: 'public' }),
    away.say(EVE, 'while everybody may read what was'),
    away.state(EVE, 'm.room.history_visibility', { history_visibility: 'joined' }),
    away.say(EVE, 'for those who are there'),
    away.state(EVE, 'm.room.name', { name: 'Far away' }),
  ]
  const before = away.heads
  const join = away.member(alice.userId, alice.userId, 'join')
  stub = new RoomStub(server, ROOM)
  const stateIds = [...away.stateAfter(before).values()]
  const events = stateIds.map((eventId) => away.event(eventId)!)
  await stub.joinRemote({ roomVersion: '11', events, finish: { join, stateIds } })
})

it('the local user is in it, and is shown its state', async () => {
  const { body } = must(await alice.sync())
  const { state, timeline } = body.rooms.join[ROOM]
  expect(state.events.map(({ type }: Body) => type).sort()).toEqual([
    'm.room.create',
    'm.room.history_visibility',
    'm.room.join_rules',
    'm.room.member',
    'm.room.name',
    'm.room.power_levels',
  ])
  expect(timeline.events.map(({ type, sender }: Body) => [type, sender])).toEqual([
    ['m.room.member', alice.userId],
  ])
  expect(must(await alice.get(at('state/m.room.name'))).body).toEqual({ name: 'Far away' })
  expect(await stub.facts('away.example')).toEqual({ version: '11', allowed: true, inRoom: true })
  expect(await stub.facts('other.example')).toEqual({ version: '11', allowed: true, inRoom: false })
})

it('lists know its name and its members', async () => {
  const query = 'select facts, joined_members from room_summaries where room_id = $1'
  const summary = async () => (await server.pg(query, [ROOM]))[0]
  const known = await eventually(summary, (row) => Number(row?.joined_members) === 2)
  expect(JSON.stringify(known?.facts)).toContain('Far away')
})

it('both sides speak, and the room is the same after a crash', async () => {
  const { body } = must(await alice.sync())
  const said = away.say(EVE, 'welcome')
  expect((await stub.receive([said])).done).toEqual({ [said.eventId]: {} })
  const mine = await alice.say(ROOM, 'hello')
  const missing = away.say(EVE, 'behind', { prev_events: ['$missing'] })
  expect(await stub.receive([missing])).toMatchObject({ done: {}, staged: 1 })
  const before = await tables()
  await server.restart()
  expect(await tables()).toEqual(before)
  const next = must(await alice.sync({ since: body.next_batch })).body.rooms.join[ROOM].timeline.events
  expect(next.map(({ event_id }: Body) => event_id)).toEqual([said.eventId, mine])
  // What waits is asked for again.
  const { needs } = await stub.receive([])
  expect(needs).toMatchObject([{ kind: 'missing', latest: [missing.eventId] }])
})

const tables = () =>
  Promise.all(
    ['events', 'state', 'members', 'staged', 'gaps'].map((table) => stub.sql(`SELECT * FROM ${table}`)),
  )

it('history from before the join is shown as far as the state of then allows', async () => {
  const taken = async () => {
    const { done } = await stub.receive(history, {}, 'third.example')
    return history.map(({ eventId }) => done[eventId])
  }
  // On a slow machine a call may end before all of them have their places.
  await expect.poll(taken, { timeout: 20_000 }).toEqual(history.map(() => ({})))
  const { chunk } = must(await alice.get(at('messages'), { dir: 'b', limit: 100 })).body
  const bodies = chunk.map(({ content }: Body) => content.body).filter(Boolean)
  expect(bodies).toEqual(['hello', 'welcome', 'while everybody may read what was'])
  const hidden = encodeURIComponent(history[5]!.eventId)
  expect((await alice.get(at(`event/${hidden}`))).status).toBe(404)
})

it('others here know nothing of it, and a name that is made up makes no object', async () => {
  expect((await bob.get(at('state'))).status).toBe(403)
  const made = encodeURIComponent('!made-up:away.example')
  expect((await bob.get(`/rooms/${made}/messages`, { dir: 'b' })).status).toBe(403)
  const up = new RoomStub(server, '!made-up:away.example')
  await expect(up.sql('SELECT * FROM events')).rejects.toThrow()
})

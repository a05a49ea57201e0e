/** Sliding sync: what a `pos` stands for, through lost answers, evictions, restarts and other connections. */
import { expect, it } from 'vitest'
import { type Body, must } from '../../../../support/client.ts'
import { objectName } from '../../../../support/server.ts'
import { serving } from '../../../../support/serving.ts'
import { ACCEPTED, allRooms, connection, UNSTABLE } from './connection.ts'

const { server, http, someone } = serving()

const bodies = (room: Body) => room.timeline.map(({ content }: Body) => content.body)
/** Without the age of events, which grows from answer to answer. */
const ageless = (value: Body) =>
  JSON.parse(JSON.stringify(value), (key, inner) => (key === 'age' ? undefined : inner))
const user = (userId: string) => objectName.user(server.serverName, userId)

it('gives the same again for a pos whose answer was lost', async () => {
  const alice = await someone()
  const room = await alice.createRoom({ name: 'a' })
  await alice.createRoom({ name: 'b' })
  const main = connection(http, alice)
  await main.ask(allRooms(0))
  await alice.say(room, 'one')
  const first = must(await main.lose(allRooms(1))).body
  const second = must(await main.lose(allRooms(1))).body
  const told = ({ rooms }: Body) => ageless(rooms)
  expect(told(second)).toEqual(told(first))
  expect(Object.keys(first.rooms)).toEqual([room])
  main.pos = second.pos
  expect((await main.ask(allRooms(1))).rooms).toEqual({})
})

it('loses nothing by an eviction or a restart, and tells nothing twice', async () => {
  const alice = await someone()
  const [room, other] = [await alice.createRoom({ name: 'a' }), await alice.createRoom({ name: 'b' })]
  const main = connection(http, alice)
  await main.ask(allRooms(0))
  await alice.say(other, 'one')
  await server.evict('USER', user(alice.userId))
  expect(bodies((await main.ask(allRooms(0))).rooms[other])).toEqual(['one'])
  await server.restart()
  expect((await main.ask(allRooms(0))).rooms).toEqual({})
  await alice.say(room, 'two')
  const { rooms } = await main.ask(allRooms(0))
  expect(rooms[room]).toMatchObject({ initial: true, num_live: 1 })
})

it('refuses a pos that is not its own, and begins anew without one', async () => {
  const [alice, bob] = [await someone(), await someone()]
  await alice.createRoom()
  const [main, other] = [connection(http, alice), connection(http, alice, 'other')]
  const theirs = connection(http, bob)
  await main.ask(allRooms())
  await other.ask(allRooms())
  await theirs.ask(allRooms())
  const since = must(await alice.sync()).body.next_batch
  for (const pos of [other.pos, theirs.pos, since, 'nonsense', `${main.pos}9`]) {
    const { status, body } = await main.lose(allRooms(), { pos })
    expect([status, body.errcode]).toEqual([400, 'M_UNKNOWN_POS'])
  }
  const before = main.pos
  main.pos = undefined
  expect(Object.keys((await main.ask(allRooms())).rooms)).toHaveLength(1)
  expect((await main.lose(allRooms(), { pos: before })).body.errcode).toBe('M_UNKNOWN_POS')
})

it('has connections of a device that know nothing of each other', async () => {
  const alice = await someone()
  const room = await alice.createRoom()
  const [main, other] = [connection(http, alice), connection(http, alice, 'other')]
  expect((await main.ask(allRooms())).rooms[room].initial).toBe(true)
  expect((await other.ask(allRooms())).rooms[room].initial).toBe(true)
  await alice.say(room, 'hello')
  for (const one of [main, other]) expect(bodies((await one.ask(allRooms())).rooms[room])).toEqual(['hello'])
})

it('ends the connection of a device that was used longest ago, when there are too many', async () => {
  const alice = await someone()
  const all = Array.from({ length: 9 }, (_, n) => connection(http, alice, `c${n}`))
  for (const one of all) await one.ask(allRooms())
  expect((await all[0]?.lose(allRooms()))?.body.errcode).toBe('M_UNKNOWN_POS')
  for (const one of all.slice(1)) await one.ask(allRooms())
})

it('goes on from its place in a room in /messages', async () => {
  const alice = await someone()
  const room = await alice.createRoom()
  await alice.say(room, 'before')
  const main = connection(http, alice)
  await main.ask(allRooms())
  await alice.say(room, 'after')
  const query = { from: main.pos, dir: 'f' }
  const { chunk } = must(await alice.get(`/rooms/${encodeURIComponent(room)}/messages`, query)).body
  expect(chunk.map(({ content }: Body) => content.body)).toEqual(['after'])
})

it('echoes the transaction id, and refuses what is wrong', async () => {
  const alice = await someone()
  const main = connection(http, alice)
  expect(await main.ask({ ...allRooms(), txn_id: 'x' })).toMatchObject({ txn_id: 'x' })
  const token = alice.token
  const wrong = async (body: Body) => (await http.request('POST', UNSTABLE, body, { token })).body.errcode
  expect(await wrong({ lists: [] })).toBe('M_BAD_JSON')
  const lists = Object.fromEntries(
    Array.from({ length: 101 }, (_, n) => [`${n}`, { ranges: [], timeline_limit: 1, required_state: [] }]),
  )
  expect(await wrong({ lists })).toBe('M_INVALID_PARAM')
})

it('speaks the form of the accepted proposal', async () => {
  const [alice, bob] = [await someone(), await someone()]
  const room = await alice.createRoom({ name: 'named', topic: 'topic' })
  const invite = await bob.createRoom({ invite: [alice.userId] })
  await alice.say(room, 'hello')
  const body = {
    conn_id: 'v4',
    lists: {
      all: {
        range: [0, 9],
        timeline_limit: 1,
        required_state: { include: [{}], exclude: [{ type: 'm.room.topic' }], lazy_members: true },
      },
    },
  }
  const ask = async (more: Body = {}) =>
    must(await http.request('POST', ACCEPTED, { ...body, ...more }, { token: alice.token })).body
  const first = await ask()
  expect(first.lists).toEqual({ all: { count: 2 } })
  expect(first.rooms[invite]).toMatchObject({
    membership: 'invite',
    lists: ['all'],
    stripped_state: expect.any(Array),
  })
  const given = first.rooms[room]
  expect(given).toMatchObject({ membership: 'join', lists: ['all'], initial: true, name: 'named' })
  expect(given.timeline.map(({ content }: Body) => content.body)).toEqual(['hello'])
  expect(given).not.toHaveProperty('notification_count')
  const types = given.required_state.map(({ type }: Body) => type)
  expect(types).toContain('m.room.power_levels')
  expect(types).not.toContain('m.room.topic')
  must(await alice.put(`/rooms/${encodeURIComponent(room)}/state/m.room.name`, { name: '' }))
  expect((await ask({ pos: first.pos })).rooms[room]).toMatchObject({ name: null })
})

it('keeps nothing of a connection whose device is gone', async () => {
  const alice = await someone()
  await alice.createRoom()
  const phone = await http.login(alice.userId)
  await connection(http, phone).ask(allRooms())
  await connection(http, alice).ask(allRooms())
  must(await phone.post('/logout'))
  const left = (query: string) => server.sql('USER', user(alice.userId), query)
  expect(await left('SELECT device_id FROM connections')).toEqual([{ device_id: alice.deviceId }])
  expect(await left('SELECT DISTINCT name FROM connection_states')).toEqual(
    await left('SELECT name FROM connections'),
  )
  const holders = await left("SELECT device_id FROM device_epochs WHERE device_id LIKE '% given'")
  expect(holders).toHaveLength(1)
})

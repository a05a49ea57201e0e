/** Sliding sync: what MSC4186 says in single sentences, and what a client should not ask. */
import { expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../../support/client.ts'
import { serving } from '../../../../support/serving.ts'
import { ACCEPTED, allRooms, connection } from './connection.ts'

const { http, someone } = serving()

const at = (id: string, rest: string) => `/rooms/${encodeURIComponent(id)}/${rest}`
const list = (more: Body): Body => ({
  lists: { all: { ranges: [[0, 19]], timeline_limit: 1, required_state: [], ...more } },
})

async function pair(): Promise<[alice: Client, bob: Client, room: string]> {
  const [alice, bob] = [await someone(), await someone()]
  const room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
  return [alice, bob, room]
}

it.each<[ranges: unknown, rooms: number | string]>([
  [undefined, 3],
  [[], 0],
  [[[2, 1]], 0],
  [[[7, 9_007_199_254_740_991]], 0],
  [
    [
      [0, 1],
      [1, 1],
      [0, 0],
    ],
    2,
  ],
  [[[-1, 3]], 'M_INVALID_PARAM'],
  [[[0, 1.5]], 'M_BAD_JSON'],
  [[[0]], 'M_BAD_JSON'],
  ['all', 'M_BAD_JSON'],
])('the ranges %j are %s', async (ranges, expected) => {
  const alice = await someone()
  for (let n = 0; n < 3; n += 1) await alice.createRoom()
  const { status, body } = await connection(http, alice).lose(list({ ranges }))
  if (typeof expected === 'string') expect([status, body.errcode]).toEqual([400, expected])
  else expect([Object.keys(body.rooms).length, body.lists.all.count]).toEqual([expected, 3])
})

it('a subscription to a room that is none of the user’s is ignored', async () => {
  const [alice, bob] = [await someone(), await someone()]
  const secret = await bob.createRoom()
  const rooms = [secret, '!invented:test.example', '!elsewhere:other.example', 'nonsense', '']
  const rule = { timeline_limit: 20, required_state: [['*', '*']] }
  const answer = await connection(http, alice).ask({
    room_subscriptions: Object.fromEntries(rooms.map((room) => [room, rule])),
  })
  expect(answer.rooms).toEqual({})
})

it('"$LAZY" and "$ME" speak of members alone', async () => {
  const [alice, bob, room] = await pair()
  await bob.say(room, 'hello')
  const stateOf = async (required_state: string[][]) => {
    const { rooms } = await connection(http, alice, 'fresh').ask(list({ required_state }))
    return rooms[room].required_state.map(({ type, state_key }: Body) => [type, state_key])
  }
  expect(await stateOf([['m.room.topic', '$LAZY']])).toEqual([])
  expect(await stateOf([['m.room.topic', '$ME']])).toEqual([])
  expect(await stateOf([['m.room.member', '$LAZY']])).toEqual([['m.room.member', bob.userId]])
  expect(await stateOf([['m.room.member', '$ME']])).toEqual([['m.room.member', alice.userId]])
  expect((await stateOf([['m.room.member', '*']])).length).toBe(2)
})

it('shows a ban that follows a kick, and none from a room that the user never was in', async () => {
  const [alice, bob, room] = await pair()
  must(await alice.post(at(room, 'kick'), { user_id: bob.userId }))
  must(await alice.post(at(room, 'ban'), { user_id: bob.userId }))
  const never = await alice.createRoom()
  must(await alice.post(at(never, 'ban'), { user_id: bob.userId }))
  const { rooms, lists } = await connection(http, bob).ask(
    list({ required_state: [['m.room.member', '$ME']] }),
  )
  expect([Object.keys(rooms), lists.all.count]).toEqual([[room], 1])
  expect(rooms[room].required_state.map(({ content }: Body) => content.membership)).toEqual(['ban'])
})

it('tells that an invite was declined or taken back on a connection that had it', async () => {
  const [alice, bob] = [await someone(), await someone()]
  const [declined, withdrawn] = [await alice.createRoom(), await alice.createRoom()]
  for (const room of [declined, withdrawn]) must(await alice.invite(room, bob.userId))
  const main = connection(http, bob)
  expect(Object.keys((await main.ask(allRooms())).rooms).sort()).toEqual([declined, withdrawn].sort())
  must(await bob.post(at(declined, 'leave')))
  must(await alice.post(at(withdrawn, 'kick'), { user_id: bob.userId }))
  const { rooms, lists } = await main.ask(allRooms())
  expect([Object.keys(rooms).sort(), lists.all.count]).toEqual([[declined, withdrawn].sort(), 0])
  for (const room of [declined, withdrawn]) {
    const own = rooms[room].required_state.find(({ state_key }: Body) => state_key === bob.userId)
    expect(own.content.membership).toBe('leave')
    expect(rooms[room].timeline.every(({ type }: Body) => type === 'm.room.member')).toBe(true)
  }
  expect((await main.ask(allRooms())).rooms).toEqual({})
})

it('bumps by what people say, and orders by whatever happens', async () => {
  const [alice, bob, room] = await pair()
  const other = await alice.createRoom()
  const main = connection(http, alice)
  const first = (await main.ask(allRooms())).rooms
  const stamp: number = first[room].bump_stamp
  must(await alice.put(at(room, 'state/m.room.topic'), { topic: 'quiet' }))
  const quiet = (await main.ask(allRooms(0))).rooms
  expect(Object.keys(quiet)).toEqual([room])
  expect(quiet[room].bump_stamp).toBe(stamp)
  expect(quiet[room]).not.toHaveProperty('joined_count')
  await bob.say(room, 'loud')
  const loud = (await main.ask(allRooms(0))).rooms[room]
  expect(loud.bump_stamp).toBeGreaterThan(first[other].bump_stamp)
  expect([loud.num_live, loud.limited, loud.initial]).toEqual([1, false, undefined])
})

it('a presence that there is not, and lists or subscriptions too many, are refused', async () => {
  const alice = await someone()
  const ask = async (body: Body) => {
    const answer = await http.request('POST', ACCEPTED, body, { token: alice.token })
    return [answer.status, answer.body.errcode]
  }
  const rule = { timeline_limit: 1, required_state: {} }
  const many = (name: string) =>
    Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`${name}${n}`, rule]))
  expect(await ask({ set_presence: 'asleep' })).toEqual([400, 'M_INVALID_PARAM'])
  expect(await ask({ lists: many('l') })).toEqual([400, 'M_INVALID_PARAM'])
  expect(await ask({ room_subscriptions: many('!r') })).toEqual([400, 'M_INVALID_PARAM'])
  expect(await ask({ lists: { a: { required_state: {} } } })).toEqual([400, 'M_MISSING_PARAM'])
  expect(await ask({ timeout: -1 })).toEqual([400, 'M_INVALID_PARAM'])
  expect(await ask({ pos: '' })).toEqual([400, 'M_INVALID_PARAM'])
  expect(await ask({ pos: 'x'.repeat(100_000) })).toEqual([400, 'M_UNKNOWN_POS'])
})

it('a list of an odd name is a list', async () => {
  const alice = await someone()
  await alice.createRoom()
  for (const name of ['', 'constructor', '💃', 'x'.repeat(300)]) {
    const lists = JSON.parse(`{${JSON.stringify(name)}:{"ranges":[[0,1]],"timeline_limit":1}}`)
    const { status, body } = await connection(http, alice).lose({ lists })
    expect([status, Object.entries(body.lists ?? {})], name).toEqual([200, [[name, { count: 1 }]]])
  }
})

/** Sliding sync: lists with their ranges and filters, and what a room brings when it comes into one. */
import { expect, it } from 'vitest'
import { type Body, must } from '../../../../support/client.ts'
import { objectName } from '../../../../support/server.ts'
import { serving } from '../../../../support/serving.ts'
import { allRooms, connection, REQUIRED } from './connection.ts'

const { server, http, someone } = serving()

const at = (id: string, rest: string) => `/rooms/${encodeURIComponent(id)}/${rest}`
const bodies = (room: Body) => room.timeline.map(({ content }: Body) => content.body ?? content.membership)

it('gives the newest rooms of a list, whole, and how many there are', async () => {
  const alice = await someone()
  const rooms: string[] = []
  for (const name of ['one', 'two', 'three']) rooms.push(await alice.createRoom({ name }))
  await alice.say(rooms[0] as string, 'hello')
  const main = connection(http, alice)
  const { lists, rooms: given } = await main.ask(allRooms(1))
  expect(lists).toEqual({ all: { count: 3 } })
  expect(Object.keys(given).sort()).toEqual([rooms[0], rooms[2]].sort())
  const room = given[rooms[0] as string]
  expect(room).toMatchObject({
    initial: true,
    name: 'one',
    limited: true,
    num_live: 0,
    joined_count: 1,
    invited_count: 0,
    is_dm: false,
    prev_batch: expect.any(String),
    bump_stamp: expect.any(Number),
    notification_count: 0,
    highlight_count: 0,
  })
  expect(bodies(room)).toEqual(['hello'])
  const types = room.required_state.map(({ type }: Body) => type).sort()
  expect(types).toEqual([
    'm.room.create',
    'm.room.history_visibility',
    'm.room.join_rules',
    'm.room.member',
    'm.room.name',
    'm.room.power_levels',
  ])
})

it('gives a room outside the range when it becomes the newest, and then only its news', async () => {
  const alice = await someone()
  const [old, other] = [await alice.createRoom({ name: 'old' }), await alice.createRoom()]
  const main = connection(http, alice)
  expect(Object.keys((await main.ask(allRooms(0))).rooms)).toEqual([other])
  expect((await main.ask(allRooms(0))).rooms).toEqual({})
  await alice.say(old, 'again')
  const { rooms } = await main.ask(allRooms(0))
  expect(Object.keys(rooms)).toEqual([old])
  expect(rooms[old]).toMatchObject({ initial: true, name: 'old', num_live: 1 })
  await alice.say(old, 'and again')
  const next = (await main.ask(allRooms(0))).rooms
  expect(Object.keys(next)).toEqual([old])
  expect(next[old]).toMatchObject({ num_live: 1, limited: false })
  expect(next[old].initial).toBeUndefined()
  expect(next[old].name).toBeUndefined()
  expect(bodies(next[old])).toEqual(['and again'])
})

it('gives the further rooms of a list that grows, and none twice', async () => {
  const alice = await someone()
  const rooms: string[] = []
  for (let n = 0; n < 6; n += 1) rooms.unshift(await alice.createRoom({ name: `${n}` }))
  const main = connection(http, alice)
  for (const [from, to] of [
    [0, 1],
    [2, 3],
    [4, 19],
  ] as const) {
    const given = Object.keys((await main.ask(allRooms(to))).rooms)
    expect(given.sort()).toEqual(rooms.slice(from, to + 1).sort())
  }
  expect((await main.ask(allRooms(19))).rooms).toEqual({})
})

it('chooses rooms by filters', async () => {
  const [alice, bob] = [await someone(), await someone()]
  const plain = await alice.createRoom()
  const secret = await alice.createRoom({
    initial_state: [
      { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } },
    ],
  })
  const space = await alice.createRoom({ creation_content: { type: 'm.space' } })
  const child = { via: ['test.example'] }
  must(await alice.put(at(space, `state/m.space.child/${encodeURIComponent(plain)}`), child))
  const base = `/user/${encodeURIComponent(alice.userId)}`
  must(await alice.put(`${base}/account_data/m.direct`, { '@x:test.example': [secret] }))
  must(await alice.put(`${base}/rooms/${encodeURIComponent(plain)}/tags/m.favourite`, {}))
  const invite = await bob.createRoom({ invite: [alice.userId] })
  const main = connection(http, alice)
  const list = (filters: Body) => ({ ranges: [[0, 9]], timeline_limit: 0, required_state: [], filters })
  const shown = async (filters: Body) => {
    const fresh = connection(http, alice, 'filters')
    const { lists, rooms } = await fresh.ask({ lists: { all: list(filters) } })
    expect(lists.all.count).toBe(Object.keys(rooms).length)
    return Object.keys(rooms).sort()
  }
  // Each room is asked once before it is known what it is.
  await main.ask(allRooms())
  await main.ask(allRooms())
  expect(await shown({ is_encrypted: true })).toEqual([secret])
  expect(await shown({ is_dm: true })).toEqual([secret])
  expect(await shown({ is_invite: true })).toEqual([invite])
  expect(await shown({ is_invite: false })).toEqual([plain, secret, space].sort())
  expect(await shown({ room_types: ['m.space'] })).toEqual([space])
  expect(await shown({ not_room_types: ['m.space'], is_invite: false })).toEqual([plain, secret].sort())
  expect(await shown({ room_types: [null], is_dm: false })).toEqual([plain, invite].sort())
  expect(await shown({ tags: ['m.favourite'] })).toEqual([plain])
  expect(await shown({ not_tags: ['m.favourite'], is_invite: false })).toEqual([secret, space].sort())
  expect(await shown({ spaces: [space] })).toEqual([plain])
})

it('follows a room by a subscription, whatever the lists have', async () => {
  const alice = await someone()
  const [old, other] = [await alice.createRoom({ name: 'old' }), await alice.createRoom()]
  for (let n = 0; n < 3; n += 1) await alice.say(old, `${n}`)
  await alice.say(other, 'newest')
  const main = connection(http, alice)
  await main.ask(allRooms(0))
  const subscribed = {
    ...allRooms(0),
    room_subscriptions: {
      [old]: { timeline_limit: 2, required_state: REQUIRED },
      '!nowhere:test.example': { timeline_limit: 2, required_state: [] },
    },
  }
  const { rooms } = await main.ask(subscribed)
  expect(Object.keys(rooms)).toEqual([old])
  expect(bodies(rooms[old])).toEqual(['1', '2'])
})

it('sends a room again at once when more of its timeline or its state is wanted', async () => {
  const alice = await someone()
  const room = await alice.createRoom({ name: 'grows', topic: 'the topic' })
  for (let n = 0; n < 4; n += 1) await alice.say(room, `${n}`)
  const main = connection(http, alice)
  const asked = (timeline_limit: number, required_state: string[][]) =>
    allRooms(0, { timeline_limit, required_state })
  await main.ask(asked(1, [['m.room.name', '']]))
  const grown = (await main.ask(asked(3, [['m.room.name', '']]))).rooms[room]
  expect(bodies(grown)).toEqual(['1', '2', '3'])
  expect(grown).toMatchObject({ unstable_expanded_timeline: true, limited: true, num_live: 0 })
  expect(grown.initial).toBeUndefined()
  expect((await main.ask(asked(3, [['m.room.name', '']]))).rooms).toEqual({})
  const widened = (await main.ask(asked(3, [['m.room.*', '']].concat([['m.room.topic', '']])))).rooms[room]
  expect(widened.required_state.map(({ type }: Body) => type)).toContain('m.room.topic')
  expect(widened.timeline).toEqual([])
  expect((await main.ask(asked(1, [['m.room.topic', '']]))).rooms).toEqual({})
})

it('tells what came meanwhile of a room that comes back into a range', async () => {
  const alice = await someone()
  const [one, two] = [await alice.createRoom(), await alice.createRoom()]
  const main = connection(http, alice)
  await main.ask(allRooms(1, { timeline_limit: 5 }))
  await alice.say(one, 'meanwhile')
  await alice.say(two, 'newest')
  const asked = (to: number) => main.ask(allRooms(to, { timeline_limit: 5 }))
  expect(Object.keys((await asked(0)).rooms)).toEqual([two])
  expect((await asked(0)).rooms).toEqual({})
  await server.evict('USER', objectName.user(server.serverName, alice.userId))
  const { rooms } = await asked(1)
  expect(Object.keys(rooms)).toEqual([one])
  expect(rooms[one].initial).toBeUndefined()
  expect(bodies(rooms[one])).toEqual(['meanwhile'])
})

it('tells when a room becomes a direct chat, and when it is none any more', async () => {
  const alice = await someone()
  const room = await alice.createRoom()
  const main = connection(http, alice)
  expect((await main.ask(allRooms())).rooms[room].is_dm).toBe(false)
  const direct = (rooms: string[]) =>
    alice.put(`/user/${encodeURIComponent(alice.userId)}/account_data/m.direct`, { '@x:test.example': rooms })
  for (const rooms of [[room], []]) {
    must(await direct(rooms))
    const told = (await main.ask(allRooms(), { timeout: 20_000 })).rooms
    expect(told[room]).toEqual({ is_dm: rooms.length > 0, bump_stamp: expect.any(Number) })
    expect((await main.ask(allRooms())).rooms).toEqual({})
  }
})

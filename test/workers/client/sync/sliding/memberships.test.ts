/** Sliding sync: rooms that the user is invited to, knocks on, leaves, or is sent out of. */
import { expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../../support/client.ts'
import { serving } from '../../../../support/serving.ts'
import { allRooms, connection } from './connection.ts'

const { http, someone } = serving()

const at = (id: string, rest: string) => `/rooms/${encodeURIComponent(id)}/${rest}`
const own = (room: Body, { userId }: Client) =>
  room.required_state.find(({ type, state_key }: Body) => type === 'm.room.member' && state_key === userId)

it('shows an invite by its stripped state, then the room whole once the user is in', async () => {
  const [alice, bob] = [await someone(), await someone()]
  const main = connection(http, alice)
  await main.ask(allRooms())
  const room = await bob.createRoom({ name: 'come', invite: [alice.userId], is_direct: true })
  const { rooms, lists } = await main.ask(allRooms(), { timeout: 20_000 })
  expect(lists.all.count).toBe(1)
  expect(rooms[room]).toMatchObject({ initial: true, is_dm: true, bump_stamp: expect.any(Number) })
  expect(rooms[room].timeline).toBeUndefined()
  const types = rooms[room].invite_state.map(({ type }: Body) => type)
  expect(types).toContain('m.room.create')
  const member = rooms[room].invite_state.find(({ state_key }: Body) => state_key === alice.userId)
  expect(member).toMatchObject({ sender: bob.userId, content: { membership: 'invite' } })
  expect((await main.ask(allRooms())).rooms).toEqual({})
  must(await alice.join(room))
  const joined = (await main.ask(allRooms(), { timeout: 20_000 })).rooms[room]
  expect(joined).toMatchObject({ initial: true, name: 'come', joined_count: 2, num_live: 1 })
  expect(own(joined, alice).content.membership).toBe('join')
})

it('shows a knock, and that it was refused', async () => {
  const [alice, bob] = [await someone(), await someone()]
  const room = await bob.createRoom({
    initial_state: [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }],
  })
  const main = connection(http, alice)
  must(await alice.post(`/knock/${encodeURIComponent(room)}`))
  const knocked = (await main.ask(allRooms())).rooms[room]
  const member = knocked.invite_state.find(({ state_key }: Body) => state_key === alice.userId)
  expect(member.content.membership).toBe('knock')
  must(await bob.post(at(room, 'kick'), { user_id: alice.userId }))
  const { rooms, lists } = await main.ask(allRooms(), { timeout: 20_000 })
  expect(own(rooms[room], alice).content.membership).toBe('leave')
  expect(lists.all.count).toBe(0)
})

it('tells once of a room that was left, and not on a connection that never had it', async () => {
  const [alice, bob] = [await someone(), await someone()]
  const room = await bob.createRoom({ preset: 'public_chat' })
  must(await alice.join(room))
  const main = connection(http, alice)
  await main.ask(allRooms())
  await bob.say(room, 'before')
  must(await alice.post(at(room, 'leave')))
  await bob.say(room, 'after')
  const { rooms, lists } = await main.ask(allRooms(9, { timeline_limit: 10 }))
  expect(own(rooms[room], alice).content.membership).toBe('leave')
  const texts = rooms[room].timeline.map(({ content }: Body) => content.body ?? content.membership)
  expect(texts.slice(-2)).toEqual(['before', 'leave'])
  expect(lists.all.count).toBe(0)
  expect((await main.ask(allRooms())).rooms).toEqual({})
  expect((await connection(http, alice, 'other').ask(allRooms())).rooms).toEqual({})
})

it('tells of a room that was left and forgotten at once', async () => {
  const [alice, bob] = [await someone(), await someone()]
  const room = await bob.createRoom({ preset: 'public_chat' })
  must(await alice.join(room))
  const main = connection(http, alice)
  await main.ask(allRooms())
  must(await alice.post(at(room, 'leave')))
  must(await alice.post(at(room, 'forget')))
  expect(own((await main.ask(allRooms())).rooms[room], alice).content.membership).toBe('leave')
  expect((await main.ask(allRooms())).rooms).toEqual({})
})

it.each(['kick', 'ban'])('always shows a room from which the user met a %s', async (how) => {
  const [alice, bob] = [await someone(), await someone()]
  const room = await bob.createRoom({ preset: 'public_chat', name: 'out' })
  must(await alice.join(room))
  const main = connection(http, alice)
  await main.ask(allRooms())
  must(await bob.post(at(room, how), { user_id: alice.userId }))
  const membership = how === 'ban' ? 'ban' : 'leave'
  for (const one of [main, connection(http, alice, 'fresh')]) {
    const { rooms, lists } = await one.ask(allRooms())
    expect(own(rooms[room], alice).content.membership).toBe(membership)
    expect(lists.all.count).toBe(1)
    expect((await one.ask(allRooms())).rooms).toEqual({})
  }
})

it('begins a room anew for a user that comes back', async () => {
  const [alice, bob] = [await someone(), await someone()]
  const room = await bob.createRoom({ preset: 'public_chat', name: 'back' })
  must(await alice.join(room))
  const main = connection(http, alice)
  await main.ask(allRooms())
  must(await alice.post(at(room, 'leave')))
  must(await alice.join(room))
  expect((await main.ask(allRooms())).rooms[room]).toMatchObject({ initial: true, name: 'back' })
})

it('names the members that a room without a name is called after', async () => {
  const [alice, bob] = [await someone(), await someone()]
  must(await bob.put(`/profile/${encodeURIComponent(bob.userId)}/displayname`, { displayname: 'Bob' }))
  const room = await alice.createRoom({ invite: [bob.userId] })
  const main = connection(http, alice)
  const { heroes, name } = (await main.ask(allRooms())).rooms[room]
  expect([name, heroes]).toEqual([undefined, [{ user_id: bob.userId, displayname: 'Bob' }]])
  must(await alice.put(at(room, 'state/m.room.name'), { name: 'Named' }))
  expect((await main.ask(allRooms())).rooms[room]).toMatchObject({ name: 'Named' })
})

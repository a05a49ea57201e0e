/** Sliding sync: profiles of the people one shares rooms with (MSC4262). */
import { expect, it } from 'vitest'
import { PROFILES } from '../../../../../src/objects/user/sliding.ts'
import { must } from '../../../../support/client.ts'
import { waitingRequest } from '../../../../support/faults.ts'
import { objectName } from '../../../../support/server.ts'
import { serving } from '../../../../support/serving.ts'
import { ACCEPTED, allRooms, connection } from './connection.ts'
import { begun, nameOf, on, pairOf, plain, remove, STATUS, set, told } from './profiles.ts'

const { server, http, someone } = serving([], { presence: 'off' })
const pair = () => pairOf(someone)
const userObject = ({ userId }: { userId: string }) => objectName.user(server.serverName, userId)

it('is announced', async () => {
  const { unstable_features } = must(await http.request('GET', '/_matrix/client/versions')).body
  expect(unstable_features['org.matrix.msc4262']).toBe(true)
})

it('tells nothing where it is not asked for, or where no field is', async () => {
  const [alice] = await pair()
  for (const more of [{}, { extensions: { [PROFILES]: { enabled: false } } }, on({ fields: [] })]) {
    const { extensions } = await connection(http, alice).ask({ ...plain(), ...more })
    expect(extensions).toEqual({})
  }
})

it('refuses fields that are no names', async () => {
  const alice = await someone()
  for (const fields of ['displayname', [1], Array.from({ length: 201 }, (_, n) => `f${n}`)]) {
    const { status, body } = await connection(http, alice).lose(on({ fields }))
    expect([status, body.errcode]).toEqual([400, 'M_BAD_JSON'])
  }
})

it('tells of everybody in a room that comes into a list, once', async () => {
  const [alice, bob, room] = await pair()
  await set(bob, STATUS, { text: 'away' })
  const other = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(other))
  const main = connection(http, alice)
  const asked = (to: number) => ({ ...plain(to), ...on() })
  expect(told(await main.ask(asked(0)))).toEqual({
    [alice.userId]: { updated: { displayname: nameOf(alice) } },
    [bob.userId]: { updated: { displayname: nameOf(bob), [STATUS]: { text: 'away' } } },
  })
  await server.evict('USER', userObject(alice))
  const { rooms, extensions } = await main.ask(asked(1))
  expect(Object.keys(rooms)).toEqual([room])
  expect(extensions).toEqual({})
})

it('with lazy loading tells of those that the answer names', async () => {
  const [alice, bob, room] = await pair()
  const carol = await someone()
  must(await carol.join(room))
  must(await alice.put(`/rooms/${encodeURIComponent(room)}/state/m.room.name`, { name: 'Many' }))
  await bob.say(room, 'hello')
  const main = connection(http, alice)
  const asked = { ...allRooms(), ...on() }
  expect(Object.keys(told(await main.ask(asked))).sort()).toEqual([alice.userId, bob.userId].sort())
  await carol.say(room, 'I am here too')
  expect(Object.keys(told(await main.ask(asked)))).toEqual([carol.userId])
  await carol.say(room, 'still')
  expect(told(await main.ask(asked))).toEqual({})
})

it('tells of somebody who comes', async () => {
  const [alice, , room] = await pair()
  const main = await begun(http, alice, { ...plain(), ...on() })
  const carol = await someone()
  must(await carol.join(room))
  expect(told(await main.ask({ ...plain(), ...on() }))).toEqual({
    [carol.userId]: { updated: { displayname: nameOf(carol) } },
  })
})

it('tells what has changed, and what is gone, to a poll that waits', async () => {
  const [alice, bob] = await pair()
  const asked = { ...plain(), ...on() }
  const main = await begun(http, alice, asked)
  const next = async (change: () => Promise<unknown>) => {
    const poll = await waitingRequest(http, alice, () => main.ask(asked, { timeout: 20_000 }))
    await change()
    return told(await poll.answer)[bob.userId]
  }
  expect(await next(() => set(bob, STATUS, 'busy'))).toEqual({ updated: { [STATUS]: 'busy' } })
  expect(await next(() => set(bob, 'displayname', 'Bobby'))).toEqual({ updated: { displayname: 'Bobby' } })
  expect(await next(() => remove(bob, STATUS))).toEqual({ removed: [STATUS] })
})

it('tells of the newest value alone, and of what was set and taken away as gone', async () => {
  const [alice, bob] = await pair()
  const main = await begun(http, alice, { ...plain(), ...on() })
  await set(bob, STATUS, 'one')
  await set(bob, STATUS, 'two')
  await set(bob, 'm.tz', 'Europe/Paris')
  await remove(bob, 'm.tz')
  expect(told(await main.ask({ ...plain(), ...on() }))).toEqual({
    [bob.userId]: { updated: { [STATUS]: 'two' }, removed: ['m.tz'] },
  })
})

it('tells of those in rooms outside every list too, and not in which rooms they are', async () => {
  const [alice, bob] = await pair()
  const asked = { ...on({ lists: [], rooms: [] }) }
  const main = connection(http, alice)
  expect((await main.ask(asked)).extensions).toEqual({})
  // The second answer looks where the rooms stand.
  await main.ask(asked)
  await set(bob, STATUS, 'there')
  const { rooms, extensions } = await main.ask(asked, { timeout: 20_000 })
  expect([rooms, extensions]).toEqual([
    {},
    { [PROFILES]: { users: { [bob.userId]: { updated: { [STATUS]: 'there' } } } } },
  ])
})

it('tells of people in those lists alone that it is asked for', async () => {
  const [alice] = await pair()
  const main = connection(http, alice)
  expect(told(await main.ask({ ...plain(), ...on({ lists: ['other'] }) }))).toEqual({})
  const again = connection(http, alice)
  const users = told(await again.ask({ ...plain(), ...on({ lists: ['all'] }) }))
  expect(Object.keys(users)).toHaveLength(2)
})

it('tells of the wanted fields alone, and of further ones when they are wanted', async () => {
  const [alice, bob] = await pair()
  await set(bob, STATUS, 'here')
  const main = connection(http, alice)
  const first = told(await main.ask({ ...plain(), ...on({ fields: ['displayname'] }) }))
  expect(first[bob.userId]).toEqual({ updated: { displayname: nameOf(bob) } })
  await set(bob, STATUS, 'there')
  expect(told(await main.ask({ ...plain(), ...on({ fields: ['displayname'] }) }))).toEqual({})
  await server.evict('USER', userObject(alice))
  const more = { ...plain(), ...on({ fields: ['displayname', STATUS] }) }
  expect(told(await main.ask(more))[bob.userId].updated).toMatchObject({ [STATUS]: 'there' })
  expect(told(await main.ask(more))).toEqual({})
})

it('tells the user what they have changed themselves', async () => {
  const [alice] = await pair()
  const asked = { ...plain(), ...on() }
  const main = await begun(http, alice, asked)
  const poll = await waitingRequest(http, alice, () => main.ask(asked, { timeout: 20_000 }))
  await set(alice, STATUS, 'mine')
  expect(told(await poll.answer)).toEqual({ [alice.userId]: { updated: { [STATUS]: 'mine' } } })
  await remove(alice, STATUS)
  expect(told(await main.ask(asked))).toEqual({ [alice.userId]: { removed: [STATUS] } })
})

it('says that somebody is gone who shares no room any more', async () => {
  const [alice, bob, room] = await pair()
  const other = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(other))
  const asked = { ...plain(), ...on() }
  const main = await begun(http, alice, asked)
  must(await bob.post(`/rooms/${encodeURIComponent(room)}/leave`))
  expect(told(await main.ask(asked))).toEqual({})
  must(await bob.post(`/rooms/${encodeURIComponent(other)}/leave`))
  expect(told(await main.ask(asked))).toEqual({ [bob.userId]: null })
  await set(bob, STATUS, 'elsewhere')
  must(await bob.join(other))
  expect(told(await main.ask(asked))[bob.userId]).toEqual({
    updated: { displayname: nameOf(bob), [STATUS]: 'elsewhere' },
  })
})

it('tells the same in the accepted form', async () => {
  const [alice, bob] = await pair()
  const lists = { all: { range: [0, 9], timeline_limit: 1, required_state: {} } }
  const ask = async (pos?: string) =>
    must(await http.request('POST', ACCEPTED, { lists, ...on(), pos }, { token: alice.token })).body
  const first = await ask()
  expect(Object.keys(told(first)).sort()).toEqual([alice.userId, bob.userId].sort())
  await set(bob, STATUS, 'v4')
  expect(told(await ask(first.pos))).toEqual({ [bob.userId]: { updated: { [STATUS]: 'v4' } } })
})

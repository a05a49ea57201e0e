/** On a machine that is behind, Rooms wake their subscribers together and polls wait without a socket (decision 41). */
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Client, must } from '../../../support/client.ts'
import { planFault } from '../../../support/faults.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

/** Rooms with more than twenty answer a send before they wake anybody. */
const LISTENERS = 21
const { server, http, alice, bob, carol } = serving(['alice', 'bob', 'carol'], {
  presence: 'off',
  staysAwake: 'it counts calls',
})
let listeners: Client[] = []

beforeAll(async () => {
  listeners = await Promise.all(Array.from({ length: LISTENERS }, (_, i) => http.register(`listener${i}`)))
})

beforeEach(() => planFault(http, 'machine:behind', 1_000_000))
afterEach(() => planFault(http, 'machine:behind', 0))

async function sharedRooms(count: number): Promise<string[]> {
  const rooms: string[] = []
  for (let i = 0; i < count; i += 1) {
    const room = await alice.createRoom({ preset: 'public_chat' })
    await Promise.all([bob, carol, ...listeners].map(async (member) => must(await member.join(room))))
    rooms.push(room)
  }
  for (const listener of listeners) await place(listener)
  return rooms
}

const place = async (client: Client): Promise<string> => must(await client.sync()).body.next_batch

/** A room in which the others want wakes. */
async function talkedIn(others: number): Promise<string> {
  const room = await alice.createRoom({ preset: 'public_chat' })
  for (const member of [carol, bob, ...listeners].slice(0, others)) {
    must(await member.join(room))
    await place(member)
  }
  return room
}

async function callsOf(operation: string): Promise<number> {
  return must(await http.request('GET', '/_selvedge/test/calls')).body[operation] ?? 0
}

interface Event {
  type: string
  content: { body: string }
}

/** Polls until so many messages have come. Answers their texts by room. */
async function read(client: Client, from: string, wanted: number): Promise<Map<string, string[]>> {
  const texts = new Map<string, string[]>()
  let [since, count] = [from, 0]
  while (count < wanted) {
    const { body } = must(await client.sync({ since, timeout: 10_000 }))
    for (const [room, { timeline }] of Object.entries<{ timeline: { events: Event[]; limited: boolean } }>(
      body.rooms?.join ?? {},
    )) {
      expect(timeline.limited).toBe(false)
      const told = timeline.events.filter(({ type }) => type === 'm.room.message')
      texts.set(room, [...(texts.get(room) ?? []), ...told.map(({ content }) => content.body)])
      count += told.length
    }
    since = body.next_batch
  }
  return texts
}

it('a user is told by one call of what several rooms say, and each message once, in its order', async () => {
  const rooms = await sharedRooms(6)
  const [ofBob, ofCarol] = [await place(bob), await place(carol)]
  const before = { alone: await callsOf('user.wake'), together: await callsOf('user.wakeTogether') }
  const readers = [read(bob, ofBob, 60), read(carol, ofCarol, 60)]
  for (let i = 0; i < 10; i += 1) await Promise.all(rooms.map((room) => alice.say(room, `text ${i}`)))
  const expected = new Map(rooms.map((room) => [room, Array.from({ length: 10 }, (_, i) => `text ${i}`)]))
  for (const texts of await Promise.all(readers))
    expect(new Map([...texts].sort())).toEqual(new Map([...expected].sort()))
  expect((await callsOf('user.wake')) - before.alone).toBe(0)
  // Sixty messages for 24 users: apart, they would be 1,440 calls.
  expect((await callsOf('user.wakeTogether')) - before.together).toBeLessThan(480)
})

it('the other rooms go on when one that calls for all leaves the memory', async () => {
  const [first, second] = (await sharedRooms(2)) as [string, string]
  const since = await place(carol)
  const reader = read(carol, since, 2)
  await alice.say(first, 'one')
  await server.evict('ROOM', objectName.room(server.serverName, first))
  await alice.say(second, 'two')
  expect([...(await reader).values()].flat().sort()).toEqual(['one', 'two'])
})

it('a poll that waits without a socket is answered when news come', async () => {
  const [room] = (await sharedRooms(1)) as [string]
  const since = await place(carol)
  const answer = carol.sync({ since, timeout: 10_000 })
  await alice.say(room, 'now')
  const { timeline } = must(await answer).body.rooms.join[room]
  expect(timeline.events.map(({ content }: Event) => content.body)).toEqual(['now'])
})

it('a poll whose session ends while it waits is refused', async () => {
  const device = await http.login('carol')
  const since = await place(device)
  const answer = device.sync({ since, timeout: 10_000 })
  must(await device.post('/logout', {}))
  const { status, body } = await answer
  expect({ status, errcode: body.errcode }).toEqual({ status: 401, errcode: 'M_UNKNOWN_TOKEN' })
})

it.each([1, 4])('a sync after a send shows it, in a room with %i others', async (others) => {
  const room = await talkedIn(others)
  const since = await place(carol)
  for (const text of ['one', 'two', 'three']) {
    await alice.say(room, text)
    const { timeline } = must(await carol.sync({ since })).body.rooms.join[room]
    expect(timeline.events.at(-1).content.body).toBe(text)
  }
})

it('sliding sync after a send shows it too', async () => {
  const room = await talkedIn(4)
  const path = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'
  const request = { room_subscriptions: { [room]: { timeline_limit: 10, required_state: [] } } }
  const { pos } = must(await carol.post(path, request)).body
  await alice.say(room, 'now')
  const { timeline } = must(await carol.post(`${path}?pos=${pos}`, request)).body.rooms[room]
  expect(timeline.at(-1).content.body).toBe('now')
})

it('members of a room of five are called once for several messages, and those of a room of two for each', async () => {
  const calls = async () => [await callsOf('user.wake'), await callsOf('user.wakeTogether')] as const
  for (const [others, isTogether] of [
    [1, false],
    [4, true],
  ] as const) {
    const room = await talkedIn(others)
    const since = await place(carol)
    const before = await calls()
    const reader = read(carol, since, 10)
    for (let i = 0; i < 10; i += 1) await alice.say(room, `text ${i}`)
    await reader
    const [alone, together] = (await calls()).map((count, i) => count - (before[i] as number))
    if (isTogether) expect({ alone, isFew: (together as number) < 20 }).toEqual({ alone: 0, isFew: true })
    else expect(alone).toBeGreaterThanOrEqual(10)
  }
})

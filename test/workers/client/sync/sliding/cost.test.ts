/** What sliding sync costs, counted: reads of Rooms, and rows. */
import { beforeAll, expect, it } from 'vitest'
import { type Body, must } from '../../../../support/client.ts'
import { settled, waitingRequest } from '../../../../support/faults.ts'
import { objectName } from '../../../../support/server.ts'
import { serving } from '../../../../support/serving.ts'
import { allRooms, type Connection, connection } from './connection.ts'
import { on, pairOf, plain, STATUS, set } from './profiles.ts'

/** More than are asked before a first answer. */
const ROOMS = 130

const { server, http, alice, someone } = serving(['alice'], {
  staysAwake: 'counts calls and rows',
  'archive-delay-ms': '600000',
})
const rooms: string[] = []
let main: Connection

type Counts = Record<string, number>
const calls = async (): Promise<Counts> => must(await http.request('GET', '/_selvedge/test/calls')).body

/** What the work has cost, its after-work included. */
async function costOf(work: () => Promise<unknown>): Promise<Counts> {
  await settled(http)
  const before = await calls()
  await work()
  await settled(http)
  const spent = Object.entries(await calls()).map(
    ([name, count]) => [name, count - (before[name] ?? 0)] as const,
  )
  return Object.fromEntries(spent.filter(([name, count]) => count !== 0 && !/rows_read$|^held\./.test(name)))
}

const pulls = (cost: Counts) => cost['room.pull'] ?? 0
const all = (to: number): Body => ({ ...allRooms(to), extensions: { account_data: { enabled: true } } })

beforeAll(async () => {
  while (rooms.length < ROOMS) {
    rooms.push(...(await Promise.all(Array.from({ length: 10 }, () => alice.createRoom()))))
  }
  main = connection(http, alice)
}, 120_000)

it('a first answer of 20 rooms asks 20 Rooms, however many there are', async () => {
  const cost = await costOf(async () => {
    const { lists, rooms: given } = await main.ask(all(19))
    expect(lists.all.count).toBe(ROOMS)
    expect(Object.keys(given)).toHaveLength(20)
  })
  expect(pulls(cost)).toBe(20)
  // A note for each Room that is asked, and what the connection is.
  expect(cost['user.rows_written']).toBeLessThanOrEqual(20 + 12)
})

it('a list that grows asks the Rooms that come into it', async () => {
  const cost = await costOf(() => main.ask(all(99)))
  expect(pulls(cost)).toBe(80)
})

it('the next answers ask where the others stand, once', async () => {
  const cost = await costOf(async () => {
    for (let n = 0; n < 3; n += 1) await main.ask(all(19))
  })
  expect(pulls(cost)).toBe(ROOMS - 100)
})

it('an answer with nothing, and a poll that waits for nothing, is one call and no row', async () => {
  const cost = await costOf(() => main.ask(all(19)))
  expect(cost).toEqual({ 'user.slide': 1 })
  const waited = await costOf(() => main.ask(all(19), { timeout: 200 }))
  expect(waited).toEqual({ 'user.slide': 1 })
})

it('a message is told from its wake, and writes nothing for the client that has the room', async () => {
  await main.ask(all(19))
  const room = rooms[ROOMS - 1] as string
  await alice.say(room, 'into the window')
  await main.ask(all(19))
  await alice.say(room, 'news')
  const cost = await costOf(async () => {
    expect(Object.keys((await main.ask(all(19))).rooms)).toEqual([room])
  })
  expect(cost).toEqual({ 'user.slide': 1 })
})

it('a room that is outside the window costs one pull when it comes into it', async () => {
  const room = rooms[3] as string
  const cost = await costOf(async () => {
    await alice.say(room, 'up')
    expect(Object.keys((await main.ask(all(19))).rooms)).toEqual([room])
  })
  expect(pulls(cost)).toBe(1)
})

it('a further connection asks for its own rooms alone', async () => {
  const cost = await costOf(() => connection(http, alice, 'other').ask(all(9)))
  expect(pulls(cost)).toBe(10)
  const quiet = connection(http, alice, 'encryption')
  expect(pulls(await costOf(() => quiet.ask({ extensions: { e2ee: { enabled: true } } })))).toBe(0)
})

it('an eviction under a poll that waits costs the Room alone that then has news', async () => {
  await main.ask(all(19))
  const room = rooms[5] as string
  const { answer } = await waitingRequest(http, alice, () => main.ask(all(19), { timeout: 30_000 }))
  await server.evict('USER', objectName.user(server.serverName, alice.userId))
  const cost = await costOf(async () => {
    await alice.say(room, 'awake')
    expect(Object.keys((await answer).rooms)).toEqual([room])
  })
  expect(pulls(cost)).toBe(1)
})

it('profiles cost a call for each owner who is new or has changed something, and none where they are not asked for', async () => {
  const [carol, bob, room] = await pairOf(someone)
  const asks = async (work: () => Promise<unknown>) => (await costOf(work))['user.profileFields'] ?? 0
  const off = connection(http, carol, 'off')
  const main = connection(http, carol)
  const asked = { ...plain(), ...on() }
  expect(await asks(() => off.ask(plain()))).toBe(0)
  expect(await asks(() => main.ask(asked))).toBe(2)
  await bob.say(room, 'known')
  expect(await asks(() => main.ask(asked))).toBe(0)
  const change = await costOf(() => set(bob, STATUS, 'x'))
  // A call to the room, its event aside, and three rows in it: the mark, its index and the head.
  expect([change['room.updateProfile'], change['room.rows_written']]).toEqual([1, 3])
  expect(await asks(() => off.ask(plain()))).toBe(0)
  expect(await asks(() => main.ask(asked))).toBe(1)
})

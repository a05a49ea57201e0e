/** Sliding sync for a user of a thousand rooms: what a first answer costs, and that it shows the newest. */
import { beforeAll, expect, it } from 'vitest'
import { type Body, must } from '../../../../support/client.ts'
import { settled } from '../../../../support/faults.ts'
import { objectName } from '../../../../support/server.ts'
import { serving } from '../../../../support/serving.ts'
import { allRooms, connection } from './connection.ts'

const ROOMS = 1_000
/** Rooms that are there; of the others the user's object alone knows, since a first answer asks none of them. */
const REAL = 25
const ANCIENT = 1_000_000

const { server, http, alice, bob } = serving(['alice', 'bob'], {
  staysAwake: 'counts calls and rows',
  unlikeArchive: { rooms: 'most of them are in the list of the user alone' },
})
const rooms: string[] = []

const counted = async (): Promise<Record<string, number>> =>
  must(await http.request('GET', '/_selvedge/test/calls')).body

beforeAll(async () => {
  for (let n = 0; n < REAL; n += 1)
    rooms.push(await alice.createRoom({ preset: 'public_chat', name: `Room ${n}` }))
  must(await bob.join(rooms[0] as string))
  // What the archive does not have yet it cannot say.
  await settled(http)
  const user = objectName.user(server.serverName, alice.userId)
  await server.sql(
    'USER',
    user,
    `WITH RECURSIVE n(i) AS (SELECT ${REAL + 1} UNION ALL SELECT i + 1 FROM n WHERE i < ${ROOMS})
     INSERT INTO rooms (no, room_id, membership, pos, own, event_id, at)
     SELECT i, '!invented' || i || ':${server.serverName}', 'join', 1, 1, '$e' || i, ${ANCIENT} + i FROM n`,
  )
  await server.evict('USER', user)
}, 120_000)

/** A first answer after an eviction, and what was spent on it. */
async function firstAnswer(name: string) {
  await server.evict('USER', objectName.user(server.serverName, alice.userId))
  await settled(http)
  const before = await counted()
  const { lists, rooms: given } = await connection(http, alice, name).ask(allRooms(19))
  await settled(http)
  const spent = await counted()
  const cost = (of: string) => (spent[of] ?? 0) - (before[of] ?? 0)
  return { count: lists.all.count, given: Object.keys(given).sort(), cost }
}

it('a first answer of 20 rooms of a thousand asks 20 Rooms, and the archive once', async () => {
  // The user has not looked at any room, and knows of no news: the archive does.
  await bob.say(rooms[0] as string, 'news')
  await settled(http)
  const newest = [rooms[0], ...rooms.slice(6).reverse()].slice(0, 20).sort()
  // An answer waits a second for the archive, which may take longer where the machine has much to do.
  for (let tries = 0; ; tries += 1) {
    const { count, given, cost } = await firstAnswer(`first${tries}`)
    expect(count).toBe(ROOMS)
    expect(cost('room.pull')).toBe(20)
    expect(cost('postgres')).toBe(1)
    // A note for each Room that is asked, and what the connection is.
    expect(cost('user.rows_written')).toBeLessThanOrEqual(20 + 12)
    if (tries < 5 && String(given) !== String(newest)) continue
    expect(given).toEqual(newest)
    break
  }
}, 60_000)

it('the order is right in the first answer, of the rooms that a filter admits too', async () => {
  const secret = rooms[2] as string
  must(
    await alice.put(`/rooms/${encodeURIComponent(secret)}/state/m.room.encryption`, {
      algorithm: 'm.megolm.v1.aes-sha2',
    }),
  )
  await settled(http)
  await server.evict('USER', objectName.user(server.serverName, alice.userId))
  const asked = (more: Body) => connection(http, alice, 'fresh').ask(allRooms(0, more))
  expect(Object.keys((await asked({})).rooms)).toEqual([secret])
  const { lists, rooms: given } = await asked({ filters: { is_encrypted: true } })
  expect([lists.all.count, Object.keys(given)]).toEqual([1, [secret]])
})

it('an archive that is away keeps nobody from an answer', async () => {
  await server.postgres.stop()
  try {
    await server.evict('USER', objectName.user(server.serverName, alice.userId))
    const { lists, rooms: given } = await connection(http, alice, 'third').ask(allRooms(19))
    expect(lists.all.count).toBe(ROOMS)
    expect(Object.keys(given)).toHaveLength(20)
  } finally {
    await server.postgres.start()
  }
})

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

it('a first answer of 20 rooms of a thousand asks 20 Rooms, and the archive once', async () => {
  // The user has not looked at any room, and knows of no news: the archive does.
  await bob.say(rooms[0] as string, 'news')
  await settled(http)
  const before = await counted()
  const { lists, rooms: given } = await connection(http, alice).ask(allRooms(19))
  await settled(http)
  const spent = await counted()
  const cost = (name: string) => (spent[name] ?? 0) - (before[name] ?? 0)
  expect(lists.all.count).toBe(ROOMS)
  const newest = [rooms[0], ...rooms.slice(6).reverse()] as string[]
  expect(Object.keys(given).sort()).toEqual(newest.slice(0, 20).sort())
  expect(cost('room.pull')).toBe(20)
  expect(cost('postgres')).toBe(1)
  // A note for each Room that is asked, and what the connection is.
  expect(cost('user.rows_written')).toBeLessThanOrEqual(20 + 12)
})

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

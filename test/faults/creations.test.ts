/** Rooms made at the same moment. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { api, type Client, must } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let alice: Client

beforeAll(async () => {
  server = await startServer()
  alice = await api(server).register('alice')
})
afterAll(() => server?.stop())

it.each(['10', '11', '12'])('are as many as were asked for, in version %s', async (version) => {
  const before: string[] = must(await alice.get('/joined_rooms')).body.joined_rooms
  const made = await Promise.all(
    Array.from({ length: 15 }, () => alice.createRoom({ room_version: version })),
  )
  expect(new Set(made).size).toBe(made.length)
  const { joined_rooms: joined } = must(await alice.get('/joined_rooms')).body
  expect(new Set(joined)).toEqual(new Set([...before, ...made]))
})

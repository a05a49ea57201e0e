/** What stands in the objects' tables of a user who has gone: nothing that is told to them, or kept for them. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Api, api, type Client, must, testPassword } from '../support/client.ts'
import { at } from '../support/rebuild.ts'
import { objectName, startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let http: Api
let alice: Client

beforeAll(async () => {
  server = await startServer({ staysAwake: 'a user who has left the memory is told of no news anyway' })
  http = api(server)
  alice = await http.register('alice')
})
afterAll(() => server?.stop())

const rows = (kind: 'ROOM' | 'USER', id: string, query: string) =>
  server.sql(kind, objectName[kind === 'ROOM' ? 'room' : 'user'](server.serverName, id), query)

/** Somebody with a pusher, who waits for news, reads, and has an event to be sent later. */
async function busyMember(name: string): Promise<{ user: Client; roomId: string }> {
  const user = await http.register(name)
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  must(await user.join(roomId))
  const url = 'https://push.example.org/_matrix/push/v1/notify'
  const app = { app_id: 'org.example', app_display_name: 'App', device_display_name: 'Phone' }
  must(await user.post('/pushers/set', { ...app, kind: 'http', pushkey: name, lang: 'en', data: { url } }))
  must(await user.sync())
  const said = await alice.say(roomId, 'read me')
  must(await user.post(at(roomId, `receipt/m.read/${encodeURIComponent(said)}`)))
  must(
    await user.put(at(roomId, 'send/m.room.message/later?org.matrix.msc4140.delay=3600000'), { body: 'x' }),
  )
  return { user, roomId }
}

/** Rows of a Room that keep it telling somebody of news. */
const told = async (roomId: string, userId: string) =>
  (
    await Promise.all(
      ['subscribers', 'push_members'].map((table) =>
        rows('ROOM', roomId, `SELECT user_id FROM ${table} WHERE user_id = '${userId}'`),
      ),
    )
  ).flat()

it('a Room tells nobody of news who has left', async () => {
  const { user, roomId } = await busyMember('leaver')
  await expect.poll(() => told(roomId, user.userId), { timeout: 10_000 }).toHaveLength(2)
  must(await user.post(at(roomId, 'leave')))
  await alice.say(roomId, 'to those who are there')
  await expect.poll(() => told(roomId, user.userId), { timeout: 10_000 }).toEqual([])
})

it('a closed account keeps no sessions, pushers, keys or messages, and no Room tells it of news', async () => {
  const { user, roomId } = await busyMember('closer')
  must(
    await user.post('/account/deactivate', {
      auth: { type: 'm.login.password', user: 'closer', password: testPassword },
    }),
  )
  await expect.poll(() => told(roomId, user.userId), { timeout: 10_000 }).toEqual([])
  for (const table of [
    'devices',
    'pushers',
    'device_keys',
    'one_time_keys',
    'inbox',
    'push_queue',
    'room_jobs',
  ]) {
    await expect
      .poll(() => rows('USER', user.userId, `SELECT count(*) AS count FROM ${table}`), {
        message: table,
        timeout: 10_000,
      })
      .toEqual([{ count: 0 }])
  }
})

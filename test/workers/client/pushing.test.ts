/** Notifications: what reaches a push gateway, and when. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Api, api, type Body, type Client, must } from '../../support/client.ts'
import { objectName, startServer, type TestServer } from '../../support/server.ts'

let server: TestServer
let gateway: Server
let http: Api
let alice: Client
let bob: Client
let room: string
let pushkey: string
let users = 0
const received: Body[] = []
/** What the gateway answers next, by pushkey; `{}` where nothing is said. */
const answers = new Map<string, { status: number; body: Body }[]>()

beforeAll(async () => {
  gateway = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const { notification } = JSON.parse(text)
    received.push(notification)
    const next = answers.get(notification.devices[0].pushkey)?.shift() ?? { status: 200, body: {} }
    response.writeHead(next.status, next.status === 302 ? { location: url() } : {})
    response.end(JSON.stringify(next.body))
  })
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
  server = await startServer({ presence: 'off', 'allow-private-networks': 'on' })
  http = api(server)
})
afterAll(async () => {
  await server?.stop()
  gateway.closeAllConnections()
  gateway.close()
})
beforeEach(async () => {
  users += 1
  pushkey = `key${users}`
  alice = await http.register(`alice${users}`)
  bob = await http.register(`bob${users}`)
  must(await bob.put(`/profile/${encodeURIComponent(bob.userId)}/displayname`, { displayname: 'Bob' }))
  room = await alice.createRoom({ preset: 'public_chat', name: 'Tea' })
  must(await bob.join(room))
})

const url = () => `http://127.0.0.1:${(gateway.address() as AddressInfo).port}/_matrix/push/v1/notify`
const set = async (client: Client, data: Body = {}) => {
  must(
    await client.post('/pushers/set', {
      ...{ app_id: 'org.example.app', pushkey, kind: 'http', lang: 'en' },
      ...{ app_display_name: 'App', device_display_name: 'Phone', data: { url: url(), ...data } },
    }),
  )
  await watched()
}
const got = () => received.filter(({ devices }) => devices[0].pushkey === pushkey)
const bodies = () => got().map(({ content }) => content?.body)
const events = () => got().map(({ event_id }) => event_id)
const soon = { timeout: 15_000 }
/** Waits until the room knows that somebody has a pusher. */
const watched = () =>
  expect
    .poll(
      () => server.sql('ROOM', objectName.room(server.serverName, room), 'SELECT user_id FROM push_members'),
      soon,
    )
    .not.toEqual([])
const sendAs = async (client: Client, type: string, content: Body): Promise<string> =>
  must(await client.put(`/rooms/${encodeURIComponent(room)}/send/${type}/t${Math.random()}`, content)).body
    .event_id

describe('a message', () => {
  it('is told whole', async () => {
    await set(alice, { brand: 'x' })
    const content = { msgtype: 'm.text', body: 'Hello', 'm.mentions': { user_ids: [alice.userId] } }
    const eventId = await sendAs(bob, 'm.room.message', content)
    await expect.poll(events, soon).toEqual([eventId])
    expect(got()[0]).toEqual({
      event_id: eventId,
      room_id: room,
      type: 'm.room.message',
      sender: bob.userId,
      sender_display_name: 'Bob',
      room_name: 'Tea',
      prio: 'high',
      content,
      devices: [
        {
          app_id: 'org.example.app',
          pushkey,
          pushkey_ts: expect.any(Number),
          data: { brand: 'x' },
          tweaks: { highlight: true, sound: 'default' },
        },
      ],
    })
  })

  it('is told by its id alone where the pusher wants that', async () => {
    await set(alice, { format: 'event_id_only' })
    const eventId = await bob.say(room, 'secret')
    await expect.poll(events, soon).toEqual([eventId])
    expect(Object.keys(got()[0]).sort()).toEqual(['devices', 'event_id', 'prio', 'room_id'])
  })

  it('that is encrypted is told as urgent', async () => {
    await set(alice)
    const eventId = await sendAs(bob, 'm.room.encrypted', { algorithm: 'x', ciphertext: 'y' })
    await expect.poll(events, soon).toEqual([eventId])
    expect(got()[0]).toMatchObject({ type: 'm.room.encrypted', prio: 'high' })
  })

  it('is not told to its sender, nor in a muted room, nor from ignored people', async () => {
    const carol = await http.register(`carol${users}`)
    must(await carol.join(room))
    await set(alice)
    const settings = `/user/${encodeURIComponent(alice.userId)}/account_data/m.ignored_user_list`
    must(await alice.put(settings, { ignored_users: { [carol.userId]: {} } }))
    await alice.say(room, 'own')
    await carol.say(room, 'ignored')
    await bob.say(room, 'heard')
    await expect.poll(bodies, soon).toEqual(['heard'])
    const rule = `/pushrules/global/override/${encodeURIComponent(room)}`
    const conditions = [{ kind: 'event_match', key: 'room_id', pattern: room }]
    must(await alice.put(rule, { actions: [], conditions }))
    await bob.say(room, 'muted')
    await caughtUp()
    must(await alice.delete(rule))
    await bob.say(room, 'heard again')
    await expect.poll(bodies, soon).toEqual(['heard', 'heard again'])
  })

  /** Waits until the room has told everybody everything. */
  const caughtUp = () =>
    expect
      .poll(
        () =>
          server.sql(
            'ROOM',
            objectName.room(server.serverName, room),
            'SELECT 1 FROM push_members WHERE pos < (SELECT max(pos) FROM events)',
          ),
        soon,
      )
      .toEqual([])
})

describe('an invite', () => {
  it('is told', async () => {
    await set(alice)
    const other = await bob.createRoom({ name: 'Cake' })
    must(await bob.invite(other, alice.userId))
    await expect.poll(() => got().map(({ room_id }) => room_id), soon).toEqual([other])
    expect(got()[0]).toMatchObject({ type: 'm.room.member', user_is_target: true, room_name: 'Cake' })
  })
})

describe('a gateway', () => {
  it('that fails or points elsewhere is asked again, in order', async () => {
    await set(alice)
    answers.set(pushkey, [
      { status: 500, body: {} },
      { status: 302, body: {} },
    ])
    await bob.say(room, 'one')
    await bob.say(room, 'two')
    await expect.poll(bodies, soon).toEqual(['one', 'one', 'one', 'two'])
  })

  it('is asked again after the end of the process', async () => {
    await set(alice)
    answers.set(pushkey, [{ status: 500, body: {} }])
    await bob.say(room, 'kept')
    await expect.poll(bodies, soon).toEqual(['kept'])
    await server.restart()
    await expect.poll(bodies, soon).toEqual(['kept', 'kept'])
  })

  it('that rejects the pushkey ends the pusher', async () => {
    await set(alice)
    answers.set(pushkey, [{ status: 200, body: { rejected: [pushkey] } }])
    await bob.say(room, 'last')
    await expect.poll(async () => must(await alice.get('/pushers')).body.pushers, soon).toEqual([])
    const members = () =>
      server.sql('ROOM', objectName.room(server.serverName, room), 'SELECT user_id FROM push_members')
    await expect.poll(members, soon).toEqual([])
    expect(bodies()).toEqual(['last'])
  })
})

/** Notifications: what reaches a push gateway, and when. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Api, api, type Body, type Client, must } from '../../../support/client.ts'
import { objectName, startServer, type TestServer } from '../../../support/server.ts'

let server: TestServer
let gateway: Server
let http: Api
let alice: Client
let bob: Client
let room: string
let pushkey: string
let users = 0
const received: Body[] = []
/** When each of these came, ms. */
const arrivals = new Map<Body, number>()
/** Pushkeys whose gateway takes the notification and never answers. */
const hanging = new Set<string>()
/** What the gateway answers next, by pushkey; `{}` where nothing is said. */
const answers = new Map<string, { status: number; body: Body }[]>()

beforeAll(async () => {
  gateway = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const { notification } = JSON.parse(text)
    received.push(notification)
    arrivals.set(notification, Date.now())
    if (hanging.has(notification.devices[0].pushkey)) return
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
/** Without the numbers that come alone. */
const ofEvents = () => got().filter(({ event_id }) => event_id !== undefined)
const bodies = () => ofEvents().map(({ content }) => content?.body)
const events = () => ofEvents().map(({ event_id }) => event_id)
const soon = { timeout: 15_000 }
/** Waits until the room knows that somebody has a pusher. */
const watched = () =>
  expect
    .poll(
      () => server.sql('ROOM', objectName.room(server.serverName, room), 'SELECT user_id FROM push_members'),
      soon,
    )
    .not.toEqual([])
const inUser = (query: string) => server.sql('USER', objectName.user(server.serverName, alice.userId), query)
const ignore = async (userId: string) =>
  must(
    await alice.put(`/user/${encodeURIComponent(alice.userId)}/account_data/m.ignored_user_list`, {
      ignored_users: { [userId]: {} },
    }),
  )
/** The events that Alice's pusher has not been told of. */
const queued = async () => {
  const rows = await inUser("SELECT notification FROM push_queue WHERE notification != '' ORDER BY seq")
  return rows.map((row) => JSON.parse(String(row.notification)).event_id)
}
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
      id: eventId,
      room_id: room,
      type: 'm.room.message',
      sender: bob.userId,
      sender_display_name: 'Bob',
      room_name: 'Tea',
      prio: 'high',
      counts: { unread: 1 },
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
    expect(Object.keys(got()[0]).sort()).toEqual(['counts', 'devices', 'event_id', 'prio', 'room_id'])
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

  it('by an ignored user is not told', async () => {
    await set(alice)
    await ignore(bob.userId)
    const carol = await http.register(`carol${users}`)
    for (const inviter of [bob, carol]) await inviter.createRoom({ invite: [alice.userId] })
    await expect.poll(() => received.filter(({ sender }) => sender === carol.userId), soon).toHaveLength(1)
    expect(received.filter(({ sender }) => sender === bob.userId)).toEqual([])
  })

  it('by somebody whose invites are ignored is not told', async () => {
    await set(alice)
    const filter = `/user/${encodeURIComponent(alice.userId)}/account_data/org.matrix.msc4155.invite_permission_config`
    must(await alice.put(filter, { ignored_users: [bob.userId] }))
    const carol = await http.register(`carol${users}`)
    for (const inviter of [bob, carol]) await inviter.createRoom({ invite: [alice.userId] })
    await expect.poll(() => ofEvents().map(({ sender }) => sender), soon).toContain(carol.userId)
    expect(ofEvents().map(({ sender }) => sender)).toEqual([carol.userId])
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

  it('that fails is asked again after twice as long, and no sooner for the sake of new messages', async () => {
    await set(alice)
    answers.set(pushkey, Array(20).fill({ status: 500, body: {} }))
    const retry = async (failures: number): Promise<number> => {
      const query = `SELECT retry_at FROM push_retries WHERE failures = ${failures}`
      let rows: Body[] = []
      await expect.poll(async () => (rows = await inUser(query)), { ...soon, interval: 10 }).toHaveLength(1)
      return rows[0]!.retry_at
    }
    await bob.say(room, 'one')
    const [second, third] = [await retry(2), await retry(3)]
    // The third try was made at `second` or later, and the fourth is four seconds after it.
    expect(third - second).toBeGreaterThanOrEqual(4_000)
    for (const text of ['two', 'three', 'four']) await bob.say(room, text)
    await expect.poll(queued, soon).toHaveLength(4)
    answers.delete(pushkey)
    await expect.poll(() => bodies().slice(3), soon).toEqual(['one', 'two', 'three', 'four'])
    expect(arrivals.get(ofEvents()[3]!)).toBeGreaterThanOrEqual(third)
  })

  it('is asked again after the end of the process', async () => {
    await set(alice)
    answers.set(pushkey, [{ status: 500, body: {} }])
    await bob.say(room, 'kept')
    await expect.poll(bodies, soon).toEqual(['kept'])
    await server.restart()
    // Where the process ended before it had the answer, the queue is looked at again after 20 s.
    await expect.poll(bodies, { timeout: 40_000 }).toEqual(['kept', 'kept'])
  }, 60_000)

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

describe('the number on the device', () => {
  const receipt = (client: Client, eventId: string, body: Body = {}) =>
    client.post(`/rooms/${encodeURIComponent(room)}/receipt/m.read/${encodeURIComponent(eventId)}`, body)
  const numbers = () => got().map(({ counts }) => counts.unread)

  it('is that of unread messages in all rooms, and is told when it falls', async () => {
    const other = await bob.createRoom({ preset: 'public_chat', invite: [alice.userId] })
    must(await alice.join(other))
    await set(alice)
    const name = objectName.room(server.serverName, other)
    const known = () => server.sql('ROOM', name, 'SELECT user_id FROM push_members')
    await expect.poll(known, soon).toHaveLength(1)
    const first = await bob.say(room, 'one')
    await expect.poll(numbers, soon).toEqual([1])
    const second = await bob.say(other, 'two')
    await expect.poll(numbers, soon).toEqual([1, 2])
    must(await receipt(alice, first))
    await expect.poll(numbers, soon).toEqual([1, 2, 1])
    const path = `/rooms/${encodeURIComponent(other)}/receipt/m.read/${encodeURIComponent(second)}`
    must(await alice.post(path, {}))
    await expect.poll(numbers, soon).toEqual([1, 2, 1, 0])
    expect(got().at(-1)).toEqual({
      prio: 'low',
      counts: { unread: 0 },
      devices: [{ app_id: 'org.example.app', pushkey, pushkey_ts: expect.any(Number), data: {}, tweaks: {} }],
    })
  })

  it('falls by what the user says themselves', async () => {
    await set(alice)
    await bob.say(room, 'one')
    await expect.poll(numbers, soon).toEqual([1])
    await alice.say(room, 'answer')
    await expect.poll(numbers, soon).toEqual([1, 0])
  })
})

describe('a pusher', () => {
  it('that is switched off is listed, and told nothing', async () => {
    must(
      await alice.post('/pushers/set', {
        ...{ app_id: 'org.example.app', pushkey, kind: 'http', lang: 'en' },
        ...{ app_display_name: 'App', device_display_name: 'Phone', data: { url: url() } },
        'org.matrix.msc3881.enabled': false,
      }),
    )
    await watched()
    const { pushers } = must(await alice.get('/pushers')).body
    expect(pushers[0]).toMatchObject({
      'org.matrix.msc3881.enabled': false,
      'org.matrix.msc3881.device_id': alice.deviceId,
    })
    await bob.say(room, 'unheard')
    const told = 'SELECT 1 FROM push_members WHERE pos >= (SELECT max(pos) FROM events)'
    const name = objectName.room(server.serverName, room)
    await expect.poll(() => server.sql('ROOM', name, told), soon).toHaveLength(1)
    await set(alice)
    const heard = await bob.say(room, 'heard')
    await expect.poll(events, soon).toEqual([heard])
  })

  it('is one of fifty at most', async () => {
    const add = (key: string) =>
      alice.post('/pushers/set', {
        ...{ app_id: 'org.example.app', pushkey: key, kind: 'http', lang: 'en' },
        ...{ app_display_name: 'App', device_display_name: 'Phone', data: { url: url() } },
      })
    for (let n = 0; n < 50; n += 1) must(await add(`${pushkey}-${n}`))
    const { status, body } = await add(`${pushkey}-more`)
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
    must(await add(`${pushkey}-7`))
    must(await alice.post('/pushers/set', { app_id: 'org.example.app', pushkey: `${pushkey}-3`, kind: null }))
    must(await add(`${pushkey}-more`))
    expect((await add(`${pushkey}-3`)).status).toBe(400)
  })
})

describe('a gateway that hangs', () => {
  it('holds up nothing else that the user’s object has to do', async () => {
    await set(alice)
    hanging.add(pushkey)
    const eventId = await bob.say(room, 'to nobody')
    await expect.poll(events, soon).toEqual([eventId])
    must(await alice.put(`/user/${encodeURIComponent(alice.userId)}/account_data/org.example`, { a: 1 }))
    const archived = () =>
      server.pg("select 1 from user_records where user_id = $1 and kind = 'account_data'", [alice.userId])
    // Sooner than the gateway is given up.
    await expect.poll(archived, { timeout: 9_000 }).toHaveLength(1)
    hanging.delete(pushkey)
    await expect.poll(events, { timeout: 25_000 }).toEqual([eventId, eventId])
  }, 60_000)
})

describe('a gateway that is down', () => {
  it('is told the newest 200 when it is back, and nothing that waited for a day', async () => {
    await set(alice)
    answers.set(pushkey, Array(1_000).fill({ status: 500, body: {} }))
    const sent: string[] = []
    for (let n = 0; n < 205; n += 1) sent.push(await bob.say(room, `${n}`))
    await expect.poll(async () => (await queued()).at(-1), soon).toBe(sent.at(-1))
    expect(await queued()).toEqual(sent.slice(-200))
    await inUser(
      `UPDATE push_queue SET queued_ts = queued_ts - 86400000 WHERE notification NOT LIKE '%${sent.at(-1)}%'`,
    )
    const tried = events().length
    answers.delete(pushkey)
    await expect.poll(queued, soon).toEqual([])
    expect(new Set(events().slice(tried))).toEqual(new Set([sent.at(-1)]))
  }, 40_000)

  it('is not told of what was redacted meanwhile, and no word of it stays behind', async () => {
    await set(alice)
    answers.set(
      pushkey,
      Array.from({ length: 50 }, () => ({ status: 500, body: {} })),
    )
    const first = await bob.say(room, 'first-word')
    const eventId = await bob.say(room, 'word-that-is-taken-back')
    const path = `/rooms/${encodeURIComponent(room)}/redact/${encodeURIComponent(eventId)}/r${users}`
    await expect.poll(queued, soon).toEqual([first, eventId])
    must(await bob.put(path, {}))
    await expect.poll(queued, soon).toEqual([first])
    answers.delete(pushkey)
    await expect.poll(events, soon).toContain(first)
    expect(events()).not.toContain(eventId)
  })
  it.each<[string, () => Promise<unknown>]>([
    ['in a room that was left since', () => alice.post(`/rooms/${encodeURIComponent(room)}/leave`)],
    ['by somebody who is ignored since', () => ignore(bob.userId)],
  ])('is not told of what was said %s', async (_, change) => {
    await set(alice)
    answers.set(pushkey, Array(50).fill({ status: 500, body: {} }))
    await bob.say(room, 'said before')
    await expect.poll(queued, soon).toHaveLength(1)
    await change()
    await expect.poll(queued, soon).toEqual([])
  })
})

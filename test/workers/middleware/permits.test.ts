/** What guests, suspended and locked users may do: asked of every route of the app. */
import { beforeAll, describe, expect, it } from 'vitest'
import { permitOf } from '../../../workers/middleware/endpoint-row.ts'
import { type Answer, type Body, type Client, must } from '../../support/client.ts'
import { ROUTES as ALL, requestOf as anyRequest, rowAt } from '../../support/routes.ts'
import { serving } from '../../support/serving.ts'

const ROUTES = ALL.map(({ method, path }) => [method, path] as [method: string, pattern: string])

const { server, http, admin, alice } = serving(['admin', 'alice'], { guests: 'on' })
let room: string
let said: string

beforeAll(async () => {
  await server.pg("update accounts set admin = true where localpart = 'admin'")
  room = await alice.createRoom({
    preset: 'public_chat',
    initial_state: [{ type: 'm.room.guest_access', content: { guest_access: 'can_join' } }],
  })
  said = await alice.say(room, 'of Alice')
})

it('every route of the app has a row', () => {
  expect(ROUTES.length).toBeGreaterThan(200)
  const wrong = ALL.filter(({ rows: [first, ...others] }) => first === undefined || others.some(Boolean))
  expect(wrong.map(({ method, path }) => `${method} ${path}`)).toEqual([])
})

it('a route without a row is for neither', () => {
  expect(permitOf(rowAt('PUT', '/_matrix/client/v3/unheard/of'))).toEqual({ guests: false, suspended: false })
})

/** Ended by their use, or of another secret. */
const SPARED = /\/logout|_selvedge\/(test|local|status)|\/metrics|\/rendezvous/

const requestOf = (route: [string, string], user: Client): Promise<Answer> =>
  anyRequest(http, route, user, { roomId: room, eventId: said })

async function newGuest(): Promise<Client> {
  const { body } = must(await http.request('POST', '/register', {}, { query: { kind: 'guest' } }))
  return http.as({ userId: body.user_id, token: body.access_token, deviceId: body.device_id })
}

async function put(kind: 'lock' | 'suspend', flag: string, userId: string): Promise<void> {
  must(await admin.put(`/_matrix/client/v1/admin/${kind}/${userId}`, { [flag]: true }))
}

/** Whether the route asks for a session at all. */
async function asksForSession([method, pattern]: [string, string]): Promise<boolean> {
  const nobody = { ...alice, token: '' }
  const { body } = await requestOf([method, pattern], nobody)
  return body?.errcode === 'M_MISSING_TOKEN'
}

describe('every route', () => {
  const asked: [string, string][] = []
  const open: [string, string][] = []
  const consumers: [string, string][] = []
  const ofServers: [string, string][] = []

  beforeAll(async () => {
    for (const route of ROUTES.filter(([, pattern]) => !SPARED.test(pattern))) {
      if (rowAt(...route)?.auth === 'consumer') consumers.push(route)
      else if (rowAt(...route)?.auth === 'server') ofServers.push(route)
      else if (await asksForSession(route)) asked.push(route)
      else open.push(route)
    }
  })

  it('is either open, or asks for a session', () => {
    expect(asked.length).toBeGreaterThan(150)
    const writing = open.filter(
      ([method, pattern]) =>
        method !== 'GET' && !/register|login|refresh|requestToken|_selvedge/.test(pattern),
    )
    // By their id alone, which is a secret.
    expect(writing.map(([method, pattern]) => `${method} ${pattern.split('/').slice(5).join('/')}`)).toEqual([
      'POST delayed_events/:delayId',
      'POST delayed_events/:delayId/:action{send|cancel|restart}',
    ])
  })

  it('that is for consumers of the event stream takes no session', async () => {
    expect(consumers.length).toBeGreaterThan(5)
    for (const route of consumers)
      expect([route, (await requestOf(route, alice)).status]).toEqual([route, 401])
  })

  it('that is for other servers is not there where federation is off', async () => {
    expect(ofServers.length).toBeGreaterThan(15)
    for (const route of ofServers) {
      const { status, body } = await requestOf(route, alice)
      expect([route, status, body.errcode]).toEqual([route, 404, 'M_UNRECOGNIZED'])
    }
  })

  it('is refused to guests if its row says so', async () => {
    const guest = await newGuest()
    for (const route of asked) {
      const { status, body } = await requestOf(route, guest)
      const refused = status === 403 && body.errcode === 'M_GUEST_ACCESS_FORBIDDEN'
      if (!permitOf(rowAt(...route)).guests) expect(refused, route.join(' ')).toBe(true)
      else if (!route[1].includes('/state/')) expect(refused, route.join(' ')).toBe(false)
    }
  })

  it('is refused to suspended users if its row says so', async () => {
    const user = await http.register('suspended')
    must(await user.join(room))
    await put('suspend', 'suspended', user.userId)
    for (const route of asked) {
      const { status, body } = await requestOf(route, user)
      const refused = status === 403 && body.errcode === 'M_USER_SUSPENDED'
      expect(refused, `${route.join(' ')}: ${status}`).toBe(permitOf(rowAt(...route)).suspended !== true)
    }
  })

  it('is refused to locked users, whatever it is', async () => {
    const user = await http.register('locked')
    must(await user.join(room))
    await put('lock', 'locked', user.userId)
    // A token of another kind has the error of this one.
    for (const route of asked.filter((one) => rowAt(...one)?.auth !== 'none')) {
      const { status, body } = await requestOf(route, user)
      expect([status, body.errcode], route.join(' ')).toEqual([401, 'M_USER_LOCKED'])
    }
  })
})

describe('a suspended user', () => {
  let user: Client

  beforeAll(async () => {
    user = await http.register('quiet')
    must(await user.join(room))
    said = await user.say(room, 'mine')
    await put('suspend', 'suspended', user.userId)
  })

  const at = (rest: string) => `/rooms/${encodeURIComponent(room)}${rest}`

  it('redacts their own events', async () => {
    must(await user.put(at(`/redact/${encodeURIComponent(said)}/own`)))
  })

  it('sends messages only to their own devices', async () => {
    const messages = (...users: string[]) => ({
      messages: Object.fromEntries(users.map((userId) => [userId, { '*': { a: 1 } }])),
    })
    must(await user.put('/sendToDevice/m.key.verification.request/1', messages(user.userId)))
    for (const to of [[alice.userId], [user.userId, alice.userId], []]) {
      const { status, body } = await user.put(`/sendToDevice/org.example.x/${to.length + 1}`, messages(...to))
      expect([status, body.errcode]).toEqual([403, 'M_USER_SUSPENDED'])
    }
    const events: Body[] = must(await alice.sync()).body.to_device?.events ?? []
    expect(events.filter(({ sender }) => sender === user.userId)).toEqual([])
  })

  it.each([
    ['POST', () => '/rooms/ROOM/invite'],
    ['PUT', () => '/rooms/ROOM/send/m.room.message/1'],
    ['PUT', () => `/rooms/ROOM/typing/${user.userId}`],
    ['PUT', () => '/directory/list/room/ROOM'],
    ['PUT', () => `/directory/room/${encodeURIComponent('#mine:test.example')}`],
    ['PUT', () => `/profile/${user.userId}/displayname`],
    ['POST', () => '/createRoom'],
    ['POST', () => `/user/${user.userId}/openid/request_token`],
    ['POST', () => '/_matrix/media/v3/upload'],
    ['POST', () => '/_matrix/media/v1/create'],
  ])('is refused what reaches others: %s, path %#', async (method, path) => {
    const ask = method === 'PUT' ? user.put : user.post
    const { status, body } = await ask(path().replace('ROOM', encodeURIComponent(room)))
    expect([status, body.errcode]).toEqual([403, 'M_USER_SUSPENDED'])
  })

  it('is not shown as present by syncing', async () => {
    await alice.sync()
    must(await user.sync({ set_presence: 'online' }))
    const told = must(await alice.sync()).body.presence?.events ?? []
    expect(told.filter((event: Body) => event.sender === user.userId)).toEqual([])
  })
})

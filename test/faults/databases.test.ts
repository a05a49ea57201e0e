/** Postgres or Redis away: people go on talking, and no session ends or comes back by it. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { VERSION } from '../../src/version.ts'
import { type Answer, type Client, must, testPassword } from '../support/client.ts'
import { eventually } from '../support/eventually.ts'
import { objectName } from '../support/server.ts'
import { serving } from '../support/serving.ts'
import { inRoom, Receiver } from './helpers.ts'

const metricsToken = 'the-token-of-the-monitor'
const { server, http, alice, bob } = serving(['alice', 'bob'], {
  'session-cache': 'redis',
  'metrics-token': metricsToken,
})
let roomId: string

beforeAll(async () => {
  roomId = await alice.createRoom({ invite: [bob.userId] })
  must(await bob.join(roomId))
})
afterEach(() => {
  server.postgres.start()
  server.redis.start()
})

const failure = ({ status, body }: Answer) => [status, body.errcode]
const whoami = (client: Client) => client.get('/account/whoami').then(failure)
const register = (username: string) =>
  http.request('POST', '/register', {
    username,
    password: testPassword,
    auth: { type: 'm.login.dummy' },
  })
const login = (user: string) =>
  http.request('POST', '/login', { type: 'm.login.password', user, password: testPassword })

async function health(query = ''): Promise<{ status: number; body: unknown }> {
  const headers = { authorization: `Bearer ${metricsToken}` }
  const answer = await fetch(`${server.url}/health${query}`, { headers })
  return { status: answer.status, body: await answer.json() }
}

/** Ends what the Worker remembers of sessions for some seconds; the objects' memory goes too. */
const forgetEverything = () => server.restart()

/** Alice and Bob talk, as if nothing were. */
async function expectTalking(text: string): Promise<void> {
  const receiver = await Receiver.start(bob, roomId)
  try {
    const eventId = await alice.say(roomId, text)
    await receiver.until(text, 5_000)
    expect(receiver.events.map((event) => event.event_id)).toEqual([eventId])
  } finally {
    await receiver.stop()
  }
}

const unavailable = [503, 'M_UNKNOWN']

describe('while Postgres is down', () => {
  it('logged-in users send, sync, make rooms and invite', async () => {
    server.postgres.stop()
    await expectTalking('without postgres')
    const room = await alice.createRoom({ invite: [bob.userId], name: 'Made meanwhile' })
    must(await bob.join(room))
    must(await alice.put(inRoom(room, 'state', 'm.room.topic'), { topic: 'Outages' }))
    must(await alice.put(`/user/${encodeURIComponent(alice.userId)}/account_data/org.example`, { n: 1 }))
  })

  it('so do users that nothing in memory remembers', async () => {
    server.postgres.stop()
    await forgetEverything()
    await expectTalking('without postgres, without memory')
  })

  it('registration, login, aliases and their rooms are refused clearly', async () => {
    server.postgres.stop()
    const alias = `/directory/room/${encodeURIComponent('#a:test.example')}`
    const answers = [
      await register('carol'),
      await login('alice'),
      await http.request('GET', alias),
      await alice.put(alias, { room_id: roomId }),
      await alice.post('/createRoom', { room_alias_name: 'a' }),
      await http.request('GET', '/register/available?username=carol'),
    ]
    expect(answers.map(failure)).toEqual(answers.map(() => unavailable))
    for (const { body } of answers) expect(body.error).toContain('database is not available')
    server.postgres.start()
    expect(failure(await register('carol'))).toEqual([200, undefined])
    expect(failure(await alice.put(alias, { room_id: roomId }))).toEqual([200, undefined])
  })

  it('lists and searches are refused clearly, while spaces and summaries go on', async () => {
    const search = { search_categories: { room_events: { search_term: 'anything' } } }
    const listing = `/directory/list/room/${encodeURIComponent(roomId)}`
    server.postgres.stop()
    const answers = [
      await alice.post('/publicRooms'),
      await alice.post('/user_directory/search', { search_term: 'bob' }),
      await alice.post('/search', search),
      await alice.post(inRoom(roomId, 'report'), { reason: 'odd' }),
      await alice.get(listing),
    ]
    expect(answers.map(failure)).toEqual(answers.map(() => unavailable))
    must(await alice.get(`/_matrix/client/v1${inRoom(roomId, 'hierarchy')}`))
    must(await alice.get(`/_matrix/client/v1/room_summary/${encodeURIComponent(roomId)}`))
    must(await alice.put(listing, { visibility: 'public' }))
    server.postgres.start()
    await expect
      .poll(async () => (await alice.get(listing)).body, { timeout: 15_000 })
      .toEqual({ visibility: 'public' })
    must(await alice.post('/search', search))
  })

  it('/health names it', async () => {
    server.postgres.stop()
    const parts = { postgres: 'down', redis: 'ok', r2: 'ok' }
    expect(await health('?deep')).toEqual({
      status: 503,
      body: { status: 'degraded', version: VERSION, parts },
    })
    expect(await health()).toEqual({ status: 200, body: { status: 'ok', version: VERSION } })
    server.postgres.start()
    expect(await health('?deep')).toMatchObject({ status: 200, body: { status: 'ok' } })
  })

  it('the archive waits, and catches up afterwards', async () => {
    // A room of its own: one whose archive has failed before rests for up to a minute.
    const fresh = await alice.createRoom()
    server.postgres.stop()
    const sent: string[] = []
    for (let n = 0; n < 20; n += 1) sent.push(await alice.say(fresh, `archived ${n}`))
    const query = 'select event_id from events where event_id = any($1) order by pos'
    expect(await server.pg(query, [sent])).toEqual([])
    server.postgres.start()
    const rows = await eventually(
      () => server.pg(query, [sent]),
      (found) => found.length === sent.length,
      60_000,
    )
    expect(rows.map((row) => row.event_id)).toEqual(sent)
  }, 90_000)
})

describe('Redis emptied', () => {
  it('logs nobody out, and brings nobody back', async () => {
    const phone = await http.login('alice')
    expect(await whoami(phone)).toEqual([200, undefined])
    must(await phone.post('/logout'))
    await server.redis.flush()
    await forgetEverything()
    expect(await whoami(phone)).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect(await whoami(alice)).toEqual([200, undefined])
    await expectTalking('redis emptied')
    // Alice's session was copied anew; the phone's stays out.
    expect(await whoami(phone)).toEqual([401, 'M_UNKNOWN_TOKEN'])
  })
})

describe('while Redis is down', () => {
  it('nobody is logged out, and everybody sends and syncs', async () => {
    server.redis.stop()
    await forgetEverything()
    expect([await whoami(alice), await whoami(bob)]).toEqual([
      [200, undefined],
      [200, undefined],
    ])
    await expectTalking('without redis')
  })

  it('a token is checked without Redis, and not refused, when Redis hangs', async () => {
    await forgetEverything()
    // Longer than this test may take.
    server.redis.delay(120_000)
    try {
      expect(await whoami(alice)).toEqual([200, undefined])
    } finally {
      server.redis.delay(0)
    }
  })

  it('a logged-out token stays refused, then and afterwards', async () => {
    const before = await http.login('alice')
    const during = await http.login('alice')
    // Both have a copy in Redis.
    expect([await whoami(before), await whoami(during)]).toEqual([
      [200, undefined],
      [200, undefined],
    ])
    must(await before.post('/logout'))
    server.redis.stop()
    const out = [401, 'M_UNKNOWN_TOKEN']
    expect(await whoami(before)).toEqual(out)
    must(await during.post('/logout'))
    expect(await whoami(during)).toEqual(out)
    server.redis.start()
    expect([await whoami(before), await whoami(during)]).toEqual([out, out])
    // The User object tells Redis as soon as it can; from then on no isolate, however fresh, takes it for alive.
    const user = objectName.user(server.serverName, alice.userId)
    await eventually(
      () => server.sql('USER', user, 'SELECT session_id FROM revoked'),
      (rows) => rows.length === 0,
      25_000,
    )
    await forgetEverything()
    expect([await whoami(before), await whoami(during)]).toEqual([out, out])
  }, 120_000)

  it('login goes on, and registration in one step too', async () => {
    server.redis.stop()
    expect(failure(await login('alice'))).toEqual([200, undefined])
    expect(failure(await register('dave'))).toEqual([200, undefined])
  })

  it('registration in steps is refused clearly', async () => {
    server.redis.stop()
    const answer = await http.request('POST', '/register', { username: 'erin', password: testPassword })
    expect(failure(answer)).toEqual(unavailable)
    expect(answer.body.error).toContain('session store is not available')
  })

  it('/health names it', async () => {
    server.redis.stop()
    const parts = { postgres: 'ok', redis: 'down', r2: 'ok' }
    expect(await health('?deep')).toEqual({
      status: 503,
      body: { status: 'degraded', version: VERSION, parts },
    })
  })
})

/** Rate limits. */
import { describe, expect, it } from 'vitest'
import { type Answer, api, testPassword } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { serving } from '../../support/serving.ts'

const { server, http } = serving([], { 'rate-limits': 'on', 'client-address-header': 'x-real-ip' })
let addresses = 0

const newAddress = () => `192.0.2.${++addresses}`
const register = (username: string, address: string) =>
  http.request(
    'POST',
    '/register',
    { username, password: testPassword, auth: { type: 'm.login.dummy' } },
    { headers: { 'x-real-ip': address } },
  )
const login = (user: string, address: string, password = 'wrong') =>
  http.request(
    'POST',
    '/login',
    { type: 'm.login.password', user, password },
    { headers: { 'x-real-ip': address } },
  )

function expectLimited({ status, body, headers }: Answer): void {
  expect([status, body.errcode]).toEqual([429, 'M_LIMIT_EXCEEDED'])
  expect(body.retry_after_ms).toBeGreaterThan(0)
  expect(Number(headers.get('retry-after'))).toBe(Math.ceil(body.retry_after_ms / 1000))
}

/** Repeats until refused; answers how many passed and the refusal. */
async function untilLimited(
  ask: () => Promise<Answer>,
  most = 100,
): Promise<{ passed: number; refusal: Answer }> {
  for (let passed = 0; passed < most; passed += 1) {
    const refusal = await ask()
    if (refusal.status === 429) return { passed, refusal }
  }
  throw new Error(`${most} requests passed`)
}

describe('rate limits', () => {
  it('hold off guesses of one account from many addresses', async () => {
    const { passed, refusal } = await untilLimited(() => login('victim', newAddress()))
    // A window may begin in between.
    expect(passed).toBeGreaterThanOrEqual(30)
    expect(passed).toBeLessThanOrEqual(60)
    expectLimited(refusal)
    expect((await login('other', newAddress())).status).toBe(403)
  })

  it('let an owner in while a stranger guesses the password, from one address or from many', async () => {
    await register('owner', newAddress())
    const stranger = newAddress()
    expectLimited((await untilLimited(() => login('owner', stranger))).refusal)
    expect((await login('owner', newAddress(), testPassword)).status).toBe(200)
    expectLimited((await untilLimited(() => login('owner', newAddress()))).refusal)
    expect((await login('owner', newAddress(), testPassword)).status).toBe(200)
  })

  it('refuse even the right password from an address that has guessed too often', async () => {
    await register('guessed', newAddress())
    const stranger = newAddress()
    expectLimited((await untilLimited(() => login('guessed', stranger))).refusal)
    expectLimited(await login('guessed', stranger, testPassword))
    await register('unguessed', newAddress())
    expectLimited(await login('unguessed', stranger, testPassword))
  })

  it('do not count a login with the right password as a guess', async () => {
    const address = newAddress()
    await register('often', address)
    for (let logins = 0; logins < 40; logins += 1) {
      expect((await login('often', address, testPassword)).status).toBe(200)
    }
  })

  it('count IPv6 addresses of one /64 as one, and those of the next apart', async () => {
    let host = 0
    const { refusal } = await untilLimited(() => {
      host += 1
      return login(`six${host}`, `2001:db8:0:1::${host.toString(16)}`)
    })
    expectLimited(refusal)
    expect((await login('six1', '2001:db8:0:2::1')).status).toBe(403)
  })

  it('count requests without the named header, or without an address in it, as from one address', async () => {
    let tries = 0
    const { refusal } = await untilLimited(() => {
      tries += 1
      const headers = tries % 2 === 0 ? {} : { 'x-real-ip': `nobody${tries}` }
      const body = { type: 'm.login.password', user: `lost${tries}`, password: 'wrong' }
      return http.request('POST', '/login', body, { headers: headers as Record<string, string> })
    })
    expectLimited(refusal)
  })

  it('count the last of several addresses, which the proxy wrote', async () => {
    const proxied = newAddress()
    let forged = 0
    const { refusal } = await untilLimited(() => login(`via${++forged}`, `198.51.100.${forged}, ${proxied}`))
    expectLimited(refusal)
  })

  it('hold off guesses of many accounts from one address', async () => {
    const address = newAddress()
    let accounts = 0
    const { refusal } = await untilLimited(() => login(`account${++accounts}`, address))
    expectLimited(refusal)
    expect((await login('account1', newAddress())).status).toBe(403)
  })

  it('hold off registrations from one address', async () => {
    const address = newAddress()
    let accounts = 0
    const { passed, refusal } = await untilLimited(() => register(`flood${++accounts}`, address))
    expect(passed).toBeGreaterThanOrEqual(20)
    expectLimited(refusal)
    expect((await register('calm', newAddress())).status).toBe(200)
  })

  it('hold off requests with made-up tokens, by their address', async () => {
    const headers = { 'x-real-ip': newAddress() }
    let guesses = 0
    const ask = () => {
      guesses += 1
      return http.request('POST', '/search', {}, { token: `made.up.${guesses}`, headers })
    }
    const { passed, refusal } = await untilLimited(ask)
    expect(passed).toBeGreaterThanOrEqual(30)
    expectLimited(refusal)
    const { body } = await register('honest', newAddress())
    const search = { search_categories: {} }
    expect(
      (await http.request('POST', '/search', search, { token: body.access_token, headers })).status,
    ).toBe(200)
  })

  it.each([
    ['GET', '/publicRooms', 30],
    ['POST', '/account/password/email/requestToken', 200],
  ])(
    'count by the address what looks at no token, whatever token is shown: %s %s',
    async (method, path, least) => {
      const headers = { 'x-real-ip': newAddress() }
      let made = 0
      const body = method === 'GET' ? undefined : {}
      const ask = () => http.request(method, path, body, { token: `made.up.${++made}`, headers })
      const { passed, refusal } = await untilLimited(ask, 1_000)
      expect(passed).toBeGreaterThanOrEqual(least)
      expectLimited(refusal)
    },
  )

  it('hold off guests from one address, and guesses of a password in its own user’s session', async () => {
    const address = newAddress()
    const headers = { 'x-real-ip': address }
    const guest = () => http.request('POST', '/register', {}, { query: { kind: 'guest' }, headers })
    expectLimited((await untilLimited(guest)).refusal)
    const { body } = await register('holder', newAddress())
    const auth = { type: 'm.login.password', password: 'wrong' }
    const guess = () => http.request('POST', '/account/deactivate', { auth }, { token: body.access_token })
    const { passed, refusal } = await untilLimited(guess)
    expect(passed).toBeGreaterThanOrEqual(30)
    expectLimited(refusal)
  })

  it('hold off messages, joins, new rooms and invitations of one account, and of no other account', async () => {
    const enter = async (name: string) => (await register(name, newAddress())).body
    const [busy, calm] = [await enter('busy'), await enter('calm2')]
    const as = ({ access_token: token }: { access_token: string }) => ({
      put: (path: string, body: unknown) => http.request('PUT', path, body, { token }),
      post: (path: string, body: unknown) => http.request('POST', path, body, { token }),
    })
    const { body } = await as(calm).post('/createRoom', { preset: 'public_chat' })
    const path = `/rooms/${encodeURIComponent(body.room_id)}`
    expect((await as(busy).post(`${path}/join`, {})).status).toBe(200)
    let sent = 0
    const say = () => {
      sent += 1
      return as(busy).put(`${path}/send/m.room.message/${sent}`, { msgtype: 'm.text', body: 'x' })
    }
    const messages = await untilLimited(say, 400)
    expect(messages.passed).toBeGreaterThanOrEqual(50)
    expectLimited(messages.refusal)
    const joins = await untilLimited(() => as(busy).post(`${path}/join`, {}), 200)
    expectLimited(joins.refusal)
    // Rooms count as joins; on a slow machine some of those are allowed again by now.
    const rooms = await untilLimited(() => as(busy).post('/createRoom', {}), 40)
    expectLimited(rooms.refusal)
    const invites = await untilLimited(() => as(busy).post(`${path}/invite`, { user_id: calm.user_id }), 200)
    expect(invites.passed).toBeGreaterThanOrEqual(20)
    expectLimited(invites.refusal)
    expect((await as(calm).put(`${path}/send/m.room.message/1`, { body: 'x' })).status).toBe(200)
    expect((await as(calm).post(`${path}/join`, {})).status).toBe(200)
  })

  it('count the invitees of a new room as invitations', async () => {
    const enter = async (name: string) => (await register(name, newAddress())).body
    const { access_token: token } = await enter('host')
    const guest = await enter('guest1')
    const invite = Array.from({ length: 30 }, (_, i) => `@nobody${i}:${server.serverName}`)
    const create = (more: object) => http.request('POST', '/createRoom', more, { token })
    const { status, body } = await create({ invite })
    expect(status).toBe(200)
    const path = `/rooms/${encodeURIComponent(body.room_id)}/invite`
    expectLimited(await http.request('POST', path, { user_id: guest.user_id }, { token }))
    expectLimited(await create({ invite: [guest.user_id] }))
    expect((await create({})).status).toBe(200)
  })

  it('count to-device messages, and not the requests that bring them', async () => {
    const { body } = await register('courier', newAddress())
    const messages = (count: number) => ({
      messages: {
        [body.user_id]: Object.fromEntries(Array.from({ length: count }, (_, n) => [`D${n}`, {}])),
      },
    })
    let sent = 0
    const send = (count: number) => {
      sent += 1
      return http.request('PUT', `/sendToDevice/m.dummy/${sent}`, messages(count), {
        token: body.access_token,
      })
    }
    for (let requests = 0; requests < 60; requests += 1) expect((await send(1)).status).toBe(200)
    for (const count of [6_000, 6_000]) expect((await send(count)).status).toBe(200)
    expectLimited(await send(1))
  })

  it('let only a few passwords be checked at once, whether accounts exist or not', async () => {
    const costly = await startServer({
      'rate-limits': 'on',
      'client-address-header': 'x-real-ip',
      'password-cost': 'normal',
    })
    try {
      const there = api(costly)
      const attempt = (user: string) =>
        there.request(
          'POST',
          '/login',
          { type: 'm.login.password', user, password: 'wrong' },
          { headers: { 'x-real-ip': newAddress() } },
        )
      const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => attempt(`crowd${i}`)))
      const refused = answers.filter(({ status }) => status === 429)
      expect(refused.length).toBeGreaterThan(0)
      for (const answer of refused) expectLimited(answer)
      expect(answers.filter(({ status }) => status === 403).length).toBeGreaterThanOrEqual(8)
      // Those in turn are done: none has kept its place.
      expect((await attempt('late')).status).toBe(403)
    } finally {
      await costly.stop()
    }
  })

  it('count in each isolate when Redis is away', async () => {
    server.redis.stop()
    const { passed, refusal } = await untilLimited(() => login('quiet', newAddress()))
    server.redis.start()
    expect(passed).toBeGreaterThanOrEqual(30)
    expectLimited(refusal)
  })
})

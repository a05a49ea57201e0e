/** Registration. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Api, api, type Body, testPassword } from '../../../support/client.ts'
import { startServer, type TestServer } from '../../../support/server.ts'

const dummy = { type: 'm.login.dummy' }

let server: TestServer
let http: Api

const register = (body: Body, query = {}) => http.request('POST', '/register', body, { query })
const failure = ({ status, body }: Answer) => [status, body.errcode]

describe('open registration', () => {
  beforeAll(async () => {
    server = await startServer()
    http = api(server)
  })
  afterAll(() => server?.stop())

  it('makes an account, a device and a token in one call', async () => {
    const { status, body } = await register({ username: 'one', password: testPassword, auth: dummy })
    expect([status, body]).toEqual([
      200,
      {
        user_id: '@one:test.example',
        access_token: expect.any(String),
        device_id: expect.stringMatching(/^[A-Z0-9]{10}$/),
        home_server: 'test.example',
      },
    ])
    const whoami = await http.request('GET', '/account/whoami', undefined, { token: body.access_token })
    expect(whoami.body).toEqual({ user_id: body.user_id, device_id: body.device_id, is_guest: false })
  })

  it('tells the flows of an empty request, and makes the account in that session', async () => {
    const asked = await register({})
    expect([asked.status, asked.body]).toEqual([
      401,
      { flows: [{ stages: ['m.login.dummy'] }], params: {}, session: expect.any(String) },
    ])
    const auth = { ...dummy, session: asked.body.session }
    const made = await register({ username: 'two', password: testPassword, auth })
    expect([made.status, made.body.user_id]).toEqual([200, '@two:test.example'])
  })

  it('gives the same account again when a finished registration is repeated in its session', async () => {
    const { session } = (await register({})).body
    const request = { username: 'again', password: testPassword, auth: { ...dummy, session } }
    const [first, second] = [await register(request), await register(request)]
    expect([first.status, second.status]).toEqual([200, 200])
    expect(second.body.user_id).toBe(first.body.user_id)
    const other = (await register({})).body.session
    expect(failure(await register({ ...request, auth: { ...dummy, session: other } }))).toEqual([
      400,
      'M_USER_IN_USE',
    ])
  })

  it('a finished session is only good for its account, with its password', async () => {
    const { session } = (await register({})).body
    const auth = { ...dummy, session }
    expect((await register({ username: 'finished', password: testPassword, auth })).status).toBe(200)
    for (const changes of [{ username: 'a-second' }, { password: 'another' }, { password: undefined }]) {
      const answer = await register({ username: 'finished', password: testPassword, auth, ...changes })
      expect(answer.status, JSON.stringify(changes)).toBeGreaterThanOrEqual(400)
      expect(answer.body).not.toHaveProperty('access_token')
    }
    const unnamed = (await register({})).body.session
    const first = await register({ password: testPassword, auth: { ...dummy, session: unnamed } })
    const second = { username: 'a-third', password: testPassword, auth: { ...dummy, session: unnamed } }
    expect(first.status).toBe(200)
    expect(failure(await register(second))).toEqual([403, 'M_FORBIDDEN'])
  })

  it('takes the password of the first request, and no later one', async () => {
    const { session } = (await register({ username: 'early', password: testPassword })).body
    const auth = { ...dummy, session }
    const other = await register({ username: 'early', password: 'another password', auth })
    expect(failure(other)).toEqual([403, 'M_FORBIDDEN'])
    expect((await register({ auth })).body.user_id).toBe('@early:test.example')
    expect((await http.login('early')).userId).toBe('@early:test.example')
  })

  it('shows what is completed after a stage that failed', async () => {
    const { session } = (await register({})).body
    const failed = await register({ auth: { type: 'm.login.sso', session } })
    expect([failed.status, failed.body.completed]).toEqual([401, []])
  })

  it('shows a new account by its localpart', async () => {
    const { userId, ...named } = await http.register('Robin')
    const shown = await http.request('GET', `/profile/${userId}`)
    expect(shown.body).toEqual({ displayname: 'robin' })
    expect((await named.delete(`/profile/${userId}/displayname`)).status).toBe(200)
    await http.login('robin')
    expect((await http.request('GET', `/profile/${userId}`)).body).toEqual({})
  })

  it('invents one name for a session that asks for none', async () => {
    const { session } = (await register({ password: testPassword })).body
    const request = { password: testPassword, auth: { ...dummy, session } }
    const [first, second] = [await register(request), await register(request)]
    expect(first.body.user_id).toMatch(/^@[a-z0-9]{12}:test\.example$/)
    expect(second.body.user_id).toBe(first.body.user_id)
  })

  it('binds the session to the name that was asked for, and keeps no password in Redis', async () => {
    const { session } = (await register({ username: 'bound', password: testPassword })).body
    const changed = await register({ username: 'other', password: testPassword, auth: { ...dummy, session } })
    expect(failure(changed)).toEqual([403, 'M_FORBIDDEN'])
    const same = await register({ password: testPassword, auth: { ...dummy, session } })
    expect(same.body.user_id).toBe('@bound:test.example')
  })

  it('uses the device that the client names, and its display name', async () => {
    const { body } = await register({
      username: 'named',
      password: testPassword,
      auth: dummy,
      device_id: 'PHONE',
      initial_device_display_name: 'Telephone',
    })
    expect(body.device_id).toBe('PHONE')
    const devices = await http.request('GET', '/devices', undefined, { token: body.access_token })
    expect(devices.body.devices).toMatchObject([{ device_id: 'PHONE', display_name: 'Telephone' }])
  })

  it('gives no token where login is inhibited', async () => {
    const { body } = await register({
      username: 'quiet',
      password: testPassword,
      auth: dummy,
      inhibit_login: true,
    })
    expect(body).toEqual({ user_id: '@quiet:test.example', home_server: 'test.example' })
    expect((await http.login('quiet')).userId).toBe('@quiet:test.example')
  })

  it('takes capitals as small letters, and any password', async () => {
    const password = '  ☃ ü "\\ \u0000 '
    const { body } = await register({ username: 'CaPiTaL', password, auth: dummy })
    expect(body.user_id).toBe('@capital:test.example')
    expect((await http.login('capital', { password })).userId).toBe(body.user_id)
  })

  it('refuses a taken or bad name before it asks for anything', async () => {
    await http.register('taken')
    expect(failure(await register({ username: 'taken', password: testPassword }))).toEqual([
      400,
      'M_USER_IN_USE',
    ])
    expect(failure(await register({ username: 'TAKEN', password: testPassword, auth: dummy }))).toEqual([
      400,
      'M_USER_IN_USE',
    ])
    for (const username of ['', 'a b', 'ä', 'a:b', '@a:test.example', 'a"', 'x'.repeat(300)]) {
      expect(failure(await register({ username, password: testPassword }))).toEqual([
        400,
        'M_INVALID_USERNAME',
      ])
      expect(failure(await register({ username, password: testPassword, auth: dummy }))).toEqual([
        400,
        'M_INVALID_USERNAME',
      ])
    }
  })

  it('makes one account when ten ask for the name at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => register({ username: 'crowd', password: testPassword, auth: dummy })),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([
      200,
      ...Array.from({ length: 9 }, () => 400),
    ])
  })

  it.each([
    [{ username: 'x1', auth: dummy }, 400, 'M_MISSING_PARAM'],
    [{ username: 'x1', password: '', auth: dummy }, 400, 'M_MISSING_PARAM'],
    [{ username: 'x1', password: 5, auth: dummy }, 400, 'M_BAD_JSON'],
    [{ username: 5 }, 400, 'M_BAD_JSON'],
    [{ auth: 'dummy' }, 400, 'M_BAD_JSON'],
    [{ inhibit_login: 'yes' }, 400, 'M_BAD_JSON'],
    [{ device_id: '' }, 400, 'M_INVALID_PARAM'],
  ])('refuses %j', async (body, status, errcode) => {
    expect(failure(await register(body))).toEqual([status, errcode])
  })

  it('answers a wrong stage with 401, the reason and the flows', async () => {
    const { status, body } = await register({
      username: 'x2',
      password: testPassword,
      auth: { type: 'm.login.sso' },
    })
    expect(status).toBe(401)
    expect(body).toMatchObject({ errcode: 'M_UNRECOGNIZED', flows: [{ stages: ['m.login.dummy'] }] })
  })

  it('makes no guests', async () => {
    expect(failure(await register({}, { kind: 'guest' }))).toEqual([403, 'M_FORBIDDEN'])
    expect(failure(await register({}, { kind: 'robot' }))).toEqual([400, 'M_INVALID_PARAM'])
  })

  it('tells whether a name is free', async () => {
    await http.register('occupied')
    const available = (username?: string) =>
      http.request('GET', '/register/available', undefined, { query: { username } })
    expect((await available('free')).body).toEqual({ available: true })
    expect(failure(await available('occupied'))).toEqual([400, 'M_USER_IN_USE'])
    expect(failure(await available('no good'))).toEqual([400, 'M_INVALID_USERNAME'])
    expect(failure(await available())).toEqual([400, 'M_MISSING_PARAM'])
  })

  it('stores neither the password nor the token in the clear', async () => {
    await register({ username: 'private', password: testPassword, auth: dummy })
    const rows = await server.pg("select password_hash from accounts where localpart = 'private'")
    expect(rows).toEqual([{ password_hash: expect.stringMatching(/^\$scrypt\$ln=10,r=8,p=1\$/) }])
  })
})

describe('registration by token', () => {
  beforeAll(async () => {
    server = await startServer({ registration: 'token' })
    http = api(server)
    await server.pg("insert into registration_tokens (token, uses_allowed) values ('once', 1)")
  })
  afterAll(() => server?.stop())

  const validity = (token: string) =>
    http.request('GET', '/_matrix/client/v1/register/m.login.registration_token/validity', undefined, {
      query: { token },
    })

  it('is not open to the dummy stage', async () => {
    const { status, body } = await register({ username: 'a', password: testPassword, auth: dummy })
    expect([status, body.flows]).toEqual([401, [{ stages: ['m.login.registration_token'] }]])
  })

  it('takes a token as often as it may be used', async () => {
    expect((await validity('once')).body).toEqual({ valid: true })
    const auth = { type: 'm.login.registration_token', token: 'once' }
    expect((await register({ username: 'a', password: testPassword, auth })).status).toBe(200)
    expect((await validity('once')).body).toEqual({ valid: false })
    const again = await register({ username: 'b', password: testPassword, auth })
    expect(failure(again)).toEqual([401, 'M_UNAUTHORIZED'])
    const session = again.body.session
    const guess = await register({
      username: 'b',
      password: testPassword,
      auth: { ...auth, token: 'guess', session },
    })
    expect(failure(guess)).toEqual([401, 'M_UNAUTHORIZED'])
    const none = await register({ username: 'b', password: testPassword, auth: { type: auth.type, session } })
    expect(failure(none)).toEqual([401, 'M_MISSING_PARAM'])
  })

  it('accepts no other tokens', async () => {
    expect((await validity('unknown')).body).toEqual({ valid: false })
  })
})

describe('closed registration', () => {
  beforeAll(async () => {
    server = await startServer({ registration: 'closed' })
    http = api(server)
  })
  afterAll(() => server?.stop())

  it('is refused, and says so', async () => {
    const answer = await register({ username: 'a', password: testPassword, auth: dummy })
    expect(failure(answer)).toEqual([403, 'M_FORBIDDEN'])
    const path = '/_matrix/client/v1/register/m.login.registration_token/validity?token=x'
    expect(failure(await http.request('GET', path))).toEqual([403, 'M_FORBIDDEN'])
  })
})

/** Login, logout and access tokens. */
import { afterAll, describe, expect, it } from 'vitest'
import { type Answer, type Body, testPassword } from '../../../support/client.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice } = serving(['alice'])

const failure = ({ status, body }: Answer) => [status, body.errcode]
const login = (body: Body) => http.request('POST', '/login', body)
const byPassword = (body: Body) => login({ type: 'm.login.password', password: testPassword, ...body })
const whoami = (token: string) => http.request('GET', '/account/whoami', undefined, { token })

describe('login', () => {
  it('offers the password', async () => {
    expect((await http.request('GET', '/login')).body).toEqual({ flows: [{ type: 'm.login.password' }] })
  })

  it.each([
    { identifier: { type: 'm.id.user', user: 'alice' } },
    { identifier: { type: 'm.id.user', user: '@alice:test.example' } },
    { identifier: { type: 'm.id.user', user: 'Alice' } },
    { user: 'alice' },
    { user: '@alice:test.example' },
  ])('takes %j', async (body) => {
    const answer = await byPassword(body)
    expect([answer.status, answer.body.user_id]).toEqual([200, '@alice:test.example'])
    expect((await whoami(answer.body.access_token)).body.device_id).toBe(answer.body.device_id)
  })

  it('gives the same answer to a wrong password and to an unknown, a foreign and a deactivated user', async () => {
    await http.register('deactivated')
    await server.pg("update accounts set deactivated = true where localpart = 'deactivated'")
    const answers = await Promise.all([
      byPassword({ user: 'alice', password: 'wrong' }),
      byPassword({ user: 'nobody' }),
      byPassword({ user: '@alice:other.example' }),
      byPassword({ user: 'deactivated' }),
      byPassword({ user: '' }),
      byPassword({ identifier: { type: 'm.id.thirdparty', medium: 'email', address: 'a@b.example' } }),
      byPassword({ identifier: { type: 'm.id.phone', country: 'DE', phone: '1' } }),
    ])
    for (const answer of answers) expect([answer.status, answer.body]).toEqual([403, answers[0]!.body])
    expect(answers[0]!.body.errcode).toBe('M_FORBIDDEN')
  })

  it.each([
    [{}, 400, 'M_MISSING_PARAM'],
    [{ type: 'm.login.token', token: 'x' }, 400, 'M_UNKNOWN'],
    [{ type: 'm.login.password', password: 'x' }, 400, 'M_MISSING_PARAM'],
    [{ type: 'm.login.password', user: 'alice' }, 400, 'M_MISSING_PARAM'],
    [{ type: 'm.login.password', user: 'alice', password: 1 }, 400, 'M_BAD_JSON'],
    [{ type: 'm.login.password', identifier: { type: 'm.id.user' }, password: 'x' }, 400, 'M_MISSING_PARAM'],
    [{ type: 'm.login.password', identifier: { type: 'm.id.smell' }, password: 'x' }, 400, 'M_UNKNOWN'],
  ])('refuses %j', async (body, status, errcode) => {
    expect(failure(await login(body))).toEqual([status, errcode])
  })

  it('into a known device ends its former session, and keeps its name', async () => {
    const first = await http.login('alice', { device_id: 'LAPTOP', initial_device_display_name: 'Laptop' })
    const second = await http.login('alice', { device_id: 'LAPTOP', initial_device_display_name: 'Other' })
    expect(failure(await whoami(first.token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect((await second.get('/devices/LAPTOP')).body.display_name).toBe('Laptop')
  })

  it('into a known device ends a former session that was in use until then, on every kind of path', async () => {
    const first = await http.login('alice', { device_id: 'BUSY' })
    const use = () => Promise.all([whoami(first.token), first.get('/devices'), first.sync()])
    for (const { status } of await use()) expect(status).toBe(200)
    const second = await http.login('alice', { device_id: 'BUSY' })
    for (const answer of await use()) expect(failure(answer)).toEqual([401, 'M_UNKNOWN_TOKEN'])
    await server.evict('USER', objectName.user(server.serverName, alice.userId))
    for (const answer of await use()) expect(failure(answer)).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect((await whoami(second.token)).status).toBe(200)
  })
})

describe('access tokens', () => {
  it('are taken from the header and from the query', async () => {
    expect(
      (await http.request('GET', '/account/whoami', undefined, { query: { access_token: alice.token } }))
        .status,
    ).toBe(200)
    const headers = { authorization: `bearer  ${alice.token}` }
    expect((await http.request('GET', '/account/whoami', undefined, { headers })).status).toBe(200)
  })

  it.each(['/account/whoami', '/devices', '/devices/X', '/sync'])('are asked for by %s', async (path) => {
    expect(failure(await http.request('GET', path))).toEqual([401, 'M_MISSING_TOKEN'])
    expect(failure(await http.request('GET', path, undefined, { token: 'rubbish' }))).toEqual([
      401,
      'M_UNKNOWN_TOKEN',
    ])
    const headers = { authorization: 'Basic YWxpY2U6cHc=' }
    expect(failure(await http.request('GET', path, undefined, { headers }))).toEqual([401, 'M_MISSING_TOKEN'])
  })

  it('live on when Redis is emptied', async () => {
    const client = await http.login('alice')
    await server.redis.flush()
    expect((await whoami(client.token)).status).toBe(200)
  })

  it('live on in a User object that was evicted', async () => {
    const client = await http.login('alice')
    // An eviction waits for the flush to the archive, and the flush for the eviction.
    const archived = () => server.pg('select 1 from user_records where key = $1', [client.deviceId])
    await expect.poll(archived, { timeout: 10_000 }).toHaveLength(1)
    await server.evict('USER', objectName.user(server.serverName, alice.userId))
    expect((await client.get('/devices')).status).toBe(200)
    expect((await whoami(client.token)).status).toBe(200)
  })
})

describe('logout', () => {
  it('ends the session everywhere, and deletes its device', async () => {
    const [leaving, staying] = [await http.login('alice'), await http.login('alice')]
    expect((await whoami(leaving.token)).status).toBe(200)
    const answer = await http.request('POST', '/logout', undefined, { token: leaving.token })
    expect([answer.status, answer.body]).toEqual([200, {}])
    for (const path of ['/account/whoami', '/devices', '/sync']) {
      expect(failure(await leaving.get(path))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    }
    expect(failure(await leaving.post('/logout'))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect((await staying.get(`/devices/${leaving.deviceId}`)).status).toBe(404)
    await server.redis.flush()
    expect(failure(await whoami(leaving.token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect((await whoami(staying.token)).status).toBe(200)
  })

  it('from all devices ends every session of the user, and of no other user', async () => {
    const [bob, carol] = [await http.register('bob'), await http.register('carol')]
    const second = await http.login('bob')
    for (const { token } of [bob, second, carol]) expect((await whoami(token)).status).toBe(200)
    expect((await second.post('/logout/all')).status).toBe(200)
    for (const { token } of [bob, second])
      expect(failure(await whoami(token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect((await whoami(carol.token)).status).toBe(200)
    expect((await (await http.login('bob')).get('/devices')).body.devices).toHaveLength(1)
  })
})

describe('without Redis', () => {
  afterAll(() => server.redis.start())

  it('people stay logged in, log in and log out, and ended sessions stay ended', async () => {
    const [staying, leaving] = [await http.login('alice'), await http.login('alice')]
    server.redis.stop()
    expect((await whoami(staying.token)).status).toBe(200)
    expect((await leaving.post('/logout')).status).toBe(200)
    expect(failure(await whoami(leaving.token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    const late = await http.login('alice')
    expect((await whoami(late.token)).status).toBe(200)
    server.redis.start()
    expect(failure(await whoami(leaving.token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect((await whoami(staying.token)).status).toBe(200)
  })
})

describe('without Postgres', () => {
  afterAll(() => server.postgres.start())

  it('a logged-in user stays logged in, and login says that it must wait', async () => {
    const client = await http.login('alice')
    server.postgres.stop()
    expect((await whoami(client.token)).status).toBe(200)
    expect((await client.get('/devices')).status).toBe(200)
    expect(failure(await byPassword({ user: 'alice' }))).toEqual([503, 'M_UNKNOWN'])
    server.postgres.start()
    expect((await byPassword({ user: 'alice' })).status).toBe(200)
  })
})

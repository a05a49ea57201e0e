/** What clients get for others: OpenID tokens, TURN credentials and the lookups of bridges. */
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Answer, api, must } from '../../../support/client.ts'
import { startServer } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const uris = ['turn:turn.example:3478?transport=udp', 'turns:turn.example:5349']

const { server, http, alice } = serving(['alice'], { 'turn-uri': uris.join(','), 'turn-secret': 'shared' })

const failure = ({ status, body }: Answer) => [status, body.errcode]
const userInfo = (query: Record<string, string>) =>
  http.request('GET', '/_matrix/federation/v1/openid/userinfo', undefined, { query })

describe('an OpenID token', () => {
  it('tells its user, and does not work as an access token', async () => {
    const { body } = must(await alice.post(`/user/${alice.userId}/openid/request_token`, {}))
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      matrix_server_name: 'test.example',
      expires_in: 3600,
    })
    expect((await userInfo({ access_token: body.access_token })).body).toEqual({ sub: alice.userId })
    const answer = await http.request('GET', '/account/whoami', undefined, { token: body.access_token })
    expect(failure(answer)).toEqual([401, 'M_UNKNOWN_TOKEN'])
  })

  it('is no access token, and is gone with its time', async () => {
    expect(failure(await userInfo({ access_token: alice.token }))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect(failure(await userInfo({}))).toEqual([401, 'M_MISSING_TOKEN'])
    const { access_token } = (await alice.post(`/user/${alice.userId}/openid/request_token`)).body
    await server.redis.flush()
    expect(failure(await userInfo({ access_token }))).toEqual([401, 'M_UNKNOWN_TOKEN'])
  })

  it('is for the user’s own id', async () => {
    const answer = await alice.post('/user/@bob:test.example/openid/request_token', {})
    expect(failure(answer)).toEqual([403, 'M_FORBIDDEN'])
  })
})

describe('TURN credentials', () => {
  it('are an expiring name and its HMAC', async () => {
    const { body } = await alice.get('/voip/turnServer')
    const password = createHmac('sha1', 'shared').update(body.username).digest('base64')
    expect(body).toEqual({ username: expect.any(String), password, uris, ttl: 86_400 })
    const [until, userId] = [body.username.slice(0, 10), body.username.slice(11)]
    expect(userId).toBe(alice.userId)
    expect(Number(until) - Date.now() / 1000).toBeGreaterThan(86_300)
  })

  it('are empty if there is no server', async () => {
    const plain = await startServer()
    try {
      const bob = await api(plain).register('bob')
      expect((await bob.get('/voip/turnServer')).body).toEqual({})
    } finally {
      await plain.stop()
    }
  })
})

describe('third-party lookups', () => {
  it('find nothing, since no bridge is connected', async () => {
    expect((await alice.get('/thirdparty/protocols')).body).toEqual({})
    for (const kind of ['location', 'user']) {
      const query = kind === 'user' ? { userid: alice.userId } : { alias: '#a:test.example' }
      const { status, body } = await alice.get(`/thirdparty/${kind}`, query)
      expect([status, body]).toEqual([200, []])
    }
    for (const kind of ['protocol', 'location', 'user']) {
      expect(failure(await alice.get(`/thirdparty/${kind}/irc`))).toEqual([404, 'M_NOT_FOUND'])
    }
  })
})

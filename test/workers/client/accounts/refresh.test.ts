/** Refresh tokens. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer, api, type Body, must, testPassword } from '../../../support/client.ts'
import { wipeAndRebuildUser } from '../../../support/rebuild.ts'
import { objectName, startServer } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http } = serving([], {
  unlikeArchive: { 'devices.refreshed_ts': 'the tables are made older than they are' },
})

beforeAll(async () => {
  await http.register('alice')
})

const failure = ({ status, body }: Answer) => [status, body.errcode]
const whoami = (token: string) => http.request('GET', '/account/whoami', undefined, { token })
const refresh = (token: string) => http.request('POST', '/refresh', { refresh_token: token })
const login = async (body: Body = {}) =>
  must(
    await http.request('POST', '/login', {
      type: 'm.login.password',
      user: 'alice',
      password: testPassword,
      refresh_token: true,
      ...body,
    }),
  ).body
const devicesOf = (userId: string, query: string) =>
  server.sql('USER', objectName.user(server.serverName, userId), query)
/** As if the last refresh were long ago. */
const ageRefreshes = () => devicesOf('@alice:test.example', 'UPDATE devices SET refreshed_ts = 0')

describe('a login that asks for a refresh token', () => {
  it('gets one, and an access token that expires', async () => {
    const answer = await login()
    expect(answer.expires_in_ms).toBeGreaterThan(3_500_000)
    expect(answer.expires_in_ms).toBeLessThanOrEqual(3_600_000)
    expect(answer.refresh_token).toEqual(expect.any(String))
    expect((await whoami(answer.access_token)).body.device_id).toBe(answer.device_id)
  })

  it('by registration gets one too, and no login gets one without asking', async () => {
    const body = { username: 'bob', password: testPassword, auth: { type: 'm.login.dummy' } }
    const asked = await http.request('POST', '/register', { ...body, refresh_token: true })
    expect(asked.body).toMatchObject({ refresh_token: expect.any(String), expires_in_ms: expect.any(Number) })
    expect(await login({ refresh_token: false })).not.toHaveProperty('refresh_token')
  })

  it('leaves only hashes in the tables and in the archive', async () => {
    const { refresh_token: token } = await login({ device_id: 'HASHED' })
    const { rid } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString())
    const rows = await devicesOf('@alice:test.example', 'SELECT * FROM devices')
    const archived = () => server.pg("select body from user_records where key = 'HASHED'")
    await expect.poll(archived, { timeout: 10_000 }).toHaveLength(1)
    expect(JSON.stringify(rows)).toContain('HASHED')
    expect(JSON.stringify([rows, await archived()])).not.toContain(rid)
  })
})

describe('an access token', () => {
  it('is no refresh token, and a refresh token is no access token', async () => {
    const { access_token, refresh_token } = await login()
    expect(failure(await whoami(refresh_token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect(failure(await refresh(access_token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect(failure(await refresh('rubbish'))).toEqual([401, 'M_UNKNOWN_TOKEN'])
  })

  it('that has expired says so softly everywhere, and its refresh token goes on', async () => {
    const quick = await startServer({ 'access-token-lifetime-ms': '300' })
    try {
      const there = api(quick)
      const body = { username: 'carol', password: testPassword, auth: { type: 'm.login.dummy' } }
      const { access_token: token, refresh_token } = must(
        await there.request('POST', '/register', { ...body, refresh_token: true }),
      ).body
      const whoami = () => there.request('GET', '/account/whoami', undefined, { token })
      await expect.poll(async () => (await whoami()).status, { timeout: 10_000 }).toBe(401)
      for (const path of ['/account/whoami', '/devices', '/sync']) {
        const answer = await there.request('GET', path, undefined, { token })
        expect([...failure(answer), answer.body.soft_logout]).toEqual([401, 'M_UNKNOWN_TOKEN', true])
      }
      const renewed = must(await there.request('POST', '/refresh', { refresh_token })).body
      expect(renewed.access_token).not.toBe(token)
    } finally {
      await quick.stop()
    }
  })
})

describe('a refresh', () => {
  it('gives a new pair for the same device, below v3 and v1', async () => {
    const first = await login({ device_id: 'ROTATING' })
    const second = must(await refresh(first.refresh_token)).body
    expect(Object.keys(second).sort()).toEqual(['access_token', 'expires_in_ms', 'refresh_token'])
    const third = must(
      await http.request('POST', '/_matrix/client/v1/refresh', { refresh_token: second.refresh_token }),
    ).body
    expect((await whoami(third.access_token)).body.device_id).toBe('ROTATING')
    expect(new Set([first, second, third].map((pair) => pair.refresh_token)).size).toBe(3)
  })

  it('whose answer was lost is repeated with the old token', async () => {
    const first = await login()
    must(await refresh(first.refresh_token))
    const again = must(await refresh(first.refresh_token)).body
    expect((await whoami(again.access_token)).status).toBe(200)
    expect(must(await refresh(again.refresh_token)).status).toBe(200)
  })

  it('leaves the access token before it alive until that expires, or the next refresh', async () => {
    const first = await login()
    const second = must(await refresh(first.refresh_token)).body
    expect((await whoami(second.access_token)).status).toBe(200)
    expect((await whoami(first.access_token)).status).toBe(200)
    must(await refresh(second.refresh_token))
    expect((await whoami(second.access_token)).status).toBe(200)
    expect(failure(await whoami(first.access_token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
  })

  it.each(['access', 'refresh'])(
    'kills the old refresh token once the new %s token is used',
    async (which) => {
      const first = await login()
      const second = must(await refresh(first.refresh_token)).body
      let last = second
      if (which === 'access') must(await whoami(second.access_token))
      else last = must(await refresh(second.refresh_token)).body
      expect(failure(await refresh(first.refresh_token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
      // Of two tabs that refresh at once, one comes late: nobody is logged out for that.
      expect((await whoami(last.access_token)).status).toBe(200)
    },
  )

  it('with a token that was used long ago ends the whole session, and no other session', async () => {
    const [stolen, other] = [await login({ device_id: 'STOLEN' }), await login({ device_id: 'OTHER' })]
    const second = must(await refresh(stolen.refresh_token)).body
    must(await whoami(second.access_token))
    await ageRefreshes()
    expect(failure(await refresh(stolen.refresh_token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    const gone = await whoami(second.access_token)
    expect([...failure(gone), gone.body.soft_logout]).toEqual([401, 'M_UNKNOWN_TOKEN', undefined])
    expect(failure(await refresh(second.refresh_token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect((await whoami(other.access_token)).status).toBe(200)
  })

  it('with a token of a former login leaves the new one alone', async () => {
    const former = await login({ device_id: 'AGAIN' })
    const now = await login({ device_id: 'AGAIN' })
    await ageRefreshes()
    expect(failure(await refresh(former.refresh_token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect((await whoami(now.access_token)).status).toBe(200)
  })

  it.each([
    ['is in use', true],
    ['nobody has used', false],
  ])('whose pair %s is so after a rebuild', async (_, used) => {
    const { body } = await http.request('POST', '/register', {
      username: `rebuilt-${used}`,
      password: testPassword,
      auth: { type: 'm.login.dummy' },
      refresh_token: true,
    })
    const client = http.as({ userId: body.user_id, token: body.access_token, deviceId: body.device_id })
    // Use of the first pair, before it ends.
    must(await client.get('/devices'))
    const second = must(await refresh(body.refresh_token)).body
    if (used) must(await whoami(second.access_token))
    await wipeAndRebuildUser(server, client)
    const late = await refresh(body.refresh_token)
    if (used) {
      expect(failure(late)).toEqual([401, 'M_UNKNOWN_TOKEN'])
      must(await whoami(second.access_token))
      must(await refresh(second.refresh_token))
    } else {
      must(await whoami(must(late).body.access_token))
    }
  })

  it('is refused after a logout', async () => {
    const { access_token: token, refresh_token } = await login()
    must(await http.request('POST', '/logout', undefined, { token }))
    expect(failure(await refresh(refresh_token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
  })
})

/** What a sign-in by a token of another system begins: its session, its user's profile, and what stands in its way. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Body, type Client, must, testPassword } from '../../../support/client.ts'
import { objectName, startServer } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'
import { claims, issuer, issuers, sharedKey, signed, signIn } from '../../../support/tokens.ts'

const SHORT = 'https://short.example'
const UPDATING = 'https://clinic.example'

const { server, http, admin } = serving(['admin'], {
  'max-devices-per-user': '4',
  bindings: issuers(
    issuer(),
    issuer({ issuer: SHORT, session_seconds: 3 }),
    issuer({ issuer: UPDATING, update_profile: true, name_claim: 'nick', picture_claim: null }),
  ),
})

beforeAll(async () => {
  await server.pg("update accounts set admin = true where localpart = 'admin'")
})

const failure = ({ status, body }: Answer) => [status, body.errcode]
const enter = async (sub: string, more: Body = {}, wishes: Body = {}) =>
  signIn(http, await signed(sharedKey, claims(sub, more)), wishes)
const clientOf = ({ body }: Answer): Client =>
  http.as({ userId: body.user_id, token: body.access_token, deviceId: body.device_id })
const profileOf = async (userId: string) => (await http.request('GET', `/profile/${userId}`)).body

describe('the session', () => {
  it('lives an hour, and has no refresh token, though the client asks for one', async () => {
    const { body } = must(await enter('hour', {}, { refresh_token: true }))
    expect(body).not.toHaveProperty('refresh_token')
    expect(body.expires_in_ms).toBeGreaterThan(3_500_000)
    expect(body.expires_in_ms).toBeLessThanOrEqual(3_600_000)
  })

  it('of a system with another lifetime ends softly everywhere, and another token goes on with its device', async () => {
    const wishes = { device_id: 'APP', initial_device_display_name: 'The app' }
    const client = clientOf(must(await enter('short', { iss: SHORT }, wishes)))
    const whoami = () => client.get('/account/whoami')
    await expect.poll(async () => (await whoami()).status, { timeout: 10_000 }).toBe(401)
    for (const answer of [await whoami(), await client.get('/devices'), await client.sync()]) {
      expect([answer.status, answer.body]).toMatchObject([
        401,
        { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true },
      ])
    }
    must(await enter('short', { iss: SHORT }, { device_id: 'OTHER' }))
    const next = clientOf(must(await enter('short', { iss: SHORT }, { device_id: 'APP' })))
    expect((await next.get('/devices')).body.devices).toMatchObject([
      { device_id: 'APP', display_name: 'The app' },
      { device_id: 'OTHER' },
    ])
    // A request that was on its way with the former token.
    expect((await client.get('/devices')).body).toMatchObject({ soft_logout: true })
    expect((await next.get('/account/whoami')).status).toBe(200)
  })

  it('is renewed by another token on its device: the one before lives until its own end, and no longer than that', async () => {
    const open = async () => clientOf(must(await enter('renewing', {}, { device_id: 'APP' })))
    const [first, second] = [await open(), await open()]
    for (const client of [first, second]) must(await client.get('/devices'))
    const third = await open()
    for (const client of [second, third]) must(await client.get('/devices'))
    expect((await first.get('/devices')).body).toMatchObject({
      errcode: 'M_UNKNOWN_TOKEN',
      soft_logout: true,
    })
    must(await second.post('/logout'))
    for (const client of [second, third]) {
      expect(failure(await client.get('/devices'))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    }
  })

  it('ends one that was begun by a password on the same device', async () => {
    const { userId } = clientOf(must(await enter('both')))
    must(await admin.put(`/_selvedge/admin/accounts/${userId}/password`, { password: testPassword }))
    for (const refresh_token of [false, true]) {
      const before = await http.login('both', { device_id: 'APP', refresh_token })
      must(await enter('both', {}, { device_id: 'APP' }))
      expect((await before.get('/devices')).body.errcode).toBe('M_UNKNOWN_TOKEN')
    }
  })

  it('that has ended makes room for another one, at the bound of devices, and takes its keys along', async () => {
    const open = (id: string) => enter('many', {}, { device_id: id })
    const first = clientOf(must(await open('FIRST')))
    const keys = {
      ...{ user_id: first.userId, device_id: 'FIRST', algorithms: ['m.olm.v1.curve25519-aes-sha2'] },
      ...{ keys: { 'curve25519:FIRST': 'a', 'ed25519:FIRST': 'b' }, signatures: {} },
    }
    must(await first.post('/keys/upload', { device_keys: keys }))
    for (const id of ['SECOND', 'THIRD']) must(await open(id))
    const last = await open('LAST')
    const full = await open('MORE')
    expect([last.status, failure(full)]).toEqual([200, [403, 'M_RESOURCE_LIMIT_EXCEEDED']])
    const name = objectName.user(server.serverName, first.userId)
    await server.sql('USER', name, "UPDATE devices SET expires_at = 1 WHERE device_id = 'FIRST'")
    const user = clientOf(must(await open('MORE')))
    const { devices } = (await user.get('/devices')).body
    expect(devices.map(({ device_id }: Body) => device_id).toSorted()).toEqual([
      'LAST',
      'MORE',
      'SECOND',
      'THIRD',
    ])
    const published = await user.post('/keys/query', { device_keys: { [user.userId]: [] } })
    expect(published.body.device_keys[user.userId]).toEqual({})
  })

  it('is none of the server’s other sessions: a login by password lives on as before', async () => {
    expect((await http.login('admin')).token).toEqual(expect.any(String))
    const answer = await http.request('POST', '/login', {
      type: 'm.login.password',
      user: 'admin',
      password: 'correct horse battery staple',
    })
    expect(answer.body).not.toHaveProperty('expires_in_ms')
  })
})

describe('the profile', () => {
  const picture = 'mxc://test.example/abc123'

  it('of a new account has name and picture of the token', async () => {
    const { body } = must(await enter('nina', { name: ' Nina Nova ', picture }))
    expect(await profileOf(body.user_id)).toEqual({ displayname: 'Nina Nova', avatar_url: picture })
  })

  it.each<[string, Body, string]>([
    ['no name', {}, 'plain-1'],
    ['a name that is no text', { name: { first: 'A' } }, 'plain-2'],
    ['an empty name', { name: '  ' }, 'plain-3'],
    ['half a character', { name: '\ud800' }, 'plain-4'],
    ['a picture of the web', { picture: 'https://school.example/nina.png' }, 'plain-5'],
    ['a picture that is none', { picture: 'mxc://' }, 'plain-6'],
  ])('has the localpart for a name where the token has %s', async (_, more, sub) => {
    const { body } = must(await enter(sub, more))
    expect(await profileOf(body.user_id)).toEqual({ displayname: sub })
  })

  it('takes the beginning of a name that is too long', async () => {
    const { body } = must(await enter('long', { name: '😀'.repeat(400) }))
    expect((await profileOf(body.user_id)).displayname).toBe('😀'.repeat(255))
  })

  it('stays as its user has it at later sign-ins', async () => {
    const user = clientOf(must(await enter('keeper', { name: 'First' })))
    must(await user.put(`/profile/${user.userId}/displayname`, { displayname: 'Mine' }))
    must(await enter('keeper', { name: 'Second' }))
    expect((await profileOf(user.userId)).displayname).toBe('Mine')
  })

  it('follows the token where the settings say so, and rooms are told', async () => {
    const user = clientOf(
      must(await enter('follower', { iss: UPDATING, nick: 'First', name: 'No', picture })),
    )
    const roomId = await user.createRoom({ preset: 'public_chat' })
    // A device that is known makes no news by itself.
    must(await enter('follower', { iss: UPDATING, nick: 'Second' }, { device_id: user.deviceId }))
    expect(await profileOf(user.userId)).toEqual({ displayname: 'Second' })
    const member = `/rooms/${roomId}/state/m.room.member/${user.userId}`
    await expect.poll(async () => (await user.get(member)).body.displayname).toBe('Second')
    must(await enter('follower', { iss: UPDATING }))
    expect((await profileOf(user.userId)).displayname).toBe('Second')
  })
})

describe('an account that', () => {
  const V1 = '/_matrix/client/v1'

  it('is locked is locked for its tokens too', async () => {
    const user = clientOf(must(await enter('locked')))
    must(await admin.put(`${V1}/admin/lock/${user.userId}`, { locked: true }))
    expect(failure(await enter('locked'))).toEqual([401, 'M_USER_LOCKED'])
    must(await admin.put(`${V1}/admin/lock/${user.userId}`, { locked: false }))
    expect((await enter('locked')).status).toBe(200)
  })

  it('is suspended signs in and tells nobody anything, not even a new name', async () => {
    const user = clientOf(must(await enter('quiet', { iss: UPDATING, nick: 'Before' })))
    must(await admin.put(`${V1}/admin/suspend/${user.userId}`, { suspended: true }))
    const again = clientOf(must(await enter('quiet', { iss: UPDATING, nick: 'After' })))
    expect((await profileOf(user.userId)).displayname).toBe('Before')
    expect(failure(await again.post('/createRoom', {}))).toEqual([403, 'M_USER_SUSPENDED'])
  })
})

describe('a request that must be confirmed', () => {
  const deletion = (client: Client, auth?: Body) => client.delete(`/devices/${client.deviceId}`, { auth })
  const tokenOf = (sub: string, more: Body = {}) => signed(sharedKey, claims(sub, more))
  const type = 'org.matrix.login.jwt'

  it('is confirmed by another token of its user', async () => {
    const user = clientOf(must(await enter('confirmer')))
    const asked = await deletion(user)
    expect([asked.status, asked.body.flows]).toEqual([
      401,
      [{ stages: ['m.login.password'] }, { stages: [type] }],
    ])
    const { session } = asked.body
    expect((await deletion(user, { type, session, token: await tokenOf('confirmer') })).status).toBe(200)
    expect((await user.get('/account/whoami')).status).toBe(401)
  })

  it('is not confirmed by a token of somebody else, of nobody, or by a wrong one', async () => {
    const user = clientOf(must(await enter('owner')))
    must(await enter('other'))
    for (const token of [
      await tokenOf('other'),
      await tokenOf('unknown'),
      await tokenOf('owner', { exp: 1 }),
    ]) {
      const answer = await deletion(user, { type, token })
      expect([answer.status, answer.body.errcode]).toEqual([401, 'M_FORBIDDEN'])
    }
    expect(await server.pg("select 1 from accounts where localpart = 'unknown'")).toEqual([])
    expect((await deletion(user, { type })).body.errcode).toBe('M_MISSING_PARAM')
    expect((await user.get('/account/whoami')).status).toBe(200)
  })
})

describe('wrong tokens', () => {
  it('are counted for their address, and keep no other address out', async () => {
    const limited = await startServer({
      'rate-limits': 'on',
      'client-address-header': 'x-real-ip',
      bindings: issuers(issuer()),
      staysAwake: 'it is asked by fetch',
    })
    try {
      const ask = (token: string, address: string) =>
        fetch(`${limited.url}/_matrix/client/v3/login`, {
          method: 'POST',
          headers: { 'x-real-ip': address },
          body: JSON.stringify({ type: 'org.matrix.login.jwt', token }),
        })
      const statuses: number[] = []
      while (statuses.length < 70 && !statuses.includes(429)) {
        statuses.push((await ask('wrong', '192.0.2.1')).status)
      }
      expect(statuses.at(-1)).toBe(429)
      expect(statuses.filter((status) => status === 403).length).toBeGreaterThanOrEqual(30)
      const good = await signed(sharedKey, claims('nina'))
      expect((await ask(good, '192.0.2.1')).status).toBe(429)
      expect((await ask('wrong', '192.0.2.2')).status).toBe(403)
      expect((await ask(good, '192.0.2.2')).status).toBe(200)
    } finally {
      await limited.stop()
    }
  })
})

/** Administrators: locked and suspended accounts, who is who, and registration tokens. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Body, type Client, must, testPassword } from '../../../support/client.ts'
import { waitingPoll } from '../../../support/faults.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, admin, alice } = serving(['admin', 'alice'], { 'client-address-header': 'x-real-ip' })

const V1 = '/_matrix/client/v1'

beforeAll(async () => {
  await server.pg("update accounts set admin = true where localpart in ('admin', 'admin2')")
})

const failure = ({ status, body }: Answer) => [status, body.errcode]
const put = (kind: 'lock' | 'suspend', userId: string, value: unknown, by: Client = admin) =>
  by.put(`${V1}/admin/${kind}/${userId}`, { [kind === 'lock' ? 'locked' : 'suspended']: value })
const whoami = ({ token }: Client) => http.request('GET', '/account/whoami', undefined, { token })

describe.each(['lock', 'suspend'] as const)('/admin/%s', (kind) => {
  const flag = kind === 'lock' ? 'locked' : 'suspended'

  it('tells and sets, only for administrators', async () => {
    const path = `${V1}/admin/${kind}/${alice.userId}`
    expect((await admin.get(path)).body).toEqual({ [flag]: false })
    expect((await put(kind, alice.userId, true)).body).toEqual({ [flag]: true })
    expect((await admin.get(path)).body).toEqual({ [flag]: true })
    expect((await put(kind, alice.userId, false)).body).toEqual({ [flag]: false })
    for (const userId of [admin.userId, '@nobody:test.example', '@x:other.example']) {
      expect(failure(await alice.get(`${V1}/admin/${kind}/${userId}`))).toEqual([403, 'M_FORBIDDEN'])
      expect(failure(await put(kind, userId, true, alice))).toEqual([403, 'M_FORBIDDEN'])
    }
  })

  it.each([
    ['@nobody:test.example', true, 404, 'M_NOT_FOUND'],
    ['@alice:other.example', true, 400, 'M_INVALID_PARAM'],
    ['@admin:test.example', true, 403, 'M_FORBIDDEN'],
    ['@alice:test.example', 'yes', 400, 'M_BAD_JSON'],
    ['@alice:test.example', undefined, 400, 'M_MISSING_PARAM'],
  ])('refuses for %s %j', async (userId, value, status, errcode) => {
    expect(failure(await put(kind, userId, value))).toEqual([status, errcode])
  })

  it('survives the crash of everything', async () => {
    const user = await http.register(`kept${kind}`)
    must(await put(kind, user.userId, true))
    await server.redis.flush()
    await server.restart()
    expect((await admin.get(`${V1}/admin/${kind}/${user.userId}`)).body).toEqual({ [flag]: true })
  })
})

describe('a locked account', () => {
  it('can do nothing but log out, and is as it was when unlocked', async () => {
    const user = await http.register('locked')
    const leaving = await http.login('locked')
    const room = await user.createRoom()
    must(await whoami(user))
    must(await put('lock', user.userId, true))
    const path = `/rooms/${encodeURIComponent(room)}`
    for (const answer of [
      await whoami(user),
      await user.sync(),
      await user.get('/devices'),
      await user.get(`${path}/state`),
      await user.put(`${path}/send/m.room.message/1`, { msgtype: 'm.text', body: 'x' }),
      await http.request('POST', '/login', {
        type: 'm.login.password',
        user: 'locked',
        password: testPassword,
      }),
    ]) {
      expect([...failure(answer), answer.body.soft_logout]).toEqual([401, 'M_USER_LOCKED', true])
    }
    expect((await leaving.post('/logout')).status).toBe(200)
    must(await put('lock', user.userId, false))
    expect((await whoami(user)).status).toBe(200)
    expect(failure(await whoami(leaving))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    await user.say(room, 'back again')
  })

  it('has its waiting sync answered', async () => {
    const user = await http.register('waiting')
    const { next_batch: since } = (await user.sync()).body
    const { answer: waiting } = await waitingPoll(http, user, { since })
    must(await put('lock', user.userId, true))
    expect(failure(await waiting)).toEqual([401, 'M_USER_LOCKED'])
  })
})

describe('a suspended account', () => {
  let user: Client
  let room: string
  let path: string
  let own: string
  let others: string
  let invitation: string

  beforeAll(async () => {
    user = await http.register('suspended')
    room = await alice.createRoom({ preset: 'public_chat' })
    path = `/rooms/${encodeURIComponent(room)}`
    must(await user.join(room))
    own = await user.say(room, 'mine')
    const other = await user.createRoom()
    must(await user.invite(other, alice.userId))
    must(await alice.join(other))
    others = await alice.say(room, 'not mine')
    invitation = await alice.createRoom({ invite: [user.userId] })
    must(await put('suspend', user.userId, true))
  })

  it('may not write', async () => {
    const message = { msgtype: 'm.text', body: 'x' }
    for (const answer of [
      await user.put(`${path}/send/m.room.message/1`, message),
      await user.put(`${path}/send/m.room.message/2`, { ...message, redacts: own }),
      await user.put(`${path}/state/org.example/`, {}),
      await user.put(`${path}/redact/${others}/1`, {}),
      await user.put(`${path}/send/m.room.redaction/1`, { redacts: others }),
      await user.post(`${path}/send/m.room.redaction`, { redacts: others }),
      await user.put(`${path}/send/m.room.redaction/2`, {}),
      await user.put(`${path}/send/m.room.member/1`, { membership: 'leave' }),
      await user.put(`${path}/state/m.room.member/${user.userId}`, { membership: 'join' }),
      await user.put(`${path}/state/m.room.member/${alice.userId}`, { membership: 'leave' }),
      await user.join(invitation),
      await user.post(`/rooms/${encodeURIComponent(invitation)}/join`),
      await user.post(`/knock/${encodeURIComponent(invitation)}`),
      await user.invite(room, alice.userId),
      await user.post('/createRoom', {}),
      await user.put(`/profile/${user.userId}/displayname`, { displayname: 'x' }),
      await user.delete(`/profile/${user.userId}/displayname`),
    ]) {
      expect(failure(answer)).toEqual([403, 'M_USER_SUSPENDED'])
    }
  })

  it('may read, log in, redact their own events, decline and leave', async () => {
    expect((await whoami(user)).status).toBe(200)
    expect((await user.sync()).body.rooms.join[room].timeline.events).not.toEqual([])
    expect((await user.get(`${path}/messages`, { dir: 'b' })).status).toBe(200)
    expect((await whoami(await http.login('suspended'))).status).toBe(200)
    expect((await user.put(`${path}/redact/${own}/2`, {})).status).toBe(200)
    for (const left of [invitation, room]) {
      expect((await user.post(`/rooms/${encodeURIComponent(left)}/leave`)).status).toBe(200)
    }
  })

  it('may redact their own events by sending a redaction, and leave by setting the state', async () => {
    must(await put('suspend', user.userId, false))
    must(await user.join(room))
    const [first, second] = [await user.say(room, 'one'), await user.say(room, 'two')]
    must(await put('suspend', user.userId, true))
    must(await user.put(`${path}/send/m.room.redaction/sent`, { redacts: first }))
    must(await user.post(`${path}/send/m.room.redaction`, { redacts: second }))
    for (const eventId of [first, second]) {
      const { body } = await alice.get(`${path}/event/${encodeURIComponent(eventId)}`)
      expect(body.content).toEqual({})
    }
    must(await user.put(`${path}/state/m.room.member/${user.userId}`, { membership: 'leave', reason: 'bye' }))
    const { body } = await alice.get(`${path}/state/m.room.member/${user.userId}`)
    expect(body).toMatchObject({ membership: 'leave', reason: 'bye' })
  })

  it('may write again once it is over', async () => {
    must(await put('suspend', user.userId, false))
    must(await user.join(room))
    await user.say(room, 'back again')
  })
})

describe('capabilities', () => {
  it('tell only administrators that they may moderate', async () => {
    const of = async (client: Client) => (await client.get('/capabilities')).body.capabilities
    expect((await of(admin))['m.account_moderation']).toEqual({ suspend: true, lock: true })
    expect(await of(alice)).not.toHaveProperty('m.account_moderation')
    expect(await of(alice)).toMatchObject({
      'm.change_password': { enabled: true },
      'm.profile_fields': { enabled: true },
      'm.set_displayname': { enabled: true },
      'm.set_avatar_url': { enabled: true },
      'm.3pid_changes': { enabled: false },
    })
  })
})

describe('whois', () => {
  it('shows users their own devices and addresses, and administrators those of all users', async () => {
    const body = {
      username: 'wanda',
      password: testPassword,
      device_id: 'W',
      auth: { type: 'm.login.dummy' },
    }
    const headers = { 'x-real-ip': '192.0.2.7' }
    const { access_token: token, user_id: userId } = must(
      await http.request('POST', '/register', body, { headers }),
    ).body
    const path = `/admin/whois/${userId}`
    const wanda = {
      user_id: userId,
      devices: {
        W: { sessions: [{ connections: [{ ip: '192.0.2.7', last_seen: expect.any(Number) }] }] },
      },
    }
    expect((await http.request('GET', path, undefined, { token })).body).toEqual(wanda)
    expect((await admin.get(path)).body).toEqual(wanda)
    expect((await admin.get(`/_synapse/admin/v1/whois/${userId}`)).body).toEqual(wanda)
    expect(failure(await alice.get(path))).toEqual([403, 'M_FORBIDDEN'])
    expect(failure(await admin.get('/admin/whois/@nobody:test.example'))).toEqual([404, 'M_NOT_FOUND'])
  })
})

describe('registration tokens', () => {
  const TOKENS = '/_synapse/admin/v1/registration_tokens'

  it('are made, listed and deleted by administrators', async () => {
    const made = (await admin.post(`${TOKENS}/new`, { token: 'welcome', uses_allowed: 2 })).body
    const welcome = { token: 'welcome', uses_allowed: 2, pending: 0, completed: 0, expiry_time: null }
    expect(made).toEqual(welcome)
    const random = (await admin.post(`${TOKENS}/new`, {})).body
    expect(random.token).toMatch(/^[A-Za-z0-9]{16}$/)
    expect((await admin.get(TOKENS)).body.registration_tokens).toEqual(
      expect.arrayContaining([welcome, random]),
    )
    expect((await admin.get(`${TOKENS}/welcome`)).body).toEqual(welcome)
    expect((await admin.get(TOKENS, { valid: false })).body.registration_tokens).toEqual([])
    const valid = (token: string) =>
      http.request('GET', `${V1}/register/m.login.registration_token/validity`, undefined, {
        query: { token },
      })
    expect((await valid('welcome')).body).toEqual({ valid: true })
    expect((await admin.delete(`${TOKENS}/welcome`)).body).toEqual({})
    expect((await valid('welcome')).body).toEqual({ valid: false })
    expect(failure(await admin.delete(`${TOKENS}/welcome`))).toEqual([404, 'M_NOT_FOUND'])
    expect(failure(await admin.get(`${TOKENS}/welcome`))).toEqual([404, 'M_NOT_FOUND'])
  })

  it.each([
    [{ token: 'not a token' }, 'M_INVALID_PARAM'],
    [{ token: 'taken' }, 'M_INVALID_PARAM'],
    [{ uses_allowed: -1 }, 'M_INVALID_PARAM'],
    [{ uses_allowed: 'two' }, 'M_BAD_JSON'],
    [{ expiry_time: 1 }, 'M_INVALID_PARAM'],
    [{ length: 65 }, 'M_INVALID_PARAM'],
  ])('refuse %j', async (body: Body, errcode) => {
    await admin.post(`${TOKENS}/new`, { token: 'taken' })
    expect(failure(await admin.post(`${TOKENS}/new`, body))).toEqual([400, errcode])
  })

  it('are for administrators alone', async () => {
    for (const answer of [
      await alice.get(TOKENS),
      await alice.get(`${TOKENS}/taken`),
      await alice.post(`${TOKENS}/new`, {}),
      await alice.delete(`${TOKENS}/taken`),
    ]) {
      expect(failure(answer)).toEqual([403, 'M_FORBIDDEN'])
    }
    expect(failure(await http.request('GET', TOKENS))).toEqual([401, 'M_MISSING_TOKEN'])
  })
})

/** Profiles: their fields, and how they reach rooms. */
import { describe, expect, it } from 'vitest'
import { type Answer, type Body, type Client, must } from '../../../support/client.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'])

const failure = ({ status, body }: Answer) => [status, body.errcode]
const shown = (userId: string, key = '') => http.request('GET', `/profile/${userId}${key && `/${key}`}`)
const set = (user: Client, key: string, value: unknown) =>
  user.put(`/profile/${user.userId}/${encodeURIComponent(key)}`, { [key]: value })
const drop = (user: Client, key: string) => user.delete(`/profile/${user.userId}/${key}`)
const memberOf = async (viewer: Client, room: string, userId: string): Promise<Body> =>
  (await viewer.get(`/rooms/${encodeURIComponent(room)}/state/m.room.member/${userId}`)).body

describe('a profile', () => {
  it('is at first only the localpart, and shown to all', async () => {
    const newcomer = await http.register('newcomer', { inhibit_login: false })
    expect((await shown(newcomer.userId)).body).toEqual({ displayname: 'newcomer' })
    expect(failure(await shown(newcomer.userId, 'avatar_url'))).toEqual([404, 'M_NOT_FOUND'])
  })

  it('begins with the first login, for accounts that were made only in the database', async () => {
    await server.pg(
      `insert into accounts (localpart, password_hash, admin, created_ts)
       select 'made', password_hash, true, 1 from accounts where localpart = 'alice'`,
    )
    const made = await http.login('made')
    expect((await shown(made.userId)).body).toEqual({ displayname: 'made' })
    must(await made.delete(`/profile/${made.userId}/displayname`))
    must(await made.post('/logout'))
    await http.login('made')
    expect((await shown(made.userId)).body).toEqual({})
  })

  it('exists for users that have never logged in, and for no unknown name', async () => {
    const body = { username: 'silent', password: 'x', inhibit_login: true, auth: { type: 'm.login.dummy' } }
    must(await http.request('POST', '/register', body))
    expect((await shown('@silent:test.example')).body).toEqual({ displayname: 'silent' })
    for (const userId of ['@nobody:test.example', '@alice:other.example']) {
      expect(failure(await shown(userId))).toEqual([404, 'M_NOT_FOUND'])
      expect(failure(await shown(userId, 'displayname'))).toEqual([404, 'M_NOT_FOUND'])
    }
    expect(failure(await shown('alice'))).toEqual([400, 'M_INVALID_PARAM'])
  })

  it('holds a name, an avatar, a time zone and custom fields', async () => {
    const fields = {
      displayname: 'Álice 🦊',
      avatar_url: 'mxc://test.example/abc',
      'm.tz': 'Europe/Berlin',
      'org.example.pronouns': [{ language: 'en', summary: 'she/her' }],
      'org.example.nothing': null,
    }
    for (const [key, value] of Object.entries(fields)) {
      expect((await set(alice, key, value)).body).toEqual({})
      expect((await shown(alice.userId, key)).body).toEqual({ [key]: value })
    }
    expect((await shown(alice.userId)).body).toEqual(fields)
    expect((await drop(alice, 'm.tz')).body).toEqual({})
    expect((await drop(alice, 'm.tz')).status).toBe(200)
    expect(failure(await shown(alice.userId, 'm.tz'))).toEqual([404, 'M_NOT_FOUND'])
  })

  it('loses a name or an avatar that is set to nothing', async () => {
    await set(bob, 'avatar_url', 'mxc://test.example/abc')
    await set(bob, 'avatar_url', '')
    expect((await shown(bob.userId)).body).not.toHaveProperty('avatar_url')
  })

  it('answers under its name from before the specification, too', async () => {
    const base = `/_matrix/client/unstable/uk.tcpip.msc4133/profile/${bob.userId}`
    must(await http.request('PUT', `${base}/org.example.old`, { 'org.example.old': 1 }, { token: bob.token }))
    expect((await http.request('GET', `${base}/org.example.old`)).body).toEqual({ 'org.example.old': 1 })
  })

  it.each([
    ['a number for a name', 'displayname', 1, 'M_BAD_JSON'],
    ['null for a name', 'displayname', null, 'M_BAD_JSON'],
    ['half a surrogate pair for a name', 'displayname', 'a\ud800', 'M_BAD_JSON'],
    ['a long name', 'displayname', 'x'.repeat(1025), 'M_INVALID_PARAM'],
    ['an object for an avatar', 'avatar_url', {}, 'M_BAD_JSON'],
    ['a field in capitals', 'Shouting', 1, 'M_INVALID_PARAM'],
    ['a field without a dot', 'nodots', 1, 'M_INVALID_PARAM'],
    ['a field with a long name', `org.${'x'.repeat(252)}`, 1, 'M_KEY_TOO_LARGE'],
    ['a field that is too large', 'org.example.large', 'x'.repeat(65_536), 'M_PROFILE_TOO_LARGE'],
  ])('refuses %s', async (_, key, value, errcode) => {
    const before = (await shown(bob.userId)).body
    expect(failure(await set(bob, key, value))).toEqual([400, errcode])
    expect((await shown(bob.userId)).body).toEqual(before)
  })

  it.each([
    ['in capitals', 'Shouting', 'M_INVALID_PARAM'],
    ['with a long name', `org.${'x'.repeat(252)}`, 'M_KEY_TOO_LARGE'],
  ])('has no field %s to be deleted', async (_, key, errcode) => {
    expect(failure(await drop(bob, key))).toEqual([400, errcode])
  })

  it('needs the field in the body, and the user themselves', async () => {
    const path = `/profile/${bob.userId}/displayname`
    expect(failure(await bob.put(path, { name: 'Bob' }))).toEqual([400, 'M_MISSING_PARAM'])
    expect(failure(await alice.put(path, { displayname: 'Bob' }))).toEqual([403, 'M_FORBIDDEN'])
    expect(failure(await alice.delete(path))).toEqual([403, 'M_FORBIDDEN'])
    expect(failure(await http.request('PUT', path, { displayname: 'B' }))).toEqual([401, 'M_MISSING_TOKEN'])
  })

  it('is archived, field by field', async () => {
    await set(bob, 'org.example.kept', { deep: [1] })
    const archived = () =>
      server.pg("select body from user_records where kind = 'profile' and key = 'org.example.kept'")
    await expect.poll(archived, { timeout: 10_000 }).toEqual([{ body: '{"deep":[1]}' }])
    await drop(bob, 'org.example.kept')
    await expect.poll(archived, { timeout: 10_000 }).toEqual([{ body: null }])
  })
})

describe('in rooms', () => {
  it('creators, joiners, invited and knocking users carry their profile', async () => {
    const [carol, dave, erin] = await Promise.all(
      ['carol', 'dave', 'erin'].map((name) => http.register(name)),
    )
    for (const user of [carol!, dave!, erin!]) {
      await set(user, 'displayname', `Name of ${user.userId}`)
      await set(user, 'avatar_url', `mxc://test.example/${user.deviceId}`)
    }
    const room = await carol!.createRoom({
      invite: [dave!.userId],
      initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }],
    })
    const profileOf = (user: Client) => ({
      displayname: `Name of ${user.userId}`,
      avatar_url: `mxc://test.example/${user.deviceId}`,
    })
    expect(await memberOf(carol!, room, carol!.userId)).toMatchObject(profileOf(carol!))
    const invited = await memberOf(carol!, room, dave!.userId)
    expect(invited).toMatchObject({ membership: 'invite', ...profileOf(dave!) })
    must(await dave!.join(room))
    const joined = await memberOf(carol!, room, dave!.userId)
    expect(joined).toMatchObject({ membership: 'join', ...profileOf(dave!) })
    must(await erin!.post(`/knock/${encodeURIComponent(room)}`))
    const knocking = await memberOf(carol!, room, erin!.userId)
    expect(knocking).toMatchObject({ membership: 'knock', ...profileOf(erin!) })
  })

  it('a change is shown in each room the user is in, and nowhere else', async () => {
    const fay = await http.register('fay')
    const rooms = await Promise.all(
      Array.from({ length: 5 }, () => fay.createRoom({ preset: 'public_chat' })),
    )
    const left = await fay.createRoom({ preset: 'public_chat' })
    for (const room of [...rooms, left]) must(await bob.join(room))
    must(await fay.post(`/rooms/${encodeURIComponent(left)}/leave`))
    const { next_batch: since } = (await bob.sync()).body

    must(await set(fay, 'displayname', 'Fay'))
    const names = () =>
      Promise.all(rooms.map(async (room) => (await memberOf(bob, room, fay.userId)).displayname))
    await expect.poll(names, { timeout: 10_000 }).toEqual(rooms.map(() => 'Fay'))
    expect(await memberOf(bob, left, fay.userId)).not.toHaveProperty('displayname')
    const { join } = (await bob.sync({ since })).body.rooms
    expect(join[rooms[0]!].timeline.events.at(-1)).toMatchObject({
      type: 'm.room.member',
      state_key: fay.userId,
      content: { membership: 'join', displayname: 'Fay' },
      unsigned: { prev_content: { membership: 'join' } },
    })

    must(await drop(fay, 'displayname'))
    await expect.poll(names, { timeout: 10_000 }).toEqual(rooms.map(() => undefined))
  })

  it('a custom field is no news, nor is the same name again', async () => {
    const gil = await http.register('gil')
    const room = await gil.createRoom()
    must(await set(gil, 'displayname', 'Gil'))
    await expect.poll(async () => (await memberOf(gil, room, gil.userId)).displayname).toBe('Gil')
    const count = async () =>
      (
        await server.sql('ROOM', objectName.room(server.serverName, room), 'SELECT count(*) AS n FROM events')
      )[0]
    const before = await count()
    must(await set(gil, 'displayname', 'Gil'))
    must(await set(gil, 'm.tz', 'Europe/Berlin'))
    const jobs = () =>
      server.sql('USER', objectName.user(server.serverName, gil.userId), 'SELECT * FROM room_jobs')
    await expect.poll(jobs).toEqual([])
    expect(await count()).toEqual(before)
  })

  it('the rest of the member event is kept, except for the voucher of the join', async () => {
    const [hal, ivy] = [await http.register('hal'), await http.register('ivy')]
    const lobby = await hal.createRoom({ preset: 'public_chat' })
    must(await ivy.join(lobby))
    const allow = [{ type: 'm.room_membership', room_id: lobby }]
    const room = await hal.createRoom({
      initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'restricted', allow } }],
    })
    must(await ivy.post(`/rooms/${encodeURIComponent(room)}/join`, { 'org.example.badge': 'gold' }))
    expect(await memberOf(hal, room, ivy.userId)).toMatchObject({
      join_authorised_via_users_server: hal.userId,
    })
    must(await set(ivy, 'displayname', 'Ivy'))
    await expect
      .poll(() => memberOf(hal, room, ivy.userId), { timeout: 10_000 })
      .toEqual({ membership: 'join', displayname: 'Ivy', 'org.example.badge': 'gold' })
  })

  it('a change that a crash interrupted goes on', async () => {
    const jan = await http.register('jan')
    const rooms = await Promise.all(Array.from({ length: 8 }, () => jan.createRoom()))
    must(await set(jan, 'displayname', 'Jan'))
    await server.restart()
    const names = () =>
      Promise.all(rooms.map(async (room) => (await memberOf(jan, room, jan.userId)).displayname))
    await expect.poll(names, { timeout: 20_000 }).toEqual(rooms.map(() => 'Jan'))
  })
})

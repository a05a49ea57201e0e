/** Guests: Client-Server API §Guest Access. */
import { describe, expect, it } from 'vitest'
import { type Answer, type Client, must, testPassword } from '../../../support/client.ts'
import { makeDevice } from '../../../support/keys.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice } = serving(['alice'], { guests: 'on' })

const failure = ({ status, body }: Answer) => [status, body.errcode]

async function newGuest(): Promise<Client> {
  const { body } = must(await http.request('POST', '/register', {}, { query: { kind: 'guest' } }))
  return http.as({ userId: body.user_id, token: body.access_token, deviceId: body.device_id })
}

const roomFor = (guestAccess: string) =>
  alice.createRoom({
    preset: 'public_chat',
    initial_state: [{ type: 'm.room.guest_access', content: { guest_access: guestAccess } }],
  })

describe('guests', () => {
  it('are told apart', async () => {
    const guest = await newGuest()
    const whoami = (client: Client) => client.get('/account/whoami')
    expect((await whoami(guest)).body).toEqual({
      user_id: guest.userId,
      device_id: guest.deviceId,
      is_guest: true,
    })
    expect((await whoami(alice)).body.is_guest).toBe(false)
  })

  it('join and talk only where guests can join', async () => {
    const guest = await newGuest()
    const [open, closed] = [await roomFor('can_join'), await roomFor('forbidden')]
    const silent = await alice.createRoom({
      initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'public' } }],
      preset: 'public_chat',
    })
    expect((await guest.join(open)).status).toBe(200)
    await guest.say(open, 'hello')
    expect((await guest.get(`/rooms/${encodeURIComponent(open)}/messages`, { dir: 'b' })).status).toBe(200)
    expect((await guest.get('/joined_rooms')).body.joined_rooms).toEqual([open])
    for (const room of [closed, silent]) {
      expect(failure(await guest.join(room))).toEqual([403, 'M_GUEST_ACCESS_FORBIDDEN'])
    }
    expect((await guest.post(`/rooms/${encodeURIComponent(open)}/leave`)).status).toBe(200)
  })

  it('come in only by /join, where they are invited', async () => {
    const guest = await newGuest()
    for (const room of [await roomFor('can_join'), await roomFor('forbidden')]) {
      const path = `/rooms/${encodeURIComponent(room)}/state/m.room.member/${guest.userId}`
      const refused = await guest.put(path, { membership: 'join' })
      expect(failure(refused)).toEqual([403, 'M_GUEST_ACCESS_FORBIDDEN'])
    }
  })

  it('alone have to leave a room that closes to guests', async () => {
    const [guest, member] = [await newGuest(), await http.register('member')]
    const room = await roomFor('can_join')
    must(await guest.join(room))
    must(await member.join(room))
    const path = `/rooms/${encodeURIComponent(room)}`
    must(await alice.put(`${path}/state/m.room.guest_access`, { guest_access: 'forbidden' }))
    const { joined } = (await alice.get(`${path}/joined_members`)).body
    expect(Object.keys(joined).sort()).toEqual([alice.userId, member.userId])
    expect((await guest.get('/joined_rooms')).body.joined_rooms).toEqual([])
  })

  it('have a name, and no other profile field', async () => {
    const guest = await newGuest()
    const set = (key: string, value: unknown) =>
      guest.put(`/profile/${guest.userId}/${key}`, { [key]: value })
    expect((await set('displayname', 'Guest')).status).toBe(200)
    expect((await http.request('GET', `/profile/${guest.userId}`)).body).toEqual({ displayname: 'Guest' })
    expect(failure(await set('avatar_url', 'mxc://x.example/y'))).toEqual([403, 'M_GUEST_ACCESS_FORBIDDEN'])
  })

  it('may not do what asks for an account', async () => {
    const guest = await newGuest()
    const room = await roomFor('can_join')
    must(await guest.join(room))
    for (const answer of [
      await guest.post('/createRoom', {}),
      await guest.invite(room, alice.userId),
      await guest.post('/account/password', { new_password: 'x' }),
      await guest.post('/account/deactivate', {}),
      await guest.get('/account/3pid'),
      await guest.put(`/user/${guest.userId}/account_data/org.example`, {}),
      await guest.post(`/user/${guest.userId}/openid/request_token`, {}),
    ]) {
      expect(failure(answer)).toEqual([403, 'M_GUEST_ACCESS_FORBIDDEN'])
    }
  })

  it('may sync, peek, encrypt and read media', async () => {
    const guest = await newGuest()
    const world = { history_visibility: 'world_readable' }
    const room = await alice.createRoom({
      preset: 'public_chat',
      initial_state: [
        { type: 'm.room.guest_access', state_key: '', content: { guest_access: 'can_join' } },
        { type: 'm.room.history_visibility', state_key: '', content: world },
      ],
    })
    const said = await alice.say(room, 'to the world')
    const path = `/rooms/${encodeURIComponent(room)}`
    const peeked = must(await guest.get(`${path}/initialSync`)).body
    expect(peeked.messages.chunk.at(-1).event_id).toBe(said)
    must(await guest.get('/events', { room_id: room, timeout: 0 }))
    must(await guest.join(room))
    expect(must(await guest.sync()).body.rooms.join[room].timeline.events.length).toBeGreaterThan(0)
    must(await guest.post('/keys/upload', { device_keys: makeDevice(guest).keys }))
    must(await guest.post('/keys/query', { device_keys: { [alice.userId]: [] } }))
    must(await guest.post('/keys/claim', { one_time_keys: {} }))
    const since = must(await guest.sync()).body.next_batch
    must(await guest.get('/keys/changes', { from: since, to: since }))
    must(await guest.post('/publicRooms', {}))
    const named = encodeURIComponent(room)
    must(await guest.get(`/_matrix/client/v1/rooms/${named}/relations/${encodeURIComponent(said)}`))
    must(await guest.get(`/_matrix/client/v1/rooms/${named}/hierarchy`))
    must(await guest.get(`/_matrix/client/v1/room_summary/${named}`))
    const messages = { [alice.userId]: { '*': { n: 1 } } }
    must(await guest.put('/sendToDevice/org.example/1', { messages }))
    const sent = await fetch(new URL('/_matrix/media/v3/upload', server.url), {
      method: 'POST',
      body: 'seen',
      headers: { authorization: `Bearer ${alice.token}` },
    })
    const { content_uri: uri } = (await sent.json()) as { content_uri: string }
    const media = `/_matrix/client/v1/media/download/${uri.slice('mxc://'.length)}`
    expect((await guest.get(media)).body).toBe('seen')
  })

  it('become an account by their token, keep their name and their rooms, and are guests no more', async () => {
    const guest = await newGuest()
    const room = await roomFor('can_join')
    must(await guest.join(room))
    const register = (body: object) =>
      http.request('POST', '/register', { guest_access_token: guest.token, password: testPassword, ...body })
    const auth = { type: 'm.login.dummy' }
    expect(failure(await register({ username: 'somebody', auth }))).toEqual([403, 'M_FORBIDDEN'])
    const asked = await register({})
    expect(asked.status).toBe(401)
    const { body } = must(await register({ auth: { ...auth, session: asked.body.session } }))
    expect(body.user_id).toBe(guest.userId)
    const user = http.as({ userId: body.user_id, token: body.access_token, deviceId: body.device_id })
    expect((await user.get('/account/whoami')).body.is_guest).toBe(false)
    expect((await user.get('/joined_rooms')).body.joined_rooms).toEqual([room])
    must(await user.post('/createRoom', {}))
    await http.login(guest.userId)
    expect(failure(await guest.get('/account/whoami'))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect(failure(await register({ auth }))).toEqual([403, 'M_FORBIDDEN'])
  })

  it('are all that a token upgrades: an account’s token and rubbish are refused', async () => {
    for (const token of [alice.token, 'rubbish']) {
      const body = { guest_access_token: token, password: testPassword, auth: { type: 'm.login.dummy' } }
      expect(failure(await http.request('POST', '/register', body))).toEqual([403, 'M_FORBIDDEN'])
    }
    const { body } = await alice.get('/account/whoami')
    expect(body.is_guest).toBe(false)
  })

  it('log out, and are gone', async () => {
    const guest = await newGuest()
    expect((await guest.post('/logout')).status).toBe(200)
    expect(failure(await guest.get('/account/whoami'))).toEqual([401, 'M_UNKNOWN_TOKEN'])
  })
})

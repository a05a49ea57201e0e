/** The end of an account: what is left of it, and what is shown of those that were erased. */
import { describe, expect, it } from 'vitest'
import { type Answer, type Body, type Client, must, proof, testPassword } from '../../../support/client.ts'
import { makeCrossSigning, makeDevice } from '../../../support/keys.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http } = serving()
const failure = ({ status, body }: Answer) => [status, body.errcode]
const whoami = ({ token }: Client) => http.request('GET', '/account/whoami', undefined, { token })

const loginWith = (user: string, password: string) =>
  http.request('POST', '/login', { type: 'm.login.password', user, password })

describe('a deactivated account', () => {
  it('has no sessions and no rooms, declines invitations, and keeps its name', async () => {
    const [gone, other] = [await http.register('gone'), await http.register('other')]
    const second = await http.login('gone')
    const rooms = await Promise.all([1, 2].map(() => gone.createRoom({ preset: 'public_chat' })))
    for (const room of rooms) must(await other.join(room))
    const invited = await other.createRoom({ invite: [gone.userId] })
    const answer = await gone.post('/account/deactivate', { auth: proof('gone') })
    expect([answer.status, answer.body]).toEqual([200, { id_server_unbind_result: 'success' }])

    for (const client of [gone, second])
      expect(failure(await whoami(client))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect(failure(await loginWith('gone', testPassword))).toEqual([403, 'M_FORBIDDEN'])
    const again = { username: 'gone', password: testPassword, auth: { type: 'm.login.dummy' } }
    expect(failure(await http.request('POST', '/register', again))).toEqual([400, 'M_USER_IN_USE'])
    const membership = async (room: string) =>
      (await other.get(`/rooms/${encodeURIComponent(room)}/state/m.room.member/${gone.userId}`)).body
        .membership
    for (const room of [...rooms, invited]) {
      await expect.poll(() => membership(room), { timeout: 10_000 }).toBe('leave')
    }
  })

  it('takes no invitations, by each way', async () => {
    const [closed, other] = [await http.register('closed'), await http.register('inviter')]
    must(await closed.post('/account/deactivate', { auth: proof('closed') }))
    const room = await other.createRoom()
    const path = `/rooms/${encodeURIComponent(room)}/state/m.room.member/${closed.userId}`
    for (const answer of [
      await other.invite(room, closed.userId),
      await other.put(path, { membership: 'invite' }),
    ]) {
      expect(failure(answer)).toEqual([403, 'M_INVITE_BLOCKED'])
    }
    const made = await other.createRoom({ invite: [closed.userId] })
    for (const one of [room, made]) {
      const { body } = await other.get(`/rooms/${encodeURIComponent(one)}/members`)
      expect(body.chunk.map((member: Body) => member.state_key)).toEqual([other.userId])
    }
  })

  it('leaves no keys, backups, filters or account data behind', async () => {
    const [gone, other] = [await http.register('keyless'), await http.register('keeper')]
    const room = await gone.createRoom({ preset: 'public_chat' })
    must(await other.join(room))
    const device = makeDevice(gone)
    must(await gone.post('/keys/upload', { device_keys: device.keys, one_time_keys: device.oneTimeKeys(2) }))
    must(await gone.post('/keys/device_signing/upload', makeCrossSigning(gone.userId).body))
    const backup = { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: {} }
    must(await gone.post('/room_keys/version', backup))
    must(await gone.post(`/user/${gone.userId}/filter`, { room: { timeline: { limit: 3 } } }))
    must(await gone.put(`/user/${gone.userId}/account_data/org.example`, { a: 1 }))
    const { next_batch: since } = must(await other.sync()).body
    must(await gone.post('/account/deactivate', { auth: proof('keyless') }))
    const query = { device_keys: { [gone.userId]: [] } }
    const { device_keys, master_keys } = must(await other.post('/keys/query', query)).body
    expect([device_keys[gone.userId] ?? {}, master_keys[gone.userId]]).toEqual([{}, undefined])
    const told = async () => {
      const { device_lists: lists } = must(await other.sync({ since })).body
      return [...(lists?.changed ?? []), ...(lists?.left ?? [])]
    }
    await expect.poll(told, { timeout: 10_000 }).toContain(gone.userId)
    const kept = () =>
      server.pg('select kind from user_records where user_id = $1 and body is not null order by kind', [
        gone.userId,
      ])
    await expect.poll(kept, { timeout: 10_000 }).toEqual([{ kind: 'profile' }, { kind: 'standing' }])
  })

  it('cannot be entered, although Postgres has not heard of it yet', async () => {
    const gone = await http.register('gone2')
    const [account] = await server.pg("select password_hash from accounts where localpart = 'gone2'")
    must(await gone.post('/account/deactivate', { auth: proof('gone2') }))
    const row = () => server.pg("select deactivated, password_hash from accounts where localpart = 'gone2'")
    expect(await row()).toEqual([{ deactivated: true, password_hash: null }])
    const before = "update accounts set deactivated = false, password_hash = $1 where localpart = 'gone2'"
    await server.pg(before, [account!.password_hash])
    expect(failure(await loginWith('gone2', testPassword))).toEqual([403, 'M_USER_DEACTIVATED'])
  })
})

describe('an erased account', () => {
  it('is shown redacted to users that come later, and unredacted to members of that time', async () => {
    const [gone, there] = [await http.register('forgetme'), await http.register('there')]
    const [later, world] = [await http.register('later'), await http.register('world')]
    must(await gone.put(`/profile/${gone.userId}/displayname`, { displayname: 'Known Name' }))
    const room = await gone.createRoom({
      preset: 'public_chat',
      initial_state: [
        { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } },
      ],
    })
    must(await there.join(room))
    const event = await gone.say(room, 'forget these words')
    const kept = await there.say(room, 'keep these words')
    must(await gone.post('/account/deactivate', { erase: true, auth: proof('forgetme') }))
    const erased = () =>
      server.sql('ROOM', objectName.room(server.serverName, room), 'SELECT user_id FROM erased')
    await expect.poll(erased, { timeout: 10_000 }).toEqual([{ user_id: gone.userId }])
    must(await later.join(room))

    const path = `/rooms/${encodeURIComponent(room)}`
    const contentFor = async (client: Client) => (await client.get(`${path}/event/${event}`)).body.content
    expect(await contentFor(there)).toMatchObject({ body: 'forget these words' })
    const seen = must(await there.get(`${path}/messages`, { dir: 'b', limit: 100 })).body.chunk
    expect(JSON.stringify(seen)).toContain('forget these words')
    expect(JSON.stringify(seen)).toContain('Known Name')
    for (const client of [later, world]) {
      expect(await contentFor(client)).toEqual({})
      const { chunk } = (await client.get(`${path}/messages`, { dir: 'b', limit: 100 })).body
      expect(chunk.find((e: Body) => e.event_id === event).content).toEqual({})
      expect(chunk.find((e: Body) => e.event_id === kept).content.body).toBe('keep these words')
      expect(JSON.stringify(chunk.filter((e: Body) => e.sender === gone.userId))).not.toContain('Known Name')
    }
    const { timeline } = (await later.sync()).body.rooms.join[room]
    expect(JSON.stringify(timeline)).not.toContain('forget these words')
    expect(JSON.stringify(timeline)).toContain('keep these words')
    const profile = await http.request('GET', `/profile/${gone.userId}`)
    expect([profile.status, profile.body]).toEqual([200, {}])
  })

  it('is shown redacted to members that were away when it spoke, and have come back', async () => {
    const [gone, back] = [await http.register('forgetme2'), await http.register('back')]
    const room = await gone.createRoom({ preset: 'public_chat' })
    const path = `/rooms/${encodeURIComponent(room)}`
    must(await back.join(room))
    const seen = await gone.say(room, 'seen')
    must(await back.post(`${path}/leave`))
    const missed = await gone.say(room, 'missed')
    const redacted = await gone.say(room, 'redacted')
    must(await gone.put(`${path}/redact/${redacted}/r`, { reason: 'a reason of the erased' }))
    must(await gone.post('/account/deactivate', { erase: true, auth: proof('forgetme2') }))
    const erased = () =>
      server.sql('ROOM', objectName.room(server.serverName, room), 'SELECT user_id FROM erased')
    await expect.poll(erased, { timeout: 10_000 }).toEqual([{ user_id: gone.userId }])
    must(await back.join(room))
    const { chunk } = must(await back.get(`${path}/messages`, { dir: 'b', limit: 100 })).body
    const contentOf = (id: string) => chunk.find((event: Body) => event.event_id === id).content
    expect([contentOf(seen).body, contentOf(missed).body]).toEqual(['seen', undefined])
    expect(JSON.stringify(chunk)).not.toContain('a reason of the erased')
    const search = { search_categories: { room_events: { search_term: 'missed' } } }
    expect(must(await back.post('/search', search)).body.search_categories.room_events.results).toEqual([])
  })
})

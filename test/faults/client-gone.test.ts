/** The client goes away, and its Worker is cut off after an RPC: what was committed spreads, and a repetition is clean. */
import { describe, expect, it } from 'vitest'
import { type Answer, type Body, type Client, must, testPassword } from '../support/client.ts'
import { eventually } from '../support/eventually.ts'
import { serving } from '../support/serving.ts'
import { history, inRoom } from './helpers.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'])
let names = 0

interface Request {
  method: string
  path: string
  body?: Body
  token?: string
}

const repeat = ({ method, path, body, token }: Request) => http.request(method, path, body, { token })

/** Makes a request whose client goes away once `rpc` (unless given, the first one) has been answered. */
async function cutOff({ method, path, body, token }: Request, rpc?: string): Promise<void> {
  const drop = rpc === undefined ? 'drop-after-first-rpc' : `drop-after-rpc ${rpc}`
  const headers = { 'x-selvedge-test': drop }
  expect((await http.request(method, path, body, { token, headers })).status).toBe(499)
}

function fresh(): string {
  names += 1
  return `name${names}`
}

/** A room of Alice's that Bob is in, or invited to. */
async function room(membership: 'invite' | 'join' = 'join'): Promise<string> {
  const roomId = await alice.createRoom({ invite: [bob.userId] })
  if (membership === 'join') must(await bob.join(roomId))
  return roomId
}

const membershipOf = (client: Client, roomId: string, userId: string) =>
  client.get(inRoom(roomId, 'state', 'm.room.member', userId)).then(({ body }) => body.membership)

async function joinedRooms(client: Client): Promise<string[]> {
  return must(await client.get('/joined_rooms')).body.joined_rooms
}

/** What stands under `rooms.<membership>` of an initial sync. */
async function syncedRoom(client: Client, membership: string, roomId: string): Promise<Body> {
  const filter = JSON.stringify({ room: { include_leave: true } })
  return must(await client.sync({ filter })).body.rooms?.[membership]?.[roomId]
}

const isThere = (value: unknown) => value !== undefined
const ok = (answer: Answer) => expect([answer.status, answer.body.errcode]).toEqual([200, undefined])
const whoami = (token: string) => repeat({ method: 'GET', path: '/account/whoami', token })

describe('registration', () => {
  const registration = (username: string, auth: Body): Request => {
    return { method: 'POST', path: '/register', body: { username, password: testPassword, auth } }
  }

  it('has made an account that can log in', async () => {
    const name = fresh()
    await cutOff(registration(name, { type: 'm.login.dummy' }), 'user.openSession')
    const again = await repeat(registration(name, { type: 'm.login.dummy' }))
    expect([again.status, again.body.errcode]).toEqual([400, 'M_USER_IN_USE'])
    expect((await http.login(name)).userId).toBe(`@${name}:test.example`)
  })

  it('repeated in its session gives the same account', async () => {
    const name = fresh()
    const { body } = await http.request('POST', '/register', { username: name, password: testPassword })
    const request = registration(name, { type: 'm.login.dummy', session: body.session })
    await cutOff(request, 'user.openSession')
    const again = await repeat(request)
    ok(again)
    expect((await whoami(again.body.access_token)).body.user_id).toBe(`@${name}:test.example`)
  })
})

describe('login', () => {
  it('repeated for the same device leaves one device, with a token that works', async () => {
    const name = fresh()
    const { userId } = await http.register(name, { inhibit_login: true })
    const request: Request = {
      method: 'POST',
      path: '/login',
      body: { type: 'm.login.password', user: name, password: testPassword, device_id: 'PHONE' },
    }
    await cutOff(request)
    const { body } = must(await repeat(request))
    const phone = http.as({ userId, token: body.access_token, deviceId: body.device_id })
    const { devices } = must(await phone.get('/devices')).body
    expect(devices.map((device: Body) => device.device_id)).toEqual(['PHONE'])
  })
})

describe('createRoom', () => {
  const creation = (alias: string): Request => {
    const body = { room_alias_name: alias, invite: [bob.userId], name: 'A room' }
    return { method: 'POST', path: '/createRoom', body, token: alice.token }
  }
  const lookUp = (alias: string) =>
    http.request('GET', `/directory/room/${encodeURIComponent(`#${alias}:test.example`)}`)

  it('cut off before the room is made frees the alias again', async () => {
    const alias = fresh()
    const before = await joinedRooms(alice)
    await cutOff(creation(alias))
    expect(await joinedRooms(alice)).toEqual(before)
    const aMinuteEarlier = 'update aliases set pending_until = pending_until - 61000 where alias = $1'
    await server.pg(aMinuteEarlier, [`#${alias}:test.example`])
    const { body } = must(await repeat(creation(alias)))
    expect((await lookUp(alias)).body.room_id).toBe(body.room_id)
  })

  it('cut off after the room was made leaves a whole room: members, alias, archive', async () => {
    const alias = fresh()
    const before = new Set(await joinedRooms(alice))
    await cutOff(creation(alias), 'room.create')
    const rooms = await eventually(
      () => joinedRooms(alice),
      (found) => found.some((id) => !before.has(id)),
    )
    const roomId = rooms.find((id) => !before.has(id))!
    await eventually(() => syncedRoom(bob, 'invite', roomId), isThere)
    expect((await lookUp(alias)).body.room_id).toBe(roomId)
    await eventually(
      () =>
        server.pg('select pending_until from aliases where alias = $1 and room_id = $2', [
          `#${alias}:test.example`,
          roomId,
        ]),
      ([row]) => row?.pending_until === null,
    )
    await eventually(
      () => server.pg("select 1 from events where room_id = $1 and type = 'm.room.name'", [roomId]),
      (rows) => rows.length === 1,
    )
    const again = await repeat(creation(alias))
    expect([again.status, again.body.errcode]).toEqual([400, 'M_ROOM_IN_USE'])
  })

  it('refused by the room frees the alias at once', async () => {
    const alias = fresh()
    const request = creation(alias)
    const refused = await repeat({
      ...request,
      body: { ...request.body, initial_state: [{ type: 'org.example', content: { x: 'x'.repeat(70_000) } }] },
    })
    expect(refused.status).toBe(413)
    ok(await repeat(request))
  })
})

describe('membership', () => {
  it.each([
    ['the first RPC', undefined],
    ['the room has joined one', 'room.changeMembership'],
  ])('a join cut off after %s is made by its repetition', async (_, rpc) => {
    const roomId = await room('invite')
    const request = { method: 'POST', path: inRoom(roomId, 'join'), body: {}, token: bob.token }
    await cutOff(request, rpc)
    if (rpc !== undefined) await eventually(() => syncedRoom(bob, 'join', roomId), isThere)
    ok(await repeat(request))
    expect(await membershipOf(alice, roomId, bob.userId)).toBe('join')
    expect(await joinedRooms(bob)).toContain(roomId)
  })

  it.each([
    ['the first RPC', undefined],
    ['the room has invited', 'room.changeMembership'],
  ])('an invite cut off after %s is made by its repetition', async (_, rpc) => {
    const roomId = await alice.createRoom()
    const body = { user_id: bob.userId }
    const request = { method: 'POST', path: inRoom(roomId, 'invite'), body, token: alice.token }
    await cutOff(request, rpc)
    if (rpc !== undefined) await eventually(() => syncedRoom(bob, 'invite', roomId), isThere)
    ok(await repeat(request))
    expect((await syncedRoom(bob, 'invite', roomId)).invite_state.events).not.toEqual([])
  })

  it('a kick reaches the kicked user', async () => {
    const roomId = await room()
    const body = { user_id: bob.userId }
    await cutOff(
      { method: 'POST', path: inRoom(roomId, 'kick'), body, token: alice.token },
      'room.changeMembership',
    )
    await eventually(() => syncedRoom(bob, 'leave', roomId), isThere)
    expect(await joinedRooms(bob)).not.toContain(roomId)
    expect(await membershipOf(alice, roomId, bob.userId)).toBe('leave')
  })
})

describe('what is sent', () => {
  it('is in the room once, even after a repetition, and reaches others', async () => {
    const roomId = await room()
    const { next_batch: since } = must(await bob.sync()).body
    const path = inRoom(roomId, 'send', 'm.room.message', 'gone')
    const request = { method: 'PUT', path, body: { msgtype: 'm.text', body: 'hello' }, token: alice.token }
    const waiting = bob.sync({ since, timeout: 20_000 })
    await cutOff(request, 'room.send')
    const received = (await waiting).body.rooms.join[roomId].timeline.events
    const again = must(await repeat(request))
    expect(received.map((event: Body) => event.event_id)).toEqual([again.body.event_id])
    expect((await history(bob, roomId)).map((event) => event.event_id)).toEqual([again.body.event_id])
  })

  it('as state is there once', async () => {
    const roomId = await room()
    const { next_batch: since } = must(await bob.sync()).body
    const path = inRoom(roomId, 'state', 'm.room.topic')
    const request = { method: 'PUT', path, body: { topic: 'Weather' }, token: alice.token }
    const waiting = bob.sync({ since, timeout: 20_000 })
    await cutOff(request, 'room.send')
    const [event] = (await waiting).body.rooms.join[roomId].timeline.events
    expect(event.content).toEqual({ topic: 'Weather' })
    expect(must(await repeat(request)).body.event_id).toBe(event.event_id)
  })

  it('as typing is seen', async () => {
    const roomId = await room()
    const { next_batch: since } = must(await bob.sync()).body
    const path = inRoom(roomId, 'typing', alice.userId)
    const waiting = bob.sync({ since, timeout: 20_000 })
    await cutOff(
      { method: 'PUT', path, body: { typing: true, timeout: 20_000 }, token: alice.token },
      'room.setTyping',
    )
    const { ephemeral } = (await waiting).body.rooms.join[roomId]
    expect(ephemeral.events).toEqual([{ type: 'm.typing', content: { user_ids: [alice.userId] } }])
  })
})

describe('what a user object keeps', () => {
  it('as account data reaches the other devices', async () => {
    const phone = await http.login('alice')
    const { next_batch: since } = must(await phone.sync()).body
    const waiting = phone.sync({ since, timeout: 20_000 })
    const path = `/user/${encodeURIComponent(alice.userId)}/account_data/org.example.gone`
    const request = { method: 'PUT', path, body: { n: 1 }, token: alice.token }
    await cutOff(request)
    const expected = { type: 'org.example.gone', content: { n: 1 } }
    expect((await waiting).body.account_data.events).toEqual([expected])
    ok(await repeat(request))
    expect((await alice.get(path)).body).toEqual({ n: 1 })
  })

  it('as a filter has one id', async () => {
    const path = `/user/${encodeURIComponent(alice.userId)}/filter`
    const request = { method: 'POST', path, body: { event_limit: 7 }, token: alice.token }
    await cutOff(request)
    const [one, two] = [must(await repeat(request)).body, must(await repeat(request)).body]
    expect(one.filter_id).toBe(two.filter_id)
    expect((await alice.get(`${path}/${one.filter_id}`)).status).toBe(200)
  })

  it('as a session has ended after its logout', async () => {
    const phone = await http.login('alice')
    ok(await phone.get('/account/whoami'))
    const request = { method: 'POST', path: '/logout', body: {}, token: phone.token }
    await cutOff(request)
    expect((await phone.sync()).body.errcode).toBe('M_UNKNOWN_TOKEN')
    // This isolate believes for some seconds more what it knew: the part that would have told it was cut off.
    const refused = await eventually(
      () => whoami(phone.token),
      ({ status }) => status !== 200,
      8_000,
    )
    expect([refused.status, refused.body.errcode]).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect((await repeat(request)).status).toBe(401)
  })
})

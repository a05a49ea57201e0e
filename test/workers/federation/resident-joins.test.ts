/** Users of other servers who join, leave and knock through this one. */
import { describe, expect, it } from 'vitest'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { type Body, must } from '../../support/client.ts'
import {
  EVERY_VERSION,
  makeTemplate,
  sendSigned,
  signedEvent,
  take,
} from '../../support/federation/joiner.ts'
import { federating, newKey, newRemote, remote } from '../../support/federation/remote.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { http, alice, bob } = serving(['alice', 'bob'], federating)

const eve = () => `@eve:${other.name}`
const publicRoom = (more: Body = {}) => alice.createRoom({ preset: 'public_chat', ...more })
const typesOf = (pdus: Pdu[]) => pdus.map(({ type }) => type)
const idsIn = async (roomId: string) =>
  must(await alice.get(`/rooms/${roomId}/messages`, { dir: 'b', limit: 100 })).body.chunk.map(
    ({ event_id }: Body) => event_id,
  )
const memberOf = async (roomId: string, userId: string) =>
  (await alice.get(`/rooms/${roomId}/state/m.room.member/${userId}`)).body

describe('a join by another server', () => {
  it.each(EVERY_VERSION)(
    'takes part in a room of version %s, and is told the state before it',
    async (version) => {
      const roomId = await publicRoom({ room_version: version, name: 'Tea' })
      const join = await take(other, http, { membership: 'join', roomId, userId: eve() })
      const state = join.body.state as Pdu[]
      expect(typesOf(state)).toEqual(
        expect.arrayContaining([
          'm.room.create',
          'm.room.power_levels',
          'm.room.join_rules',
          'm.room.name',
          'm.room.member',
        ]),
      )
      expect(state.filter(({ sender }) => sender === eve())).toEqual([])
      expect(typesOf(join.body.auth_chain)).toContain('m.room.create')
      expect(join.body).toMatchObject({ origin: 'test.example', members_omitted: false })
      expect(join.body.event).toMatchObject({ sender: eve(), signatures: join.pdu.signatures })
      expect(await memberOf(roomId, eve())).toMatchObject({ membership: 'join' })
    },
  )

  it('reaches users who are waiting here', async () => {
    const roomId = await publicRoom()
    const { next_batch: since } = must(await alice.sync()).body
    const waiting = alice.sync({ since, timeout: 20_000 })
    const { eventId } = await take(other, http, { membership: 'join', roomId, userId: eve() })
    const { timeline } = must(await waiting).body.rooms.join[roomId]
    expect(timeline.events).toEqual([expect.objectContaining({ event_id: eventId, sender: eve() })])
  })

  it('is told to the other servers in the room, as is a leave', async () => {
    const third = newRemote()
    await third.start()
    third.on('PUT', '/_matrix/federation/v1/send/', () => ({ body: { pdus: {} } }))
    const told = () =>
      third.received
        .filter(({ method }) => method === 'PUT')
        .flatMap(({ body }) => body.pdus as Pdu[])
        .map(({ sender, content }) => [sender, content.membership])
    const roomId = await publicRoom()
    await take(third, http, { membership: 'join', roomId, userId: `@zoe:${third.name}` })
    await take(other, http, { membership: 'join', roomId, userId: eve() })
    await expect.poll(told, { timeout: 10_000 }).toContainEqual([eve(), 'join'])
    await take(other, http, { membership: 'leave', roomId, userId: eve() })
    await expect.poll(told, { timeout: 10_000 }).toContainEqual([eve(), 'leave'])
    expect(told()).not.toContainEqual([`@zoe:${third.name}`, 'join'])
    await third.stop()
  })

  it('has the same answer when it comes again', async () => {
    const roomId = await publicRoom()
    const first = await take(other, http, { membership: 'join', roomId, userId: eve() })
    const again = must(await sendSigned(other, http, { membership: 'join', roomId, ...first }))
    expect(again.body).toEqual(first.body)
  })

  it('may leave the members out of its answer, but for those that name the room', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(roomId))
    must(await bob.post(`/rooms/${roomId}/leave`))
    const { body } = await take(other, http, {
      membership: 'join',
      roomId,
      userId: eve(),
      query: '?omit_members=true',
    })
    const members = (body.state as Pdu[]).filter(({ type }) => type === 'm.room.member')
    expect(members.map(({ state_key }) => state_key)).toEqual([alice.userId])
    expect(body.members_omitted).toBe(true)
    expect(body.servers_in_room).toEqual(['test.example'])
    const told = (body.state as Pdu[]).map((pdu) => JSON.stringify(pdu))
    expect((body.auth_chain as Pdu[]).filter((pdu) => told.includes(JSON.stringify(pdu)))).toEqual([])
  })

  it('may be handed over as old servers do it, and a leave too', async () => {
    const roomId = await publicRoom()
    const join = await take(other, http, { membership: 'join', roomId, userId: eve(), path: 'v1' })
    expect(join.body).toEqual([
      200,
      expect.objectContaining({
        origin: 'test.example',
        state: expect.any(Array),
        auth_chain: expect.any(Array),
      }),
    ])
    expect(await memberOf(roomId, eve())).toMatchObject({ membership: 'join' })
    const leave = await take(other, http, { membership: 'leave', roomId, userId: eve(), path: 'v1' })
    expect(leave.body).toEqual([200, {}])
    expect(await memberOf(roomId, eve())).toMatchObject({ membership: 'leave' })
  })

  it('is refused where the room invites alone', async () => {
    const roomId = await alice.createRoom()
    const { status, body } = await makeTemplate(other, http, { membership: 'join', roomId, userId: eve() })
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })

  it('is refused to a server that does not know the version of the room, and tells which it has', async () => {
    const roomId = await publicRoom({ room_version: '11' })
    for (const versions of [['6', '10'], []]) {
      const answer = await makeTemplate(other, http, { membership: 'join', roomId, userId: eve(), versions })
      expect(answer).toMatchObject({
        status: 400,
        body: { errcode: 'M_INCOMPATIBLE_ROOM_VERSION', room_version: '11' },
      })
    }
  })

  it('is refused for a user of a third server', async () => {
    const roomId = await publicRoom()
    const { status } = await makeTemplate(other, http, {
      membership: 'join',
      roomId,
      userId: '@eve:third.example',
    })
    expect(status).toBe(403)
  })

  it('is refused in a room that nobody here is in any more', async () => {
    const roomId = await publicRoom()
    must(await alice.post(`/rooms/${roomId}/leave`))
    const { status, body } = await makeTemplate(other, http, { membership: 'join', roomId, userId: eve() })
    expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND'])
  })

  it.each(['!invented:test.example', `!${'a'.repeat(43)}`])(
    'of a room that does not exist is 404: %s',
    async (roomId) => {
      expect((await makeTemplate(other, http, { membership: 'join', roomId, userId: eve() })).status).toBe(
        404,
      )
    },
  )

  it('is refused to a server that the room shuts out, in both steps', async () => {
    const roomId = await publicRoom()
    const { body } = must(await makeTemplate(other, http, { membership: 'join', roomId, userId: eve() }))
    const acl = { allow: ['*'], deny: ['127.0.0.1*'], allow_ip_literals: false }
    must(await alice.put(`/rooms/${roomId}/state/m.room.server_acl`, acl))
    expect((await makeTemplate(other, http, { membership: 'join', roomId, userId: eve() })).status).toBe(403)
    const signed = signedEvent(other, body.event, body.room_version)
    expect((await sendSigned(other, http, { membership: 'join', roomId, ...signed })).status).toBe(403)
  })

  const forgeries: [string, (event: Body) => Body][] = [
    ['of another user of its server', (event) => ({ ...event, sender: `@mallory:${other.name}` })],
    ['of a user here', (event) => ({ ...event, sender: alice.userId, state_key: alice.userId })],
    ['of another kind', (event) => ({ ...event, type: 'm.room.message', state_key: undefined })],
    ['with another membership', (event) => ({ ...event, content: { membership: 'leave' } })],
    ['of another room', (event) => ({ ...event, room_id: '!else:test.example' })],
    ['without auth events', (event) => ({ ...event, auth_events: [] })],
    ['that follows on nothing', (event) => ({ ...event, prev_events: [] })],
    [
      'that follows on an event that is not here',
      (event) => ({ ...event, prev_events: [`$${'b'.repeat(43)}`] }),
    ],
  ]
  it.each(forgeries)('%s is refused, and changes nothing', async (_, forge) => {
    const roomId = await publicRoom({ room_version: '10' })
    const { body } = must(await makeTemplate(other, http, { membership: 'join', roomId, userId: eve() }))
    const before = await idsIn(roomId)
    const signed = signedEvent(other, JSON.parse(JSON.stringify(forge(body.event))), '10')
    const answer = await sendSigned(other, http, { membership: 'join', roomId, ...signed })
    expect([400, 403]).toContain(answer.status)
    expect(answer.body.errcode).toMatch(/^M_(INVALID_PARAM|FORBIDDEN|BAD_STATE)$/)
    expect(await idsIn(roomId)).toEqual(before)
  })

  it('that its server has not signed, or under the id of another event, is refused', async () => {
    const roomId = await publicRoom()
    const { body } = must(await makeTemplate(other, http, { membership: 'join', roomId, userId: eve() }))
    const signed = signedEvent(other, body.event, body.room_version)
    const stranger = newRemote()
    await stranger.start()
    const forged = signedEvent(
      { ...other, name: other.name, key: newKey('ed25519:r_1') },
      body.event,
      body.room_version,
    )
    await stranger.stop()
    const wrong = { membership: 'join', roomId, ...signed } as const
    expect((await sendSigned(other, http, { ...wrong, pdu: forged.pdu })).body.errcode).toBe(
      'M_INVALID_PARAM',
    )
    expect((await sendSigned(other, http, { ...wrong, eventId: `$${'c'.repeat(43)}` })).body.errcode).toBe(
      'M_INVALID_PARAM',
    )
  })
})

describe('a user of another server', () => {
  it('leaves', async () => {
    const roomId = await publicRoom()
    await take(other, http, { membership: 'join', roomId, userId: eve() })
    expect((await take(other, http, { membership: 'leave', roomId, userId: eve() })).body).toEqual({})
    expect(await memberOf(roomId, eve())).toMatchObject({ membership: 'leave' })
  })

  it('knocks, and is told what the room is by its own events', async () => {
    const roomId = await publicRoom({
      name: 'Knock here',
      initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }],
    })
    const { body } = await take(other, http, { membership: 'knock', roomId, userId: eve() })
    const create = (body.knock_room_state as Pdu[]).find(({ type }) => type === 'm.room.create')
    expect(create?.signatures['test.example']).toBeDefined()
    expect(typesOf(body.knock_room_state)).toEqual(
      expect.arrayContaining(['m.room.name', 'm.room.join_rules']),
    )
    expect(await memberOf(roomId, eve())).toMatchObject({ membership: 'knock' })
  })

  it('is thrown out, and cannot come back when banned', async () => {
    const roomId = await publicRoom()
    await take(other, http, { membership: 'join', roomId, userId: eve() })
    must(await alice.post(`/rooms/${roomId}/ban`, { user_id: eve() }))
    const { status } = await makeTemplate(other, http, { membership: 'join', roomId, userId: eve() })
    expect(status).toBe(403)
  })
})

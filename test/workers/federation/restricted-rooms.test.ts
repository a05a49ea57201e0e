/** Restricted rooms that users of one server join by the word of a user of another. */
import { describe, expect, it } from 'vitest'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { type Body, type Client, must } from '../../support/client.ts'
import { makeTemplate, sendSigned, signedEvent, take } from '../../support/federation/joiner.ts'
import { federating, remote } from '../../support/federation/remote.ts'
import { RemoteRoom } from '../../support/federation/remote-room.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { http, alice, bob } = serving(['alice', 'bob'], federating)

const joinBy = (client: Client, room: string, via: readonly string[]) =>
  client.post(`/join/${encodeURIComponent(room)}?${via.map((name) => `via=${name}`).join('&')}`)
const eve = () => `@eve:${other.name}`
const publicRoom = (more: Body = {}) => alice.createRoom({ preset: 'public_chat', ...more })
const isIn = async (client: Client, roomId: string) =>
  must(await client.get('/joined_rooms')).body.joined_rooms.includes(roomId)

describe('a restricted room', () => {
  const restricted = () => {
    const room = new RemoteRoom(other, '10')
    const allow = [{ type: 'm.room_membership', room_id: '!members:elsewhere.example' }]
    room.send({ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'restricted', allow } })
    room.serve()
    const vouched = { join_authorised_via_users_server: room.creator }
    room.onMake('join', ({ uri }) => {
      const userId = decodeURIComponent(uri.split('?')[0]!.split('/').at(-1)!)
      return { body: room.template('join', userId, vouched) }
    })
    return room
  }
  const letIn = (room: RemoteRoom) =>
    room.onSend('join', (request) => {
      const body = room.joined()
      room.take(request)
      return { body: { ...body, event: room.signed(request.body) } }
    })

  it('is joined by an event that its server has signed too', async () => {
    const room = restricted()
    letIn(room)
    must(await joinBy(alice, room.roomId, [other.name]))
    expect(await isIn(alice, room.roomId)).toBe(true)
  })

  it('is joined through its server where nobody here may vouch', async () => {
    const room = restricted()
    const levels = { users: { [room.creator]: 100 }, invite: 50 }
    room.send({ type: 'm.room.power_levels', state_key: '', content: levels })
    letIn(room)
    must(await joinBy(alice, room.roomId, [other.name]))
    must(await bob.join(room.roomId))
    expect(await isIn(bob, room.roomId)).toBe(true)
    expect(room.taken.map(({ sender }) => sender)).toEqual([alice.userId, bob.userId])
  })

  it.each([
    [403, 'M_FORBIDDEN'],
    [500, 'M_UNKNOWN'],
  ])('stays closed to whom its server does not let in either: %s', async (refusal, errcode) => {
    const room = restricted()
    const levels = { users: { [room.creator]: 100 }, invite: 50 }
    room.send({ type: 'm.room.power_levels', state_key: '', content: levels })
    letIn(room)
    must(await joinBy(alice, room.roomId, [other.name]))
    room.onMake('join', () => ({ status: refusal, body: { errcode, error: 'No' } }))
    const { status, body } = await bob.join(room.roomId)
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })

  it('is not joined by one that it has not signed, or by another event', async () => {
    for (const eventOf of [
      (pdu: Pdu) => pdu,
      () => undefined,
      (pdu: Pdu, room: RemoteRoom) => room.signed({ ...pdu, depth: 99 }),
    ]) {
      const room = restricted()
      room.onSend('join', (request) => ({ body: { ...room.joined(), event: eventOf(request.body, room) } }))
      expect((await joinBy(alice, room.roomId, [other.name])).status).toBe(502)
    }
  })
})

describe('a join of a restricted room by another server', () => {
  async function restricted(version: string) {
    const space = await publicRoom()
    const roomId = await alice.createRoom({
      preset: 'public_chat',
      room_version: version,
      initial_state: [
        {
          type: 'm.room.join_rules',
          content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: space }] },
        },
      ],
    })
    return { space, roomId }
  }

  it.each(['8', '10', '12'])(
    'is vouched for in version %s, with the signature of this server',
    async (version) => {
      const { space, roomId } = await restricted(version)
      await take(other, http, { membership: 'join', roomId: space, userId: eve() })
      const join = await take(other, http, { membership: 'join', roomId, userId: eve() })
      expect(join.pdu.content.join_authorised_via_users_server).toBe(alice.userId)
      expect(Object.keys(join.body.event.signatures).sort()).toEqual([other.name, 'test.example'].sort())
    },
  )

  it('is refused to a user who is in none of its rooms', async () => {
    const { roomId } = await restricted('10')
    const { status, body } = await makeTemplate(other, http, { membership: 'join', roomId, userId: eve() })
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })

  it('is left to another server where the room that lets users in is not here', async () => {
    const roomId = await alice.createRoom({
      preset: 'public_chat',
      initial_state: [
        {
          type: 'm.room.join_rules',
          content: {
            join_rule: 'restricted',
            allow: [{ type: 'm.room_membership', room_id: `!${'d'.repeat(43)}` }],
          },
        },
      ],
    })
    const { status, body } = await makeTemplate(other, http, { membership: 'join', roomId, userId: eve() })
    expect([status, body.errcode]).toEqual([400, 'M_UNABLE_TO_AUTHORISE_JOIN'])
  })

  it('cannot name somebody as vouching who did not', async () => {
    const { roomId } = await restricted('10')
    const open = await publicRoom({ room_version: '10' })
    const { body } = must(
      await makeTemplate(other, http, { membership: 'join', roomId: open, userId: eve() }),
    )
    const content = { membership: 'join', join_authorised_via_users_server: bob.userId }
    const signed = signedEvent(other, { ...body.event, room_id: roomId, content }, '10')
    const { status } = await sendSigned(other, http, { membership: 'join', roomId, ...signed })
    expect([400, 403]).toContain(status)
  })
})

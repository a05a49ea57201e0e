/** Restricted rooms that users of one server join by the word of a user of another. */
import { describe, expect, it } from 'vitest'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { type Client, must } from '../../support/client.ts'
import { federating, remote } from '../../support/federation/remote.ts'
import { RemoteRoom } from '../../support/federation/remote-room.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { alice, bob } = serving(['alice', 'bob'], federating)

const joinBy = (client: Client, room: string, via: readonly string[]) =>
  client.post(`/join/${encodeURIComponent(room)}?${via.map((name) => `via=${name}`).join('&')}`)
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

  it('stays closed to whom its server does not let in either', async () => {
    const room = restricted()
    const levels = { users: { [room.creator]: 100 }, invite: 50 }
    room.send({ type: 'm.room.power_levels', state_key: '', content: levels })
    letIn(room)
    must(await joinBy(alice, room.roomId, [other.name]))
    room.onMake('join', () => ({ status: 403, body: { errcode: 'M_FORBIDDEN', error: 'No' } }))
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

/** Joins of restricted rooms of other servers: a server in the room vouches for the user, or cannot. */
import { describe, expect, it } from 'vitest'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { type Client, must } from '../../support/client.ts'
import { federating, newRemote, type Remote, remote } from '../../support/federation/remote.ts'
import { RemoteRoom } from '../../support/federation/remote-room.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { alice, bob } = serving(['alice', 'bob'], federating)

const joinBy = (client: Client, room: string, via: readonly string[]) =>
  client.post(`/join/${encodeURIComponent(room)}?${via.map((name) => `via=${name}`).join('&')}`)
const isIn = async (client: Client, roomId: string) =>
  must(await client.get('/joined_rooms')).body.joined_rooms.includes(roomId)

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
const vouching = () => {
  const room = restricted()
  room.onSend('join', (request) => {
    const body = room.joined()
    room.take(request)
    return { body: { ...body, event: room.signed(request.body) } }
  })
  return room
}

/** One in which nobody but the creator may vouch. */
const closed = () => {
  const room = vouching()
  const levels = { users: { [room.creator]: 100 }, invite: 50 }
  room.send({ type: 'm.room.power_levels', state_key: '', content: levels })
  return room
}

describe('a restricted room', () => {
  it('is joined by an event that its server has signed too', async () => {
    const room = vouching()
    must(await joinBy(alice, room.roomId, [other.name]))
    expect(await isIn(alice, room.roomId)).toBe(true)
  })

  it('is joined through its server where nobody here may vouch', async () => {
    const room = closed()
    must(await joinBy(alice, room.roomId, [other.name]))
    must(await bob.join(room.roomId))
    expect(await isIn(bob, room.roomId)).toBe(true)
    expect(room.taken.map(({ sender }) => sender)).toEqual([alice.userId, bob.userId])
  })

  it.each([
    [403, 'M_FORBIDDEN'],
    [500, 'M_UNKNOWN'],
  ])('stays closed to whom its server does not let in either: %s', async (refusal, errcode) => {
    const room = closed()
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

/** One that answers every template so. */
async function unable(errcode: string, status = 400): Promise<Remote> {
  const server = newRemote()
  await server.start()
  server.on('GET', '/_matrix/federation/v1/make_join/', () => ({ status, body: { errcode, error: 'No' } }))
  return server
}

describe('of several servers in a restricted room', () => {
  it.each(['M_UNABLE_TO_AUTHORISE_JOIN', 'M_UNABLE_TO_GRANT_JOIN'])(
    'the next one is asked after one that answers %s',
    async (errcode) => {
      const server = await unable(errcode)
      const room = vouching()
      must(await joinBy(alice, room.roomId, [server.name, other.name]))
      expect(server.received.filter(({ uri }) => uri.includes('make_join'))).toHaveLength(1)
      await server.stop()
      expect(await isIn(alice, room.roomId)).toBe(true)
    },
  )

  it('the next one is asked after one that vouches and then does not sign', async () => {
    const server = newRemote()
    await server.start()
    const room = vouching()
    const vouched = { join_authorised_via_users_server: `@else:${server.name}` }
    server.on('GET', '/_matrix/federation/v1/make_join/', () => ({
      body: room.template('join', alice.userId, vouched),
    }))
    server.on('PUT', '/_matrix/federation/v2/send_join/', () => ({
      status: 400,
      body: { errcode: 'M_UNABLE_TO_GRANT_JOIN', error: 'Not any more' },
    }))
    must(await joinBy(alice, room.roomId, [server.name, other.name]))
    await server.stop()
    expect(await isIn(alice, room.roomId)).toBe(true)
  })

  it('all of which are unable, the user is told so', async () => {
    const [first, second] = [await unable('M_UNABLE_TO_GRANT_JOIN'), await unable('M_NOT_FOUND', 404)]
    const { status, body } = await joinBy(alice, restricted().roomId, [first.name, second.name])
    await first.stop()
    await second.stop()
    expect([status, body.errcode]).toEqual([400, 'M_UNABLE_TO_GRANT_JOIN'])
  })

  it('one of which says that the user may not come in, that is told rather than that others cannot say', async () => {
    const [first, second] = [await unable('M_UNABLE_TO_AUTHORISE_JOIN'), await unable('M_FORBIDDEN', 403)]
    const { status, body } = await joinBy(alice, restricted().roomId, [first.name, second.name])
    await first.stop()
    await second.stop()
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })
})

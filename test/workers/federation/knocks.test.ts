/** Knocks at rooms of other servers. */
import { describe, expect, it } from 'vitest'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import type { BuiltEvent } from '../../../src/protocol/events/event-builder.ts'
import { type Body, type Client, must } from '../../support/client.ts'
import { federating, remote, type SignedAs } from '../../support/federation/remote.ts'
import { RemoteRoom } from '../../support/federation/remote-room.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { alice, http } = serving(['alice'], federating)

const roomOf = (version = '11', joinRule = 'invite') => new RemoteRoom(other, version, { joinRule }).serve()
const send = (room: RemoteRoom, invite: BuiltEvent, more?: Body, as?: Partial<SignedAs>) =>
  room.sendInvite(http, invite, more, as)
const roomsOf = async (client: Client, query = {}): Promise<Body> =>
  must(await client.sync(query)).body.rooms ?? {}

describe('a knock at a room of another server', () => {
  const knock = (client: Client, roomId: string) =>
    client.post(`/knock/${encodeURIComponent(roomId)}?via=${other.name}`, { reason: 'please' })

  it('is sent there, and shown with what that tells of the room', async () => {
    const room = roomOf('11', 'knock')
    must(await knock(alice, room.roomId))
    expect(room.taken.map(({ content }) => content)).toEqual([
      { membership: 'knock', reason: 'please', displayname: 'alice' },
    ])
    const { knock_state: shown } = (await roomsOf(alice)).knock[room.roomId]
    expect(shown.events.map(({ type }: Pdu) => type)).toEqual([
      'm.room.create',
      'm.room.name',
      'm.room.member',
    ])
  })

  it('is taken back there', async () => {
    const room = roomOf('11', 'knock')
    must(await knock(alice, room.roomId))
    must(await alice.post(`/rooms/${encodeURIComponent(room.roomId)}/leave?via=${other.name}`))
    expect(room.taken.map(({ content }) => content.membership)).toEqual(['knock', 'leave'])
    expect((await roomsOf(alice)).knock?.[room.roomId]).toBeUndefined()
  })

  it('is followed by an invite', async () => {
    const room = roomOf('11', 'knock')
    must(await knock(alice, room.roomId))
    must(await send(room, room.invite(alice.userId)))
    const rooms = await roomsOf(alice)
    expect(rooms.invite[room.roomId]).toBeDefined()
    expect(rooms.knock?.[room.roomId]).toBeUndefined()
    must(await alice.join(room.roomId))
  })

  it('is refused as that server says', async () => {
    const room = roomOf('11', 'knock')
    room.onMake('knock', () => ({ status: 403, body: { errcode: 'M_FORBIDDEN', error: 'no' } }))
    const { status, body } = await knock(alice, room.roomId)
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    expect((await roomsOf(alice)).knock?.[room.roomId]).toBeUndefined()
  })
})

/** Invites of other servers that this one does not sign. */
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import type { BuiltEvent } from '../../../src/protocol/events/event-builder.ts'
import { type Body, type Client, must } from '../../support/client.ts'
import { federating, newKey, newRemote, remote, type SignedAs } from '../../support/federation/remote.ts'
import { invitePath, RemoteRoom } from '../../support/federation/remote-room.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { alice, http, someone } = serving(['alice'], federating)

const roomOf = (version = '11', joinRule = 'invite') => new RemoteRoom(other, version, { joinRule }).serve()
const send = (room: RemoteRoom, invite: BuiltEvent, more?: Body, as?: Partial<SignedAs>) =>
  room.sendInvite(http, invite, more, as)
const roomsOf = async (client: Client, query = {}): Promise<Body> =>
  must(await client.sync(query)).body.rooms ?? {}

describe('an invite is not signed', () => {
  const refused = async (
    room: RemoteRoom,
    invite: BuiltEvent,
    expected: [number, string],
    { more, as }: { more?: Body; as?: Partial<SignedAs> } = {},
  ) => {
    const { status, body } = await send(room, invite, more, as)
    expect([status, body.errcode]).toEqual(expected)
    expect((await roomsOf(alice)).invite?.[room.roomId]).toBeUndefined()
  }
  const member = (content: JsonObject, userId = alice.userId) => ({
    type: 'm.room.member',
    state_key: userId,
    content,
  })

  it('of a user of another server', async () => {
    const room = roomOf()
    await refused(room, room.invite('@eve:else.example'), [400, 'M_INVALID_PARAM'])
  })

  it('of a user that does not exist', async () => {
    const room = roomOf()
    await refused(room, room.invite('@nobody:test.example'), [404, 'M_NOT_FOUND'])
  })

  it('by a user of another server than the one that sends it', async () => {
    const forger = newRemote()
    await forger.start()
    const room = roomOf()
    const invite = room.invite(alice.userId)
    const body = { event: invite.pdu, room_version: '11', invite_room_state: room.shown }
    const answer = await forger.ask(http, 'PUT', invitePath(room.roomId, invite.eventId), body)
    expect([answer.status, answer.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    await forger.stop()
  })

  it('whose sender has not signed it', async () => {
    const room = roomOf()
    const invite = room.invite(alice.userId)
    const pdu = {
      ...invite.pdu,
      signatures: { [other.name]: { 'ed25519:r_1': newKey('ed25519:r_1').sign('x') } },
    }
    await refused(room, { ...invite, pdu }, [403, 'M_FORBIDDEN'])
  })

  it('whose content is another one than was signed', async () => {
    const room = roomOf()
    const invite = room.invite(alice.userId)
    const pdu = { ...invite.pdu, content: { membership: 'invite', reason: 'added' } }
    await refused(room, { ...invite, pdu }, [403, 'M_FORBIDDEN'])
  })

  it.each<[string, JsonObject]>([
    ['is a ban', { membership: 'ban' }],
    ['is a join', { membership: 'join' }],
    ['says nothing', {}],
  ])('that %s', async (_, content) => {
    const room = roomOf()
    await refused(room, room.forge(member(content)), [400, 'M_INVALID_PARAM'])
  })

  it('that is no member event', async () => {
    const room = roomOf()
    const forged = room.forge({
      type: 'm.room.name',
      state_key: alice.userId,
      content: { membership: 'invite' },
    })
    await refused(room, forged, [400, 'M_INVALID_PARAM'])
  })

  it('for another event id, or of another room than the path has', async () => {
    const room = roomOf()
    const invite = room.invite(alice.userId)
    await refused(room, { ...invite, eventId: '$else' }, [400, 'M_INVALID_PARAM'])
    const elsewhere = room.forge(member({ membership: 'invite' }), { roomId: '!else:test.example' })
    await refused(room, elsewhere, [400, 'M_INVALID_PARAM'])
  })

  it('that is malformed', async () => {
    const room = roomOf()
    const invite = room.invite(alice.userId)
    const pdu = { ...invite.pdu, depth: 'deep' } as unknown as Pdu
    await refused(room, { ...invite, pdu }, [400, 'M_BAD_JSON'])
  })

  it.each(['1', '99'])('in a room of version %s, which is not known here', async (version) => {
    const room = roomOf()
    const invite = room.invite(alice.userId)
    const { status, body } = await send(room, invite, { room_version: version })
    expect([status, body.errcode, body.room_version]).toEqual([400, 'M_INCOMPATIBLE_ROOM_VERSION', version])
  })

  it('by the endpoint for versions 1 and 2', async () => {
    const room = roomOf()
    const invite = room.invite(alice.userId)
    const path = invitePath(room.roomId, invite.eventId, 'v1')
    const { status, body } = await other.ask(http, 'PUT', path, invite.pdu)
    expect([status, body.errcode]).toEqual([400, 'M_INCOMPATIBLE_ROOM_VERSION'])
  })

  it('that the user does not want', async () => {
    const user = await someone()
    const type = 'm.invite_permission_config'
    const path = `/user/${encodeURIComponent(user.userId)}/account_data/${type}`
    must(await user.put(path, { default_action: 'block' }))
    const room = roomOf()
    await refused(room, room.invite(user.userId), [403, 'M_INVITE_BLOCKED'])
  })

  it('without a signature of the request', async () => {
    const room = roomOf()
    const invite = room.invite(alice.userId)
    await refused(room, invite, [401, 'M_UNAUTHORIZED'], { as: { key: newKey('ed25519:r_1') } })
  })
})

describe('to an invite of version 12 belongs the create event', () => {
  const answerTo = async (state: (room: RemoteRoom) => unknown[]) => {
    const room = roomOf('12')
    const { status, body } = await send(room, room.invite(alice.userId), { invite_room_state: state(room) })
    return [status, body.errcode]
  }

  it('and without it none is signed', async () => {
    expect(await answerTo((room) => [room.pdu('m.room.name')])).toEqual([400, 'M_MISSING_PARAM'])
    expect(await answerTo(() => [])).toEqual([400, 'M_MISSING_PARAM'])
  })

  it('whole, and of this room', async () => {
    const stripped = (room: RemoteRoom) => {
      const { type, state_key, sender, content } = room.pdu('m.room.create')
      return [{ type, state_key, sender, content }]
    }
    expect(await answerTo(stripped)).toEqual([400, 'M_INVALID_PARAM'])
    expect(await answerTo(() => [roomOf('12').pdu('m.room.create')])).toEqual([400, 'M_INVALID_PARAM'])
    const changed = (room: RemoteRoom) => [{ ...room.pdu('m.room.create'), sender: `@eve:${other.name}` }]
    expect(await answerTo(changed)).toEqual([400, 'M_INVALID_PARAM'])
  })

  it('and no whole event of another room', async () => {
    const state = (room: RemoteRoom) => [room.pdu('m.room.create'), roomOf('12').pdu('m.room.name')]
    expect(await answerTo(state)).toEqual([400, 'M_INVALID_PARAM'])
  })
})

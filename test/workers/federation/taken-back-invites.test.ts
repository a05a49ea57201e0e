/** Invites of other servers that their sender takes back before the user has answered. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { BuiltEvent } from '../../../src/protocol/events/event-builder.ts'
import { type Body, type Client, must } from '../../support/client.ts'
import { federating, newKey, newRemote, remote } from '../../support/federation/remote.ts'
import { RemoteRoom } from '../../support/federation/remote-room.ts'
import { serving } from '../../support/serving.ts'
import { objectName } from '../../support/test-server.ts'

const other = remote()
const { http, server, someone } = serving([], federating)

const roomOf = (version = '11') => new RemoteRoom(other, version, { joinRule: 'invite' }).serve()
const removal = (userId: string, more: Body = {}) => ({
  type: 'm.room.member',
  state_key: userId,
  content: { membership: 'leave' },
  ...more,
})
const roomsOf = async (client: Client, query = {}): Promise<Body> =>
  must(await client.sync(query)).body.rooms ?? {}
const isInvited = async (client: Client, { roomId }: RemoteRoom) =>
  (await roomsOf(client)).invite?.[roomId] !== undefined
const withLeft = { filter: JSON.stringify({ room: { include_leave: true } }) }
const forget = async (client: Client, { roomId }: RemoteRoom) =>
  must(await client.post(`/rooms/${encodeURIComponent(roomId)}/forget`))

let transactions = 0
async function send(from: RemoteRoom['remote'], { pdu }: Pick<BuiltEvent, 'pdu'>): Promise<Body> {
  transactions += 1
  const content = { origin: from.name, origin_server_ts: Date.now(), pdus: [pdu] }
  return must(await from.ask(http, 'PUT', `/_matrix/federation/v1/send/b${transactions}`, content as Body))
    .body.pdus
}

let guest: Client
beforeEach(async () => {
  guest = await someone()
})

async function invited(version?: string): Promise<{ room: RemoteRoom; invite: BuiltEvent }> {
  const room = roomOf(version)
  const invite = room.invite(guest.userId)
  must(await room.sendInvite(http, invite))
  expect(await isInvited(guest, room)).toBe(true)
  return { room, invite }
}

describe('an invite that is taken back', () => {
  it.each(['6', '10', '11', '12'])(
    'goes away in a room of version %s, and makes no room',
    async (version) => {
      const { room } = await invited(version)
      const { next_batch: since } = must(await guest.sync()).body
      const waiting = guest.sync({ since, timeout: 20_000 })
      const taken = room.send(removal(guest.userId))
      expect(await send(other, taken)).toEqual({ [taken.eventId]: {} })
      const { leave } = must(await waiting).body.rooms
      expect(Object.keys(leave)).toEqual([room.roomId])
      expect(leave[room.roomId].timeline.events).toEqual([
        expect.objectContaining({
          event_id: taken.eventId,
          sender: room.creator,
          content: taken.pdu.content,
        }),
      ])
      expect(await isInvited(guest, room)).toBe(false)
      const name = objectName.room(server.serverName, room.roomId)
      const query = "SELECT name FROM sqlite_master WHERE substr(name, 1, 1) != '_'"
      expect(await server.sql('ROOM', name, query)).toEqual([])
    },
  )

  it('goes away where users of this server were in the room before', async () => {
    const room = roomOf()
    must(await room.sendInvite(http, room.invite(guest.userId)))
    must(await guest.join(room.roomId))
    must(await guest.post(`/rooms/${encodeURIComponent(room.roomId)}/leave`))
    room.send(removal(guest.userId, { sender: guest.userId }))
    must(await room.sendInvite(http, room.invite(guest.userId)))
    expect(await isInvited(guest, room)).toBe(true)
    await send(other, room.send(removal(guest.userId)))
    expect(await isInvited(guest, room)).toBe(false)
    expect((await roomsOf(guest, withLeft)).leave[room.roomId]).toBeDefined()
    await forget(guest, room)
    expect((await roomsOf(guest, withLeft)).leave).toBeUndefined()
  })

  it('is in a first sync that asks for rooms that were left, until it is forgotten', async () => {
    const { room } = await invited()
    const taken = room.send(removal(guest.userId))
    await send(other, taken)
    const { leave } = await roomsOf(guest, withLeft)
    const events = [expect.objectContaining({ event_id: taken.eventId, sender: room.creator })]
    expect(leave[room.roomId].timeline.events).toEqual(events)
    expect((await roomsOf(guest)).leave).toBeUndefined()
    await forget(guest, room)
    expect((await roomsOf(guest, withLeft)).leave).toBeUndefined()
  })

  it('is shown when it is sent anew', async () => {
    const { room } = await invited()
    await send(other, room.send(removal(guest.userId)))
    must(await room.sendInvite(http, room.invite(guest.userId)))
    expect(await isInvited(guest, room)).toBe(true)
  })
})

describe('an invite stays', () => {
  it('where an earlier one is taken back', async () => {
    const { room } = await invited()
    const earlier = room.send(removal(guest.userId))
    must(await room.sendInvite(http, room.invite(guest.userId)))
    await send(other, earlier)
    expect(await isInvited(guest, room)).toBe(true)
  })

  it('where the event is signed with another key', async () => {
    const { room } = await invited()
    const { pdu } = room.forge(removal(guest.userId))
    const signature = newKey('ed25519:r_1').sign('other')
    await send(other, { pdu: { ...pdu, signatures: { [other.name]: { 'ed25519:r_1': signature } } } })
    expect(await isInvited(guest, room)).toBe(true)
  })

  it('where another user of the inviter’s server takes it back', async () => {
    const { room } = await invited()
    const moderator = `@moderator:${other.name}`
    room.send({
      type: 'm.room.member',
      sender: moderator,
      state_key: moderator,
      content: { membership: 'join' },
    })
    await send(other, room.send(removal(guest.userId, { sender: moderator })))
    expect(await isInvited(guest, room)).toBe(true)
  })

  it('where the event is of a user of a third server', async () => {
    const third = newRemote()
    await third.start()
    const { room, invite } = await invited()
    const foreign = new RemoteRoom(third, '11')
    const forged = foreign.forge(removal(guest.userId), {
      roomId: room.roomId,
      authEvents: [invite.eventId, room.createId],
    })
    await send(third, forged)
    await third.stop()
    expect(await isInvited(guest, room)).toBe(true)
  })

  it('where the event does not cite it', async () => {
    const { room } = await invited()
    await send(other, room.forge(removal(guest.userId), { authEvents: [room.createId] }))
    expect(await isInvited(guest, room)).toBe(true)
  })

  it('where the event is of another room', async () => {
    const { room, invite } = await invited()
    await send(other, roomOf().forge(removal(guest.userId), { authEvents: [invite.eventId] }))
    expect(await isInvited(guest, room)).toBe(true)
  })
})

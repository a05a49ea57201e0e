/** Invites of other servers, and what users here make of them. */
import { describe, expect, it } from 'vitest'
import type { BuiltEvent } from '../../../src/protocol/events/event-builder.ts'
import { type Body, type Client, must } from '../../support/client.ts'
import { federating, newRemote, remote, type SignedAs } from '../../support/federation/remote.ts'
import { invitePath, RemoteRoom } from '../../support/federation/remote-room.ts'
import { serving } from '../../support/serving.ts'
import { objectName } from '../../support/test-server.ts'

const other = remote()
const { alice, bob, http, server, someone } = serving(['alice', 'bob'], federating)

const roomOf = (version = '11', joinRule = 'invite') => new RemoteRoom(other, version, { joinRule }).serve()
const send = (room: RemoteRoom, invite: BuiltEvent, more?: Body, as?: Partial<SignedAs>) =>
  room.sendInvite(http, invite, more, as)
const roomsOf = async (client: Client, query = {}): Promise<Body> =>
  must(await client.sync(query)).body.rooms ?? {}
const leave = (client: Client, roomId: string, body = {}) =>
  client.post(`/rooms/${encodeURIComponent(roomId)}/leave`, body)
/** Those of a Room: none where there is no such room. */
const tablesOf = (roomId: string) =>
  server.sql(
    'ROOM',
    objectName.room(server.serverName, roomId),
    "SELECT name FROM sqlite_master WHERE substr(name, 1, 1) != '_'",
  )

describe('an invite of another server', () => {
  it.each(['6', '10', '11', '12'])(
    'in a room of version %s is signed, and shown to the user',
    async (version) => {
      const room = roomOf(version)
      const invite = room.invite(alice.userId)
      const { body } = must(await send(room, invite))
      expect(body.event.signatures[other.name]).toEqual(invite.pdu.signatures[other.name])
      expect(Object.keys(body.event.signatures).sort()).toEqual([other.name, 'test.example'].sort())
      expect({ ...body.event, signatures: invite.pdu.signatures }).toEqual(invite.pdu)
      const { invite_state: shown } = (await roomsOf(alice)).invite[room.roomId]
      expect(shown.events).toEqual([
        ...room.shown.map(({ type, state_key, sender, content }) => ({
          type,
          state_key,
          sender,
          content,
        })),
        {
          type: 'm.room.member',
          state_key: alice.userId,
          sender: room.creator,
          content: { membership: 'invite' },
        },
      ])
    },
  )

  it('wakes a client that waits', async () => {
    const room = roomOf()
    const { next_batch: since } = must(await bob.sync()).body
    const waiting = bob.sync({ since, timeout: 20_000 })
    must(await send(room, room.invite(bob.userId)))
    expect(Object.keys(must(await waiting).body.rooms.invite)).toEqual([room.roomId])
  })

  it('leads into the room, through the server of the inviter', async () => {
    const room = roomOf('12')
    must(await send(room, room.invite(alice.userId)))
    must(await alice.join(room.roomId))
    const rooms = await roomsOf(alice)
    expect(rooms.join[room.roomId]).toBeDefined()
    expect(rooms.invite?.[room.roomId]).toBeUndefined()
  })

  it('that is refused is gone for the other clients of the user, whether its server answers or not', async () => {
    for (const room of [roomOf(), new RemoteRoom(other, '11', { joinRule: 'invite' })]) {
      must(await send(room, room.invite(bob.userId)))
      const { next_batch: since } = must(await bob.sync()).body
      must(await leave(bob, room.roomId, { reason: 'no time' }))
      const { timeline } = (await roomsOf(bob, { since })).leave[room.roomId]
      expect(timeline.events).toEqual([
        expect.objectContaining({
          type: 'm.room.member',
          state_key: bob.userId,
          sender: bob.userId,
          content: { membership: 'leave', reason: 'no time' },
          event_id: expect.stringMatching(/^\$[\w-]{43}$/),
        }),
      ])
    }
  })

  it('is refused through the server of the inviter', async () => {
    const room = roomOf('12')
    must(await send(room, room.invite(alice.userId)))
    const { next_batch: since } = must(await alice.sync()).body
    must(await leave(alice, room.roomId, { reason: 'busy' }))
    expect(room.taken.map(({ content }) => content)).toEqual([{ membership: 'leave', reason: 'busy' }])
    const rooms = await roomsOf(alice, { since })
    expect(Object.keys(rooms.leave)).toEqual([room.roomId])
    expect((await roomsOf(alice)).invite?.[room.roomId]).toBeUndefined()
  })

  it('goes away when it is refused while that server is away', async () => {
    const away = newRemote()
    await away.start()
    const room = new RemoteRoom(away, '11', { joinRule: 'invite' }).serve()
    const invite = room.invite(alice.userId)
    const content = { event: invite.pdu, room_version: '11', invite_room_state: [] }
    must(await away.ask(http, 'PUT', invitePath(room.roomId, invite.eventId), content))
    await away.stop()
    must(await leave(alice, room.roomId))
    expect((await roomsOf(alice)).invite?.[room.roomId]).toBeUndefined()
    must(await leave(alice, room.roomId))
    const withLeft = { filter: JSON.stringify({ room: { include_leave: true } }) }
    const { timeline } = (await roomsOf(alice, withLeft)).leave[room.roomId]
    expect(timeline.events).toEqual([expect.objectContaining({ sender: alice.userId })])
    must(await alice.post(`/rooms/${encodeURIComponent(room.roomId)}/forget`))
    expect((await roomsOf(alice, withLeft)).leave?.[room.roomId]).toBeUndefined()
  })

  it('that is refused leaves a client of sliding sync without it', async () => {
    const user = await someone()
    const room = roomOf()
    must(await send(room, room.invite(user.userId)))
    const slide = async (pos?: string) => {
      const body = { lists: { all: { ranges: [[0, 9]], timeline_limit: 1, required_state: [] } } }
      const query = pos === undefined ? '' : `?pos=${pos}`
      const path = `/_matrix/client/unstable/org.matrix.simplified_msc3575/sync${query}`
      return must(await http.request('POST', path, body, { token: user.token })).body
    }
    const first = await slide()
    expect(first.rooms[room.roomId].invite_state).toHaveLength(3)
    must(await leave(user, room.roomId))
    const { lists, rooms } = await slide(first.pos)
    expect(lists.all.count).toBe(0)
    expect(rooms?.[room.roomId]?.invite_state).toBeUndefined()
    expect(await tablesOf(room.roomId)).toEqual([])
  })

  it('that comes again shows nothing new, and not even after it was refused', async () => {
    const room = roomOf()
    const invite = room.invite(alice.userId)
    must(await send(room, invite))
    const { next_batch: since } = must(await alice.sync()).body
    must(await send(room, invite))
    expect((await roomsOf(alice, { since })).invite?.[room.roomId]).toBeUndefined()
    must(await leave(alice, room.roomId))
    must(await send(room, invite))
    expect((await roomsOf(alice)).invite?.[room.roomId]).toBeUndefined()
  })

  it('that is a new one is shown after the first was refused', async () => {
    const room = roomOf()
    must(await send(room, room.invite(alice.userId)))
    must(await leave(alice, room.roomId))
    must(await send(room, room.invite(alice.userId)))
    expect((await roomsOf(alice)).invite[room.roomId]).toBeDefined()
  })

  it('to a room that the user has left is shown, and leads in again', async () => {
    const room = roomOf()
    must(await send(room, room.invite(alice.userId)))
    must(await alice.join(room.roomId))
    must(await leave(alice, room.roomId))
    // The leave itself is on its way to the other server.
    room.send({ type: 'm.room.member', state_key: alice.userId, content: { membership: 'leave' } })
    must(await send(room, room.invite(alice.userId)))
    expect((await roomsOf(alice)).invite[room.roomId]).toBeDefined()
    must(await alice.join(room.roomId))
    expect((await roomsOf(alice)).join[room.roomId]).toBeDefined()
  })

  it('to a room in which others of this server are is an event of it', async () => {
    const room = new RemoteRoom(other, '11').serve()
    must(await alice.join(room.roomId))
    must(await send(room, room.invite(bob.userId)))
    const path = `/rooms/${encodeURIComponent(room.roomId)}/state/m.room.member/${encodeURIComponent(bob.userId)}`
    expect(must(await alice.get(path)).body).toEqual({ membership: 'invite' })
    expect((await roomsOf(bob)).invite[room.roomId]).toBeDefined()
    must(await leave(bob, room.roomId))
    expect(room.taken.map(({ content }) => content.membership)).toEqual(['join'])
  })

  it('makes no room: what is asked of it is answered as of one that nobody knows', async () => {
    const room = roomOf()
    must(await send(room, room.invite(alice.userId)))
    const path = `/rooms/${encodeURIComponent(room.roomId)}`
    for (const asked of ['/state', '/messages?dir=b', '/members', '/joined_members']) {
      expect((await alice.get(path + asked)).status, asked).not.toBe(200)
    }
    expect(await tablesOf(room.roomId)).toEqual([])
  })

  it('is one of 100 of its server at most, and others still come in', async () => {
    const user = await someone()
    const sent = Array.from({ length: 100 }, () => {
      const room = roomOf()
      return { room, invite: room.invite(user.userId) }
    })
    for (const { room, invite } of sent) must(await send(room, invite))
    const [first, more] = [sent[0]!, roomOf()]
    expect(await send(more, more.invite(user.userId))).toMatchObject({
      status: 429,
      body: { errcode: 'M_LIMIT_EXCEEDED' },
    })
    expect((await roomsOf(user)).invite[more.roomId]).toBeUndefined()
    must(await send(first.room, first.room.invite(user.userId)))
    const third = newRemote()
    await third.start()
    const theirs = new RemoteRoom(third, '11', { joinRule: 'invite' }).serve()
    must(await theirs.sendInvite(http, theirs.invite(user.userId)))
    await third.stop()
    must(await leave(user, first.room.roomId))
    must(await send(more, more.invite(user.userId)))
  })

  it('is kept when the user is made again from the archive', async () => {
    const user = await someone()
    const room = roomOf()
    must(await send(room, room.invite(user.userId)))
    // The end of the file compares the user with the archive.
    expect((await roomsOf(user)).invite[room.roomId]).toBeDefined()
  })
})

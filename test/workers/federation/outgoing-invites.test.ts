/** Invites of users of other servers. */
import { describe, expect, it } from 'vitest'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { type Body, type Client, must } from '../../support/client.ts'
import { federating, newKey, type Received, remote } from '../../support/federation/remote.ts'
import { RemoteRoom } from '../../support/federation/remote-room.ts'
import { serving } from '../../support/serving.ts'
import { objectName } from '../../support/test-server.ts'

const other = remote()
const { alice, bob, server } = serving(['alice', 'bob'], federating)

const SEND = '/_matrix/federation/v1/send/'
const roomsOf = async (client: Client, query = {}): Promise<Body> =>
  must(await client.sync(query)).body.rooms ?? {}

describe('a user of another server is invited', () => {
  const path = '/_matrix/federation/v2/invite/'
  const rob = () => `@rob:${other.name}`
  /** Answers with the event, signed by the remote's key. */
  const signing = (seen: Received[] = []) =>
    other.on('PUT', path, (request) => {
      seen.push(request)
      const { event, room_version: version } = request.body
      return { body: { event: new RemoteRoom(other, version).signed(event) } }
    })
  const membershipOf = async (roomId: string) =>
    (await alice.get(`/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${encodeURIComponent(rob())}`))
      .body.membership

  it.each(['10', '12'])(
    'into a room of version %s, by an event that both servers have signed',
    async (version) => {
      const seen: Received[] = []
      signing(seen)
      const roomId = await alice.createRoom({ room_version: version, name: 'Tea' })
      must(await alice.invite(roomId, rob()))
      expect(await membershipOf(roomId)).toBe('invite')
      const [{ body }] = seen as [Received]
      expect(body.invite_room_state.map(({ type }: Pdu) => type)).toEqual(
        expect.arrayContaining(['m.room.create', 'm.room.name', 'm.room.join_rules', 'm.room.member']),
      )
      expect(body.invite_room_state.every(({ signatures }: Pdu) => 'test.example' in signatures)).toBe(true)
      const [row] = await server.sql(
        'ROOM',
        objectName.room(server.serverName, roomId),
        `SELECT pdu FROM events WHERE type = 'm.room.member' AND pdu LIKE '%rob%'`,
      )
      expect(Object.keys(JSON.parse(String(row?.pdu)).signatures).sort()).toEqual(
        [other.name, 'test.example'].sort(),
      )
    },
  )

  it('is told by their server when the invite is taken back, and of nothing else in the room', async () => {
    signing()
    other.on('PUT', SEND, () => ({ body: { pdus: {} } }))
    const roomId = await alice.createRoom({ room_version: '11' })
    must(await alice.invite(roomId, rob()))
    await alice.say(roomId, 'among us')
    must(await alice.post(`/rooms/${roomId}/kick`, { user_id: rob(), reason: 'a mistake' }))
    await alice.say(roomId, 'among us again')
    const told = () =>
      other.received
        .filter(({ uri }) => uri.startsWith(SEND))
        .flatMap(({ body }) => body.pdus as Pdu[])
        .filter((pdu) => pdu.room_id === roomId)
        .map(({ type, content }) => [type, content.membership])
    await expect.poll(told, { timeout: 20_000 }).toEqual([['m.room.member', 'leave']])
  })

  it('once: the same invite again asks nobody', async () => {
    const seen: Received[] = []
    signing(seen)
    const roomId = await alice.createRoom()
    must(await alice.invite(roomId, rob()))
    must(await alice.invite(roomId, rob()))
    expect(seen).toHaveLength(1)
  })

  it('beside what came into the room meanwhile', async () => {
    const roomId = await alice.createRoom({ name: 'Before' })
    other.on('PUT', path, async ({ body }) => {
      const url = `/rooms/${encodeURIComponent(roomId)}/state/m.room.name`
      must(await alice.put(url, { name: 'Meanwhile' }))
      return { body: { event: new RemoteRoom(other, body.room_version).signed(body.event) } }
    })
    must(await alice.invite(roomId, rob()))
    expect(await membershipOf(roomId)).toBe('invite')
    const name = await alice.get(`/rooms/${encodeURIComponent(roomId)}/state/m.room.name`)
    expect(name.body).toEqual({ name: 'Meanwhile' })
    await alice.say(roomId, 'goes on')
  })

  it.each<[string, (event: Pdu) => unknown]>([
    ['does not sign', (event) => event],
    [
      'signs wrongly',
      (event) => ({
        ...event,
        signatures: { [other.name]: { 'ed25519:r_1': newKey('ed25519:r_1').sign('x') } },
      }),
    ],
    ['changes the event', (event) => new RemoteRoom(other, '12').signed({ ...event, depth: 1 })],
    ['gives none', () => undefined],
  ])('not where the other server %s', async (_, answer) => {
    other.on('PUT', path, ({ body }) => ({ body: { event: answer(body.event) } }))
    const roomId = await alice.createRoom()
    expect((await alice.invite(roomId, rob())).status).toBe(502)
    expect(await membershipOf(roomId)).toBeUndefined()
  })

  it('not where the other server refuses', async () => {
    other.on('PUT', path, () => ({ status: 403, body: { errcode: 'M_INVITE_BLOCKED', error: 'no' } }))
    const roomId = await alice.createRoom()
    const { status, body } = await alice.invite(roomId, rob())
    expect([status, body.errcode]).toEqual([403, 'M_INVITE_BLOCKED'])
    expect(await membershipOf(roomId)).toBeUndefined()
  })

  it('who is named when the room is made, and has the power of a trusted one', async () => {
    const seen: Received[] = []
    signing(seen)
    const plan = {
      preset: 'trusted_private_chat',
      is_direct: true,
      room_version: '11',
      invite: [rob(), bob.userId],
    }
    const roomId = await alice.createRoom(plan)
    expect(await membershipOf(roomId)).toBe('invite')
    expect(seen[0]?.body.event.content).toEqual({ membership: 'invite', is_direct: true })
    const levels = must(
      await alice.get(`/rooms/${encodeURIComponent(roomId)}/state/m.room.power_levels`),
    ).body
    expect(levels.users).toEqual({ [alice.userId]: 100, [bob.userId]: 100, [rob()]: 100 })
    expect((await roomsOf(bob)).invite[roomId]).toBeDefined()
  })

  it('and the room is made even where the other server refuses', async () => {
    other.on('PUT', path, () => ({ status: 403, body: { errcode: 'M_FORBIDDEN', error: 'no' } }))
    const roomId = await alice.createRoom({ invite: [rob()] })
    expect(await membershipOf(roomId)).toBeUndefined()
  })

  it('not by one that may not invite, and then nobody is asked', async () => {
    const seen: Received[] = []
    signing(seen)
    const roomId = await alice.createRoom({ preset: 'private_chat' })
    expect((await bob.invite(roomId, rob())).status).toBe(403)
    expect(seen).toEqual([])
  })
})

/** Rooms seen from outside: summaries, and the hierarchy of spaces. */
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { type Body, type Client, must, type Query } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { http, alice, bob } = serving(['alice', 'bob'])

const restrictedTo = (roomId: string) => ({
  type: 'm.room.join_rules',
  content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: roomId }] },
})

describe('a summary', () => {
  const v1 = (room: string) => `/_matrix/client/v1/room_summary/${encodeURIComponent(room)}`
  const unstable = '/_matrix/client/unstable/im.nheko.summary'

  it('shows a public room to all, by id or alias, and a member their membership', async () => {
    const roomId = await alice.createRoom({
      preset: 'public_chat',
      room_alias_name: 'summary',
      name: 'Summary',
      topic: 'In short',
      initial_state: [{ type: 'm.room.encryption', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
    })
    const shown = {
      room_id: roomId,
      name: 'Summary',
      topic: 'In short',
      canonical_alias: '#summary:test.example',
      num_joined_members: 1,
      world_readable: false,
      guest_can_join: false,
      join_rule: 'public',
      room_version: '12',
      encryption: 'm.megolm.v1.aes-sha2',
    }
    expect((await bob.get(v1('#summary:test.example'))).body).toEqual(shown)
    expect((await alice.get(v1(roomId))).body).toEqual({ ...shown, membership: 'join' })
    await vi.waitFor(async () => expect((await http.request('GET', v1(roomId))).body).toEqual(shown))
    for (const path of [
      `/summary/${encodeURIComponent(roomId)}`,
      `/rooms/${encodeURIComponent(roomId)}/summary`,
    ]) {
      expect((await bob.get(unstable + path)).body).toEqual({
        ...shown,
        'im.nheko.summary.room_version': '12',
        'im.nheko.summary.encryption': 'm.megolm.v1.aes-sha2',
      })
    }
  })

  it('of a closed room is for members and invited users', async () => {
    const roomId = await alice.createRoom()
    expect((await bob.get(v1(roomId))).status).toBe(404)
    await alice.invite(roomId, bob.userId)
    expect((await bob.get(v1(roomId))).body).toMatchObject({ room_id: roomId, membership: 'invite' })
    await bob.post(`/rooms/${encodeURIComponent(roomId)}/leave`)
    expect((await bob.get(v1(roomId))).status).toBe(404)
  })

  it('of a restricted room is for users that may join it', async () => {
    const club = await alice.createRoom({ preset: 'public_chat' })
    const roomId = await alice.createRoom({ initial_state: [restrictedTo(club)] })
    expect((await bob.get(v1(roomId))).status).toBe(404)
    await bob.join(club)
    expect((await bob.get(v1(roomId))).body).toMatchObject({
      join_rule: 'restricted',
      allowed_room_ids: [club],
    })
    const ban = { user_id: bob.userId }
    must(await alice.post(`/rooms/${encodeURIComponent(roomId)}/ban`, ban))
    expect((await bob.get(v1(roomId))).status).toBe(404)
  })

  it('of a room that allows knocks is for all but banned users', async () => {
    const knocking = { type: 'm.room.join_rules', content: { join_rule: 'knock' } }
    const roomId = await alice.createRoom({ initial_state: [knocking] })
    expect((await bob.get(v1(roomId))).body.join_rule).toBe('knock')
    must(await alice.post(`/rooms/${encodeURIComponent(roomId)}/ban`, { user_id: bob.userId }))
    expect((await bob.get(v1(roomId))).status).toBe(404)
  })

  it('of no room is not found, and without an account makes no object', async () => {
    const nowhere = '!nobody-was-here:test.example'
    expect((await http.request('GET', v1(nowhere))).status).toBe(404)
    expect((await http.request('GET', v1('#nowhere:test.example'))).body.errcode).toBe('M_NOT_FOUND')
    expect((await bob.get(v1(nowhere))).status).toBe(404)
    expect((await bob.get(v1('lounge'))).body.errcode).toBe('M_INVALID_PARAM')
    expect((await http.request('GET', v1(nowhere), undefined, { token: 'rubbish' })).status).toBe(401)
  })
})

describe('the hierarchy', () => {
  const rooms: Record<string, string> = {}
  const named = (body: Body) =>
    body.rooms.map((room: Body) => Object.keys(rooms).find((name) => rooms[name] === room.room_id))
  const walk = async (who: Client, room: string, query: Query = {}) =>
    who.get(`/_matrix/client/v1/rooms/${encodeURIComponent(rooms[room]!)}/hierarchy`, query)

  async function makeRoom(name: string, body: Body = {}): Promise<void> {
    rooms[name] = await alice.createRoom({ name, ...body })
  }
  const child = (name: string, content: Body = {}) => ({
    type: 'm.space.child',
    state_key: rooms[name]!,
    content: { via: ['test.example'], ...content },
  })
  const space = (...children: Body[]) => ({
    preset: 'public_chat',
    creation_content: { type: 'm.space' },
    initial_state: children,
  })

  beforeAll(async () => {
    const open = { preset: 'public_chat' }
    await makeRoom('open', open)
    await makeRoom('secret')
    await makeRoom('last', open)
    await makeRoom('leaf', open)
    await makeRoom('inner', space(child('leaf'), child('open')))
    await makeRoom('gone', open)
    const children = [
      child('open', { order: 'b', suggested: true }),
      child('secret', { order: 'c' }),
      child('inner', { order: 'd' }),
      child('last'),
      child('gone', { via: [] }),
      { type: 'm.space.child', state_key: '!unknown:test.example', content: { via: ['test.example'] } },
    ]
    await makeRoom('root', space(...children))
    await makeRoom('members', { initial_state: [restrictedTo(rooms.root!)] })
    const put = (parent: string, name: string, content: Body) =>
      alice.put(
        `/rooms/${encodeURIComponent(rooms[parent]!)}/state/m.space.child/${encodeURIComponent(rooms[name]!)}`,
        content,
      )
    must(await put('inner', 'root', { via: ['test.example'], order: 'z' }))
    must(await put('root', 'members', { via: ['test.example'], order: 'a' }))
  })

  it('goes depth first, each room once, and hides what the caller may not see', async () => {
    const { body } = must(await walk(bob, 'root'))
    expect(named(body)).toEqual(['root', 'open', 'inner', 'leaf', 'last'])
    expect(body.rooms[0]).toMatchObject({
      name: 'root',
      room_type: 'm.space',
      join_rule: 'public',
      num_joined_members: 1,
      room_version: '12',
    })
    const [first] = body.rooms[0].children_state
    expect(first).toEqual({
      type: 'm.space.child',
      state_key: rooms.members,
      sender: alice.userId,
      content: { via: ['test.example'], order: 'a' },
      origin_server_ts: expect.any(Number),
    })
    expect(body.rooms[1].children_state).toEqual([])
    expect(named(must(await walk(alice, 'root')).body)).toContain('secret')
    const unstable = `/_matrix/client/unstable/org.matrix.msc2946/rooms/${encodeURIComponent(rooms.root!)}/hierarchy`
    expect((await bob.get(unstable)).body).toEqual(body)
  })

  it('shows restricted rooms to users that meet their condition', async () => {
    const carol = await http.register('carol')
    must(await carol.join(rooms.root!))
    const { body } = must(await walk(carol, 'root'))
    expect(named(body)).toEqual(['root', 'members', 'open', 'inner', 'leaf', 'last'])
  })

  it('comes in pages that must keep the parameters of the first', async () => {
    const shown: string[] = []
    let from: string | undefined
    do {
      const { body } = must(await walk(bob, 'root', { limit: 2, max_depth: 3, from }))
      shown.push(...named(body))
      expect(body.rooms.length).toBeLessThanOrEqual(2)
      from = body.next_batch
    } while (from !== undefined)
    expect(shown).toEqual(['root', 'open', 'inner', 'leaf', 'last'])
    const { next_batch: token } = (await walk(bob, 'root', { limit: 1, max_depth: 3 })).body
    for (const [room, query] of [
      ['root', { from: token, max_depth: 4 }],
      ['root', { from: token, suggested_only: true }],
      ['inner', { from: token }],
      ['root', { from: 'nonsense' }],
    ] as const) {
      const { status, body } = await walk(bob, room, query)
      expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
    }
    expect((await walk(bob, 'root', { from: token })).status).toBe(200)
  })

  it('is cut by depth, and to suggested rooms', async () => {
    expect(named((await walk(bob, 'root', { max_depth: 0 })).body)).toEqual(['root'])
    expect(named((await walk(bob, 'root', { max_depth: 1 })).body)).toEqual(['root', 'open', 'inner', 'last'])
    expect(named((await walk(bob, 'root', { suggested_only: true })).body)).toEqual(['root', 'open'])
  })

  it('of a room that is no space is that room, and of a hidden room is forbidden', async () => {
    expect(named((await walk(bob, 'open')).body)).toEqual(['open'])
    const { status, body } = await walk(bob, 'secret')
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    rooms.nowhere = '!nowhere:test.example'
    expect((await walk(bob, 'nowhere')).status).toBe(403)
    expect((await walk(bob, 'root', { limit: 0 })).status).toBe(400)
  })
})

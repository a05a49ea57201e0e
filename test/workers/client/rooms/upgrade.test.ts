/** Rooms that are replaced by others. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'])
const at = (room: string, rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`

const tagsAt = (user: Client, room: string) =>
  `/user/${encodeURIComponent(user.userId)}/rooms/${encodeURIComponent(room)}/tags`

const dataAt = (user: Client, type: string) => `/user/${encodeURIComponent(user.userId)}/account_data/${type}`

const state = async (client: Client, room: string, type: string): Promise<Body> =>
  (await client.get(at(room, `state/${type}`))).body

describe('upgrading a room', () => {
  const upgrade = (client: Client, room: string, body: Body) => client.post(at(room, 'upgrade'), body)

  it.each([
    ['10', '11'],
    ['11', '12'],
    ['12', '12'],
    ['12', '10'],
    ['3', '4'],
    ['5', '6'],
    ['7', '9'],
    ['9', '12'],
    ['12', '3'],
  ])('carries over everything from version %s to %s', async (from, to) => {
    const mallory = await http.register(`mallory${from}x${to}`)
    const name = `up${from}x${to}`
    const old = await alice.createRoom({
      room_version: from,
      preset: 'public_chat',
      visibility: 'public',
      name: 'A room',
      topic: 'of everything',
      room_alias_name: name,
      creation_content: { type: 'm.space' },
      power_level_content_override: { users_default: 5, redact: 42 },
      initial_state: [
        { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } },
        { type: 'm.room.avatar', content: { url: 'mxc://test.example/a' } },
        { type: 'm.room.server_acl', content: { allow: ['*'], deny: ['evil.example'] } },
        { type: 'm.space.child', state_key: '!child:test.example', content: { via: ['test.example'] } },
        { type: 'org.example.own', content: { kept: false } },
      ],
    })
    must(await alice.post(at(old, 'ban'), { user_id: mallory.userId, reason: 'spam' }))
    const next: string = must(await upgrade(alice, old, { new_version: to })).body.replacement_room

    const create = await state(alice, next, 'm.room.create')
    expect(create).toMatchObject({ room_version: to, type: 'm.space', predecessor: { room_id: old } })
    for (const type of [
      'm.room.name',
      'm.room.topic',
      'm.room.avatar',
      'm.room.join_rules',
      'm.room.history_visibility',
      'm.room.guest_access',
      'm.room.server_acl',
      'm.space.child/!child:test.example',
    ]) {
      expect(await state(alice, next, type), type).toEqual(await state(alice, old, type))
    }
    expect((await alice.get(at(next, 'state/org.example.own'))).status).toBe(404)
    expect(await state(alice, next, `m.room.member/${mallory.userId}`)).toMatchObject({
      membership: 'ban',
      reason: 'spam',
    })
    expect((await mallory.join(next)).status).toBe(403)
    const levels = await state(alice, next, 'm.room.power_levels')
    expect(levels).toMatchObject({ users_default: 5, redact: 42 })
    expect(levels.users).toEqual(to === '12' ? {} : { [alice.userId]: 100 })
    expect(levels.events['m.room.tombstone']).toBe(to === '12' ? 150 : 100)

    expect(await state(alice, old, 'm.room.tombstone')).toMatchObject({ replacement_room: next })
    expect(await state(alice, old, 'm.room.power_levels')).toMatchObject({ events_default: 50, invite: 50 })
    const alias = `#${name}:test.example`
    const found = must(await alice.get(`/directory/room/${encodeURIComponent(alias)}`)).body
    expect(found.room_id).toBe(next)
    expect(await state(alice, next, 'm.room.canonical_alias')).toEqual({ alias })
    expect(await state(alice, old, 'm.room.canonical_alias')).toEqual({})
    const listed = () =>
      server.pg('select room_id, listed from public_rooms where room_id in ($1, $2) and listed', [old, next])
    await expect.poll(listed, { timeout: 5_000 }).toEqual([{ room_id: next, listed: true }])
  })

  it('bans all banned users, however many, even if the server died in the middle', async () => {
    const old = await alice.createRoom({ preset: 'public_chat', room_version: '11' })
    const name = objectName.room(server.serverName, old)
    const banned = Array.from({ length: 1_100 }, (_, n) => `@spammer${n}:elsewhere.example`)
    for (let from = 0; from < banned.length; from += 50) {
      const some = banned.slice(from, from + 50)
      await Promise.all(some.map(async (user_id) => must(await alice.post(at(old, 'ban'), { user_id }))))
    }
    const asked = upgrade(alice, old, { new_version: '12' }).catch(() => undefined)
    const begun = () => server.sql('ROOM', name, "SELECT value FROM meta WHERE key = 'upgrade'")
    await expect.poll(begun, { timeout: 10_000, interval: 1 }).toHaveLength(1)
    await server.restart()
    await asked
    const done = async () => JSON.parse(String((await begun())[0]?.value)).done
    await expect.poll(done, { timeout: 30_000 }).toBe(true)
    const { replacement_room: next } = await state(alice, old, 'm.room.tombstone')
    const query = { membership: 'ban' }
    const { chunk } = must(await alice.get(at(next, 'members'), query)).body
    expect(chunk).toHaveLength(banned.length)
    expect(await state(alice, next, 'm.room.power_levels')).toMatchObject({ users: {} })
  }, 150_000)

  it('needs the power to send a tombstone, and a version that exists', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    expect((await upgrade(bob, room, { new_version: '12' })).body.errcode).toBe('M_FORBIDDEN')
    const stranger = await http.register('stranger')
    expect((await upgrade(stranger, room, { new_version: '12' })).status).toBe(403)
    expect((await upgrade(alice, room, { new_version: '99' })).body.errcode).toBe(
      'M_UNSUPPORTED_ROOM_VERSION',
    )
    expect((await upgrade(alice, room, {})).body.errcode).toBe('M_MISSING_PARAM')
    expect((await upgrade(alice, room, { new_version: '12', additional_creators: ['bob'] })).status).toBe(400)
    for (const new_version of ['12', '99']) {
      for (const unknown of ['!none:test.example', `!${'x'.repeat(43)}`]) {
        expect((await upgrade(alice, unknown, { new_version })).status).toBe(404)
      }
    }
    expect((await alice.get(at(room, 'state/m.room.tombstone'))).status).toBe(404)
  })

  it('gives the same room to a second request', async () => {
    const room = await alice.createRoom()
    const [first, second] = [
      must(await upgrade(alice, room, { new_version: '12', additional_creators: [bob.userId] })).body,
      must(await upgrade(alice, room, { new_version: '12' })).body,
    ]
    expect(second).toEqual(first)
    const create = await state(alice, first.replacement_room, 'm.room.create')
    expect(create.additional_creators).toEqual([bob.userId])
  })

  it('is finished by the room if the request was cut off', async () => {
    const room = await alice.createRoom({ preset: 'public_chat', name: 'cut' })
    const fault = { name: 'drop:room.create', count: 1 }
    must(await http.request('POST', '/_selvedge/test/faults', fault))
    await upgrade(alice, room, { new_version: '12' })
    const tombstone = async () => (await alice.get(at(room, 'state/m.room.tombstone'))).status
    await expect.poll(tombstone, { timeout: 15_000 }).toBe(200)
    const { replacement_room: next } = await state(alice, room, 'm.room.tombstone')
    expect(await state(alice, next, 'm.room.name')).toEqual({ name: 'cut' })
  })

  it('carries the members’ tags, direct chats and push rules over', async () => {
    const old = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(old))
    must(await bob.put(`${tagsAt(bob, old)}/m.favourite`, { order: 0.1 }))
    must(await bob.put(dataAt(bob, 'm.direct'), { [alice.userId]: [old] }))
    const rule = (room: string) => `/pushrules/global/room/${encodeURIComponent(room)}`
    must(await bob.put(rule(old), { actions: [] }))
    const next = must(await upgrade(alice, old, { new_version: '12' })).body.replacement_room
    const since = must(await bob.sync()).body.next_batch
    must(await bob.join(next))
    expect(must(await bob.get(tagsAt(bob, next))).body).toEqual({ tags: { 'm.favourite': { order: 0.1 } } })
    expect(must(await bob.get(dataAt(bob, 'm.direct'))).body).toEqual({ [alice.userId]: [old, next] })
    expect(must(await bob.get(rule(next))).body).toMatchObject({ rule_id: next, actions: [] })
    must(await bob.get(rule(old)))
    const { body } = must(await bob.sync({ since }))
    expect(body.rooms.join[next].account_data.events).toEqual([
      { type: 'm.tag', content: { tags: { 'm.favourite': { order: 0.1 } } } },
    ])
  })
})

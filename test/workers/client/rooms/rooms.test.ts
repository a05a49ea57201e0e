/** createRoom: every parameter and preset. */
import { describe, expect, it } from 'vitest'
import { must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

/** Of room version 12: above all levels, and in none of them. */
const CREATOR = { '@alice:test.example': 100 }

const { http, alice, bob } = serving(['alice', 'bob'])

const at = (roomId: string, type: string, key = '') =>
  `/rooms/${encodeURIComponent(roomId)}/state/${type}/${encodeURIComponent(key)}`

async function content(roomId: string, type: string, key = '') {
  return (await alice.get(at(roomId, type, key))).body
}

describe('room versions', () => {
  it('makes version 12 rooms by default, whose id is the hash of their create event', async () => {
    const roomId = await alice.createRoom()
    const { body } = await alice.get(at(roomId, 'm.room.create'), { format: 'event' })
    expect(body.content.room_version).toBe('12')
    expect(body.event_id).toBe(`$${roomId.slice(1)}`)
    expect(body.room_id).toBe(roomId)
    expect(body.content).not.toHaveProperty('creator')
  })

  it.each(['10', '11'])('makes version %s rooms under a name of this server', async (version) => {
    const roomId = await alice.createRoom({ room_version: version })
    expect(roomId).toMatch(/^![A-Za-z0-9]{18}:test\.example$/)
    const create = await content(roomId, 'm.room.create')
    expect(create.room_version).toBe(version)
    expect(create.creator).toBe(version === '10' ? alice.userId : undefined)
  })

  it('refuses other versions', async () => {
    const { status, body } = await alice.post('/createRoom', { room_version: 'org.example.99' })
    expect([status, body.errcode]).toEqual([400, 'M_UNSUPPORTED_ROOM_VERSION'])
  })
})

describe('presets', () => {
  it.each([
    [{}, 'invite', 'can_join'],
    [{ preset: 'private_chat' }, 'invite', 'can_join'],
    [{ preset: 'trusted_private_chat' }, 'invite', 'can_join'],
    [{ preset: 'public_chat' }, 'public', undefined],
    [{ visibility: 'public' }, 'public', undefined],
    [{ visibility: 'private' }, 'invite', 'can_join'],
    [{ visibility: 'public', preset: 'private_chat' }, 'invite', 'can_join'],
  ])('%j: join rule %s, guests %s, shared history', async (parameters, joinRule, guests) => {
    const roomId = await alice.createRoom(parameters)
    expect(await content(roomId, 'm.room.join_rules')).toEqual({ join_rule: joinRule })
    // No event means that guests may not come in, and costs nothing.
    expect((await content(roomId, 'm.room.guest_access')).guest_access).toBe(guests)
    expect(await content(roomId, 'm.room.history_visibility')).toEqual({ history_visibility: 'shared' })
  })

  it('gives trusted invitees the power of the creator in version 11', async () => {
    const roomId = await alice.createRoom({
      room_version: '11',
      preset: 'trusted_private_chat',
      invite: [bob.userId],
    })
    const { users } = await content(roomId, 'm.room.power_levels')
    expect(users).toEqual({ [alice.userId]: 100, [bob.userId]: 100 })
  })

  it('makes trusted invitees creators in version 12', async () => {
    const roomId = await alice.createRoom({ preset: 'trusted_private_chat', invite: [bob.userId] })
    expect((await content(roomId, 'm.room.create')).additional_creators).toEqual([bob.userId])
    expect((await content(roomId, 'm.room.power_levels')).users).toEqual({})
  })
})

describe('parameters', () => {
  it('lets initial_state override the preset, and name and topic override initial_state', async () => {
    const roomId = await alice.createRoom({
      preset: 'private_chat',
      name: 'the name',
      topic: 'the topic',
      initial_state: [
        { type: 'm.room.join_rules', content: { join_rule: 'knock' } },
        { type: 'm.room.name', state_key: '', content: { name: 'overridden' } },
        { type: 'org.example.x', state_key: 'k', content: { a: 1 } },
      ],
    })
    expect(await content(roomId, 'm.room.join_rules')).toEqual({ join_rule: 'knock' })
    expect(await content(roomId, 'm.room.name')).toEqual({ name: 'the name' })
    expect(await content(roomId, 'org.example.x', 'k')).toEqual({ a: 1 })
    const topic = await content(roomId, 'm.room.topic')
    expect(topic.topic).toBe('the topic')
    expect(topic['m.topic']['m.text']).toContainEqual({ body: 'the topic', mimetype: 'text/plain' })
  })

  it('overrides power levels', async () => {
    const roomId = await alice.createRoom({
      power_level_content_override: { events_default: 25, invite: 30 },
    })
    const levels = await content(roomId, 'm.room.power_levels')
    expect([levels.events_default, levels.invite, levels.state_default]).toEqual([25, 30, 50])
  })

  it('keeps creation_content, except for what the server decides', async () => {
    const roomId = await alice.createRoom({
      creation_content: { type: 'm.space', 'm.federate': false, room_version: '1', creator: bob.userId },
    })
    expect(await content(roomId, 'm.room.create')).toEqual({
      type: 'm.space',
      'm.federate': false,
      room_version: '12',
      'selvedge.nonce': expect.any(String),
    })
  })

  it('takes additional_creators in version 12', async () => {
    const roomId = await alice.createRoom({ creation_content: { additional_creators: [bob.userId] } })
    expect((await content(roomId, 'm.room.create')).additional_creators).toEqual([bob.userId])
  })

  it('invites, and says whether the room is a direct chat', async () => {
    const roomId = await alice.createRoom({ is_direct: true, invite: [bob.userId, bob.userId] })
    const member = await content(roomId, 'm.room.member', bob.userId)
    expect(member).toMatchObject({ membership: 'invite', is_direct: true })
  })

  it('names the room by an alias, and makes it canonical', async () => {
    const roomId = await alice.createRoom({ room_alias_name: 'lounge' })
    const { body } = await http.request(
      'GET',
      `/directory/room/${encodeURIComponent('#lounge:test.example')}`,
    )
    expect(body).toEqual({ room_id: roomId, servers: ['test.example'] })
    expect(await content(roomId, 'm.room.canonical_alias')).toEqual({ alias: '#lounge:test.example' })
  })

  it('refuses an alias that is taken', async () => {
    await alice.createRoom({ room_alias_name: 'taken' })
    const { status, body } = await bob.post('/createRoom', { room_alias_name: 'taken' })
    expect([status, body.errcode]).toEqual([400, 'M_ROOM_IN_USE'])
  })

  it('frees the alias of a room that could not be made', async () => {
    const refused = await alice.post('/createRoom', {
      room_alias_name: 'second-try',
      power_level_content_override: { users: { 'no user': 1 } },
    })
    expect([refused.status, refused.body.errcode]).toEqual([400, 'M_BAD_JSON'])
    must(await alice.post('/createRoom', { room_alias_name: 'second-try' }))
  })
})

describe('power levels in initial_state', () => {
  const levels = (content: object) => ({ initial_state: [{ type: 'm.room.power_levels', content }] })

  it.each(['10', '11', '12'])('stand as the first ones in version %s', async (room_version) => {
    const users = room_version === '12' ? {} : CREATOR
    const given = { users, users_default: 7, events: { 'm.room.name': 90 } }
    const roomId = await alice.createRoom({ ...levels(given), room_version, name: 'named by them' })
    expect(await content(roomId, 'm.room.power_levels')).toEqual(given)
    expect(await content(roomId, 'm.room.name')).toEqual({ name: 'named by them' })
    const { body } = await alice.get(`/rooms/${encodeURIComponent(roomId)}/messages`, { dir: 'f', limit: 50 })
    const sent = body.chunk.filter(({ type }: { type: string }) => type === 'm.room.power_levels')
    expect(sent).toHaveLength(1)
  })

  it('may be too low for the rest of the request', async () => {
    const low = {
      ...levels({ users: { [bob.userId]: 100 } }),
      room_version: '11',
      room_alias_name: 'too-low',
    }
    const { status, body } = await alice.post('/createRoom', low)
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_ROOM_STATE'])
    expect((await alice.post('/createRoom', { room_alias_name: 'too-low' })).status).toBe(200)
  })
})

describe('refusals', () => {
  it.each([
    ['a name', { name: 'x' }],
    ['a topic', { topic: 'x' }],
    ['an invitation', { invite: ['@bob:test.example'] }],
    ['further state', { initial_state: [{ type: 'org.example.x', content: {} }] }],
    ['an alias', { room_alias_name: 'forbidden-alias' }],
    ['nothing but the preset', {}],
  ])('refuses a room whose power levels forbid %s', async (_, parameters) => {
    const power_level_content_override = { users: {}, state_default: 50, invite: 50 }
    const { status, body } = await alice.post('/createRoom', {
      room_version: '11',
      power_level_content_override,
      ...parameters,
    })
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_ROOM_STATE'])
  })

  it.each([
    [
      'more invitees than it can look up',
      { invite: Array.from({ length: 1001 }, (_, i) => `@u${i}:test.example`) },
      400,
      'M_BAD_JSON',
    ],
    ['a level for a creator', { power_level_content_override: { users: CREATOR } }, 400, 'M_BAD_JSON'],
    ['a malformed invitee', { invite: ['bob'] }, 400, 'M_INVALID_PARAM'],
    ['an invitee elsewhere', { invite: ['@eve:elsewhere.example'] }, 403, 'M_FORBIDDEN'],
    ['a third party', { invite_3pid: [{ medium: 'email', address: 'a@b.c' }] }, 403, 'M_FORBIDDEN'],
    ['an alias with a domain', { room_alias_name: 'a:b' }, 400, 'M_INVALID_PARAM'],
    ['an alias with a space', { room_alias_name: 'a b' }, 400, 'M_INVALID_PARAM'],
    ['an alias with a line break', { room_alias_name: 'a\n' }, 400, 'M_INVALID_PARAM'],
    ['power levels that are no integers', { power_level_content_override: { ban: '50' } }, 400, 'M_BAD_JSON'],
    [
      'additional creators that are no users',
      { creation_content: { additional_creators: ['bob'] } },
      400,
      'M_INVALID_PARAM',
    ],
    [
      'a second create event',
      { initial_state: [{ type: 'm.room.create', content: {} }] },
      400,
      'M_INVALID_PARAM',
    ],
    ['a float', { creation_content: { x: 1.5 } }, 400, 'M_BAD_JSON'],
  ])('refuses %s', async (_, parameters, expected, errcode) => {
    const { status, body } = await alice.post('/createRoom', parameters)
    expect([status, body.errcode]).toEqual([expected, errcode])
  })
})

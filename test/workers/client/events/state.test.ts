/** Reading and writing a room’s state. */
import { beforeAll, describe, expect, it } from 'vitest'
import { serving } from '../../../support/serving.ts'

/** Of room version 12: above all levels, and in none of them. */
const CREATOR = { '@alice:test.example': 100 }

const { alice, bob } = serving(['alice', 'bob'])
let roomId: string

beforeAll(async () => {
  roomId = await alice.createRoom({ name: 'here' })
})

const state = (rest = '') => `/rooms/${encodeURIComponent(roomId)}/state${rest}`

describe('GET /state', () => {
  it('lists all events in the form for clients', async () => {
    const { body } = await alice.get(state())
    const types = body.map((event: { type: string }) => event.type)
    expect(types).toEqual(expect.arrayContaining(['m.room.create', 'm.room.member', 'm.room.name']))
    for (const event of body) {
      expect(event).toMatchObject({ room_id: roomId, sender: alice.userId, state_key: expect.any(String) })
      expect(event).not.toHaveProperty('auth_events')
    }
  })

  it.each(['/m.room.name', '/m.room.name/'])('answers the content on %s', async (path) => {
    expect((await alice.get(state(path))).body).toEqual({ name: 'here' })
  })

  it('answers the whole event when asked', async () => {
    const { body } = await alice.get(state('/m.room.name'), { format: 'event' })
    expect(body).toMatchObject({ type: 'm.room.name', state_key: '', content: { name: 'here' } })
  })

  it('refuses an unknown format', async () => {
    const { status, body } = await alice.get(state('/m.room.name'), { format: 'xml' })
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
  })

  it('does not know what is not set', async () => {
    const { status, body } = await alice.get(state('/m.room.topic'))
    expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND'])
  })

  it.each(['', '/m.room.name'])('is for members alone: %j', async (path) => {
    const { status, body } = await bob.get(state(path))
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })
})

describe('PUT /state', () => {
  it.each(['constructor', '__proto__', 'toString'])('takes the type %s as any other', async (type) => {
    expect((await alice.put(state(`/${type}`), { a: 1 })).status).toBe(200)
    expect((await alice.get(state(`/${type}`))).body).toEqual({ a: 1 })
  })

  it.each(['/org.example.a', '/org.example.a/', '/org.example.a/key'])('sets %s', async (path) => {
    const { body } = await alice.put(state(path), { at: path })
    expect(body.event_id).toMatch(/^\$/)
    expect((await alice.get(state(path))).body).toEqual({ at: path })
  })

  it('answers the current event if the content is the same', async () => {
    const first = await alice.put(state('/org.example.same'), { a: 1, b: 2 })
    const second = await alice.put(state('/org.example.same'), { b: 2, a: 1 })
    expect(second.body).toEqual(first.body)
  })

  it('needs the power for the type', async () => {
    const open = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(open)
    const path = `/rooms/${encodeURIComponent(open)}/state/m.room.name`
    const { status, body } = await bob.put(path, { name: 'mine' })
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })

  it('refuses a state key with another user’s name', async () => {
    const { status } = await alice.put(state(`/org.example.own/${encodeURIComponent(bob.userId)}`), {})
    expect(status).toBe(403)
    expect((await alice.put(state(`/org.example.own/${encodeURIComponent(alice.userId)}`), {})).status).toBe(
      200,
    )
  })

  it.each([
    ['a create event', '/m.room.create', {}, 400, 'M_INVALID_PARAM'],
    ['power levels as strings', '/m.room.power_levels', { users: { '@a:b': '100' } }, 400, 'M_BAD_JSON'],
    ['a level for a creator', '/m.room.power_levels', { users: CREATOR }, 400, 'M_BAD_JSON'],
    ['a level for nobody', '/m.room.power_levels', { users: { bob: 50 } }, 400, 'M_BAD_JSON'],
    [
      'an invitation elsewhere',
      '/m.room.member/@eve:elsewhere.example',
      { membership: 'invite' },
      403,
      'M_FORBIDDEN',
    ],
    ['too long a state key', `/org.example.a/${'k'.repeat(256)}`, {}, 400, 'M_INVALID_PARAM'],
    ['a malformed alias', '/m.room.canonical_alias', { alias: 'lounge' }, 400, null],
    ['an alias of nothing', '/m.room.canonical_alias', { alias: '#none:test.example' }, 400, 'M_BAD_ALIAS'],
    [
      'an alias elsewhere',
      '/m.room.canonical_alias',
      { alt_aliases: ['#a:elsewhere.example'] },
      400,
      'M_BAD_ALIAS',
    ],
  ])('refuses %s', async (_, path, content, expected, errcode) => {
    const { status, body } = await alice.put(state(path), content)
    expect(status).toBe(expected)
    if (errcode !== null) expect(body.errcode).toBe(errcode)
  })

  it('accepts a canonical alias that points here, and loses it with the alias', async () => {
    const alias = '#pointed:test.example'
    await alice.put(`/directory/room/${encodeURIComponent(alias)}`, { room_id: roomId })
    expect((await alice.put(state('/m.room.canonical_alias'), { alias })).status).toBe(200)
    await alice.delete(`/directory/room/${encodeURIComponent(alias)}`)
    expect((await alice.get(state('/m.room.canonical_alias'))).body).toEqual({})
    expect((await alice.put(state('/m.room.canonical_alias'), { alias })).body.errcode).toBe('M_BAD_ALIAS')
  })
})

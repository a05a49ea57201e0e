/** Room aliases. */
import { beforeAll, describe, expect, it } from 'vitest'
import { must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'])
let roomId: string

beforeAll(async () => {
  roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
})

const path = (alias: string) => `/directory/room/${encodeURIComponent(alias)}`

describe('an alias', () => {
  it('is made, found without a token, listed and removed', async () => {
    const alias = '#whole-life:test.example'
    expect((await alice.put(path(alias), { room_id: roomId })).body).toEqual({})
    expect((await http.request('GET', path(alias))).body).toEqual({
      room_id: roomId,
      servers: ['test.example'],
    })
    expect((await bob.get(`/rooms/${encodeURIComponent(roomId)}/aliases`)).body.aliases).toContain(alias)
    expect((await alice.delete(path(alias))).body).toEqual({})
    expect((await http.request('GET', path(alias))).status).toBe(404)
  })

  it('is made once', async () => {
    const alias = '#once:test.example'
    await alice.put(path(alias), { room_id: roomId })
    const { status, body } = await bob.put(path(alias), { room_id: roomId })
    expect([status, body.errcode]).toEqual([409, 'M_UNKNOWN'])
  })

  it('may hold any characters but whitespace', async () => {
    const alias = '#späti/24+h:test.example'
    expect((await alice.put(path(alias), { room_id: roomId })).status).toBe(200)
    expect((await http.request('GET', path(alias))).body.room_id).toBe(roomId)
  })

  it.each([
    ['no alias', 'lounge', {}, 'M_INVALID_PARAM'],
    ['an alias elsewhere', '#a:elsewhere.example', { room_id: '!a:test.example' }, 'M_INVALID_PARAM'],
    ['a space', '#a b:test.example', { room_id: '!a:test.example' }, 'M_INVALID_PARAM'],
    ['a tab', '#a\t:test.example', { room_id: '!a:test.example' }, 'M_INVALID_PARAM'],
    ['no room', '#a:test.example', {}, 'M_MISSING_PARAM'],
    ['a room that is no id', '#a:test.example', { room_id: 'lounge' }, 'M_INVALID_PARAM'],
  ])('is refused: %s', async (_, alias, content, errcode) => {
    const { status, body } = await alice.put(path(alias), content)
    expect([status, body.errcode]).toEqual([400, errcode])
  })

  it('is made by members', async () => {
    const closed = await alice.createRoom()
    const { status, body } = await bob.put(path('#closed:test.example'), { room_id: closed })
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })
})

describe('removing', () => {
  it('is for its creator, and for users that may edit the room’s aliases', async () => {
    const [ofBob, ofAlice] = ['#of-bob:test.example', '#of-alice:test.example']
    await bob.put(path(ofBob), { room_id: roomId })
    await alice.put(path(ofAlice), { room_id: roomId })
    const refused = await bob.delete(path(ofAlice))
    expect([refused.status, refused.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    expect((await alice.delete(path(ofBob))).status).toBe(200)
  })

  it('takes it out of the canonical alias event too, if its remover may change that event', async () => {
    const [main, other, kept] = ['#main:test.example', '#other:test.example', '#kept:test.example']
    const room = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(room)
    for (const alias of [main, kept]) await alice.put(path(alias), { room_id: room })
    await bob.put(path(other), { room_id: room })
    const canonical = `/rooms/${encodeURIComponent(room)}/state/m.room.canonical_alias`
    must(await alice.put(canonical, { alias: main, alt_aliases: [other, kept], 'org.example.note': 1 }))
    expect((await bob.delete(path(other))).status).toBe(200)
    expect((await alice.get(canonical)).body).toMatchObject({ alias: main, alt_aliases: [other, kept] })
    expect((await alice.delete(path(main))).status).toBe(200)
    expect((await alice.get(canonical)).body).toEqual({ alt_aliases: [other, kept], 'org.example.note': 1 })
    expect((await alice.delete(path(kept))).status).toBe(200)
    expect((await alice.get(canonical)).body).toEqual({ alt_aliases: [other], 'org.example.note': 1 })
  })

  it('is for administrators too', async () => {
    const alias = '#moderated:test.example'
    await alice.put(path(alias), { room_id: roomId })
    const admin = await http.register('admin')
    expect((await admin.delete(path(alias))).status).toBe(403)
    await server.pg("update accounts set admin = true where localpart = 'admin'")
    expect((await admin.delete(path(alias))).status).toBe(200)
  })

  it('of a missing alias is not found', async () => {
    const { status, body } = await alice.delete(path('#nothing:test.example'))
    expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND'])
  })
})

describe('the canonical alias', () => {
  const canonical = () => `/rooms/${encodeURIComponent(roomId)}/state/m.room.canonical_alias`

  it.each([
    ['an alias that is not there', () => ({ alias: '#nothing:test.example' })],
    ['an alias of another room', () => ({ alt_aliases: ['#elsewhere:test.example'] })],
    ['an alias of another server', () => ({ alias: '#a:elsewhere.example' })],
  ])('may not newly name %s', async (_, content) => {
    await alice.put(path('#elsewhere:test.example'), { room_id: await alice.createRoom() })
    const { status, body } = await alice.put(canonical(), content())
    expect([status, body.errcode]).toEqual([400, 'M_BAD_ALIAS'])
  })

  it('may go on naming a deleted alias that it named before', async () => {
    const [stays, goes] = ['#stays:test.example', '#goes:test.example']
    await alice.put(path(stays), { room_id: roomId })
    await bob.put(path(goes), { room_id: roomId })
    must(await alice.put(canonical(), { alias: stays, alt_aliases: [goes] }))
    await bob.delete(path(goes))
    must(await alice.put(canonical(), { alt_aliases: [goes, stays] }))
    must(await alice.put(canonical(), {}))
    expect((await alice.put(canonical(), { alt_aliases: [goes] })).body.errcode).toBe('M_BAD_ALIAS')
  })
})

describe('listing', () => {
  it('is for members, or for all if the history is', async () => {
    const closed = await alice.createRoom()
    const open = await alice.createRoom({
      initial_state: [
        { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } },
      ],
    })
    expect((await bob.get(`/rooms/${encodeURIComponent(closed)}/aliases`)).status).toBe(403)
    expect((await bob.get(`/rooms/${encodeURIComponent(open)}/aliases`)).body).toEqual({ aliases: [] })
  })
})

/** Room aliases. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, api, type Client } from '../../support/client.ts'
import { startServer, type TestServer } from '../../support/server.ts'

let server: TestServer
let http: Api
let alice: Client
let bob: Client
let roomId: string

beforeAll(async () => {
  server = await startServer()
  http = api(server)
  alice = await http.register('alice')
  bob = await http.register('bob')
  roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
})
afterAll(() => server?.stop())

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

  it('may hold any characters', async () => {
    const alias = '#späti/24 h:test.example'
    expect((await alice.put(path(alias), { room_id: roomId })).status).toBe(200)
    expect((await http.request('GET', path(alias))).body.room_id).toBe(roomId)
  })

  it.each([
    ['no alias', 'lounge', {}, 'M_INVALID_PARAM'],
    ['an alias elsewhere', '#a:elsewhere.example', { room_id: '!a:test.example' }, 'M_INVALID_PARAM'],
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
  it('is for its creator and for who may edit the room’s aliases', async () => {
    const [ofBob, ofAlice] = ['#of-bob:test.example', '#of-alice:test.example']
    await bob.put(path(ofBob), { room_id: roomId })
    await alice.put(path(ofAlice), { room_id: roomId })
    const refused = await bob.delete(path(ofAlice))
    expect([refused.status, refused.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    expect((await alice.delete(path(ofBob))).status).toBe(200)
  })

  it('what is not there is not found', async () => {
    const { status, body } = await alice.delete(path('#nothing:test.example'))
    expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND'])
  })
})

describe('listing', () => {
  it('is for members, or for everybody where the history is', async () => {
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

/** History, single events and member lists. */
import { beforeAll, describe, expect, it } from 'vitest'
import { must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'])
let roomId: string
let said: string[]

beforeAll(async () => {
  roomId = await alice.createRoom({ preset: 'public_chat' })
  said = []
  for (let n = 0; n < 25; n += 1) said.push(await alice.say(roomId, `message ${n}`))
})

const room = (rest: string, id = roomId) => `/rooms/${encodeURIComponent(id)}${rest}`
const ids = (chunk: { event_id: string }[]) => chunk.map((event) => event.event_id)

async function walk(dir: 'b' | 'f', limit: number): Promise<string[]> {
  const seen: string[] = []
  let from: string | undefined
  do {
    const { status, body } = await alice.get(room('/messages'), { dir, limit, from })
    expect(status).toBe(200)
    expect(body.chunk.length).toBeLessThanOrEqual(limit)
    seen.push(...ids(body.chunk))
    from = body.end
  } while (from !== undefined)
  return seen
}

describe('/messages', () => {
  it('goes back from the end, ten events at a time by default', async () => {
    const { body } = await alice.get(room('/messages'), { dir: 'b' })
    expect(ids(body.chunk)).toEqual(said.slice(-10).reverse())
    expect(body.chunk[0]).toMatchObject({ room_id: roomId, content: { body: 'message 24' } })
  })

  it('shows everything once in both directions, whatever the page size', async () => {
    const back = await walk('b', 7)
    const forth = await walk('f', 4)
    expect(forth).toEqual([...back].reverse())
    expect(new Set(back).size).toBe(back.length)
    expect(back.slice(0, said.length)).toEqual([...said].reverse())
    expect((await alice.get(room(`/event/${encodeURIComponent(forth[0]!)}`))).body.type).toBe('m.room.create')
  })

  it.each([
    ['b', undefined],
    ['f', undefined],
    ['b', { types: ['m.room.create'] }],
    ['f', { types: ['m.room.create'] }],
  ])('has an end while it shows anything, and none where nothing is left: %s %j', async (dir, filter) => {
    const page = async (from?: string) =>
      must(await alice.get(room('/messages'), { dir, from, limit: 1000, filter: JSON.stringify(filter) }))
        .body
    const all = await page()
    expect(all.chunk.length).toBeGreaterThan(0)
    expect(all.end).toEqual(expect.any(String))
    const rest = await page(all.end)
    expect(rest).toEqual({ chunk: [], start: all.end })
  })

  it('takes the sync token of a user that only looks in as the end of the room', async () => {
    const open = await alice.createRoom({
      preset: 'public_chat',
      initial_state: [
        { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } },
      ],
    })
    const last = await alice.say(open, 'here')
    const guest = await http.register('looker')
    const { next_batch: from } = must(await guest.sync()).body
    const back = must(await guest.get(room('/messages', open), { dir: 'b', from, limit: 1 })).body
    expect(ids(back.chunk)).toEqual([last])
    expect(must(await guest.get(room('/members', open), { at: from })).body.chunk).toHaveLength(1)
    const next = await alice.say(open, 'later')
    const forth = must(await guest.get(room('/messages', open), { dir: 'f', from: back.start })).body
    expect(ids(forth.chunk)).toEqual([next])
    expect(ids(must(await guest.get('/events', { room_id: open, from: forth.end })).body.chunk)).toEqual([])
    const closed = await alice.createRoom({})
    expect((await guest.get(room('/messages', closed), { dir: 'b', from })).status).toBe(403)
  })

  it('goes on from where a sync stood', async () => {
    const { body: sync } = await alice.sync({ filter: '{"room":{"timeline":{"limit":3}}}' })
    const { timeline } = sync.rooms.join[roomId]
    const older = await alice.get(room('/messages'), { dir: 'b', from: timeline.prev_batch, limit: 2 })
    expect(ids(older.body.chunk)).toEqual([said.at(-4), said.at(-5)])
    const all = await alice.get(room('/messages'), { dir: 'b', from: sync.next_batch, limit: 2 })
    expect(ids(all.body.chunk)).toEqual([said.at(-1), said.at(-2)])
  })

  it('starts at the leave, from a sync after it', async () => {
    const left = await alice.createRoom({ preset: 'public_chat' })
    const gone = await http.register('gone')
    must(await gone.join(left))
    const last = await alice.say(left, 'before you go')
    must(await gone.post(room('/leave', left)))
    await alice.say(left, 'after')
    const { next_batch: from } = must(await gone.sync()).body
    const page = async (dir: string) =>
      must(await gone.get(room('/messages', left), { dir, from, limit: 2 })).body.chunk
    const back = await page('b')
    expect(ids(back)[1]).toBe(last)
    expect(back[0].content.membership).toBe('leave')
    expect(await page('f')).toEqual([])
  })

  it('goes forwards if no direction is named', async () => {
    const forwards = (await alice.get(room('/messages'), { dir: 'f' })).body
    expect(ids(must(await alice.get(room('/messages'))).body.chunk)).toEqual(ids(forwards.chunk))
    expect(forwards.chunk[0].type).toBe('m.room.create')
  })

  it('is refused to a user that forgot the room, whether a direction is named or not', async () => {
    const left = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(left))
    must(await alice.post(room('/leave', left)))
    must(await alice.post(room('/forget', left)))
    for (const query of [{}, { dir: 'f' }, { dir: 'b' }]) {
      const { status, body } = await alice.get(room('/messages', left), query)
      expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    }
  })

  it('keeps to a filter', async () => {
    const { body } = await alice.get(room('/messages'), { dir: 'f', filter: '{"types":["m.room.create"]}' })
    expect(body.chunk.map((event: { type: string }) => event.type)).toEqual(['m.room.create'])
  })

  it.each([
    [{ dir: 'x' }, 'M_INVALID_PARAM'],
    [{ dir: 'b', limit: 'many' }, 'M_INVALID_PARAM'],
    [{ dir: 'b', limit: -1 }, 'M_INVALID_PARAM'],
    [{ dir: 'b', from: 'rubbish' }, 'M_INVALID_PARAM'],
    [{ dir: 'b', filter: '{' }, 'M_NOT_JSON'],
    [{ dir: 'b', filter: '{"types":1}' }, 'M_BAD_JSON'],
  ])('refuses %j', async (query, errcode) => {
    const { status, body } = await alice.get(room('/messages'), query)
    expect([status, body.errcode]).toEqual([400, errcode])
  })

  it('is for users that may see the room', async () => {
    const closed = await alice.createRoom()
    const { status, body } = await bob.get(room('/messages', closed), { dir: 'b' })
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })
})

describe('/event', () => {
  it('answers one event', async () => {
    const { body } = await alice.get(room(`/event/${encodeURIComponent(said[3]!)}`))
    expect(body).toMatchObject({ event_id: said[3], room_id: roomId, content: { body: 'message 3' } })
    expect(body.unsigned.age).toBeGreaterThanOrEqual(0)
  })

  it('answers the same for a missing event and for a hidden one', async () => {
    const missing = await alice.get(room(`/event/${encodeURIComponent(`$${'a'.repeat(43)}`)}`))
    const closed = await alice.createRoom()
    const hidden = await alice.say(closed, 'secret')
    const unseen = await bob.get(room(`/event/${encodeURIComponent(hidden)}`, closed))
    for (const { status, body } of [missing, unseen]) {
      expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND'])
    }
  })
})

describe('members', () => {
  it('are listed, and picked by membership', async () => {
    const here = await alice.createRoom({ invite: [bob.userId] })
    const list = async (query = {}) => {
      const { body } = await alice.get(room('/members', here), query)
      return body.chunk.map((event: { state_key: string }) => event.state_key).sort()
    }
    expect(await list()).toEqual([alice.userId, bob.userId])
    expect(await list({ membership: 'invite' })).toEqual([bob.userId])
    expect(await list({ not_membership: 'invite' })).toEqual([alice.userId])
  })

  it('are listed as they were at a sync token', async () => {
    const here = await alice.createRoom({ preset: 'public_chat' })
    const { next_batch: before } = (await alice.sync()).body
    await bob.join(here)
    const { body } = await alice.get(room('/members', here), { at: before })
    expect(body.chunk.map((event: { state_key: string }) => event.state_key)).toEqual([alice.userId])
  })

  it('of a timeline that begins with the room are its creator at first', async () => {
    const here = await alice.createRoom({ preset: 'public_chat' })
    const { rooms } = must(await alice.sync()).body
    await bob.join(here)
    const at = rooms.join[here].timeline.prev_batch
    const { body } = must(await alice.get(room('/members', here), { at }))
    expect(body.chunk.map((event: { state_key: string }) => event.state_key)).toEqual([alice.userId])
  })

  it('of a timeline that begins later are those before it', async () => {
    const here = await alice.createRoom({ preset: 'public_chat' })
    const carol = await http.register('carol')
    await bob.join(here)
    await carol.join(here)
    const filter = '{"room":{"timeline":{"limit":1}}}'
    const at = must(await alice.sync({ filter })).body.rooms.join[here].timeline.prev_batch
    const { body } = must(await alice.get(room('/members', here), { at, membership: 'join' }))
    const users = body.chunk.map((event: { state_key: string }) => event.state_key)
    expect(users.sort()).toEqual([alice.userId, bob.userId])
  })

  it('that are joined come with their names and pictures, null for what they have not set', async () => {
    const here = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(here)
    const member = `/state/m.room.member/${encodeURIComponent(bob.userId)}`
    const avatar_url = `mxc://${server.serverName}/bob`
    must(await bob.put(room(member, here), { membership: 'join', avatar_url }))
    const { joined } = must(await alice.get(room('/joined_members', here))).body
    expect(joined).toEqual({
      [alice.userId]: { display_name: 'alice', avatar_url: null },
      [bob.userId]: { display_name: null, avatar_url },
    })
  })

  it('are filtered only by memberships that exist', async () => {
    const { status, body } = await alice.get(room('/members'), { membership: 'present' })
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
  })

  it.each(['/members', '/joined_members'])('are not told to strangers: %s', async (path) => {
    const closed = await alice.createRoom()
    const { status, body } = await bob.get(room(path, closed))
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })
})

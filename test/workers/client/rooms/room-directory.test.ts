/** The published room directory. */
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'])

const visibility = (roomId: string) => `/directory/list/room/${encodeURIComponent(roomId)}`
const list = (body: Body = {}) => alice.post('/publicRooms', body)
const ids = (body: Body) => body.chunk.map((room: Body) => room.room_id)

/** Waits until the list for this filter holds so many rooms. */
const listed = (count: number, filter: Body) =>
  vi.waitFor(async () => expect((await list({ filter })).body.chunk).toHaveLength(count), {
    timeout: 5000,
    interval: 50,
  })

describe('/publicRooms', () => {
  it('takes null for an absent parameter', async () => {
    const body = { since: null, limit: null, filter: null }
    expect((await list(body)).status).toBe(200)
  })
})

describe('a room', () => {
  it('is listed with what it shows of itself', async () => {
    const roomId = await alice.createRoom({
      visibility: 'public',
      room_alias_name: 'aquarium',
      name: 'The Aquarium',
      topic: 'Fish, and what they say',
      initial_state: [
        { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } },
        { type: 'm.room.guest_access', content: { guest_access: 'can_join' } },
        { type: 'm.room.avatar', content: { url: 'mxc://test.example/fish' } },
      ],
    })
    await bob.join(roomId)
    await expect
      .poll(async () => (await list({ filter: { generic_search_term: 'aquarium' } })).body.chunk, {
        timeout: 5000,
      })
      .toEqual([
        {
          room_id: roomId,
          name: 'The Aquarium',
          topic: 'Fish, and what they say',
          canonical_alias: '#aquarium:test.example',
          avatar_url: 'mxc://test.example/fish',
          num_joined_members: 2,
          world_readable: true,
          guest_can_join: true,
          join_rule: 'public',
        },
      ])
  })

  it('loses a name that is removed or redacted', async () => {
    const roomId = await alice.createRoom({
      visibility: 'public',
      name: 'Wombat burrow',
      topic: 'Wombat care',
    })
    await listed(1, { generic_search_term: 'wombat burrow' })
    const state = (type: string) => `/rooms/${encodeURIComponent(roomId)}/state/${type}`
    await alice.put(state('m.room.name'), {})
    await listed(0, { generic_search_term: 'wombat burrow' })
    const { event_id: topic } = must(await alice.put(state('m.room.topic'), { topic: 'Wombat secrets' })).body
    await listed(1, { generic_search_term: 'wombat secrets' })
    must(await alice.put(`/rooms/${encodeURIComponent(roomId)}/send/m.room.redaction/r1`, { redacts: topic }))
    await listed(0, { generic_search_term: 'wombat' })
    const facts = await server.pg('select facts::text from room_summaries where room_id = $1', [roomId])
    expect(JSON.stringify(facts)).not.toContain('ombat')
  })

  it('without members is not listed', async () => {
    const roomId = await alice.createRoom({ visibility: 'public', name: 'Ghost town' })
    await listed(1, { generic_search_term: 'ghost town' })
    await alice.post(`/rooms/${encodeURIComponent(roomId)}/leave`)
    await listed(0, { generic_search_term: 'ghost town' })
  })
})

describe('visibility', () => {
  it('is known at once for a new room and after a change', async () => {
    const roomId = await alice.createRoom({ visibility: 'public' })
    expect((await alice.get(visibility(roomId))).body).toEqual({ visibility: 'public' })
    expect((await alice.put(visibility(roomId), { visibility: 'private' })).body).toEqual({})
    expect((await http.request('GET', visibility(roomId))).body).toEqual({ visibility: 'private' })
    expect((await alice.put(visibility(roomId), {})).body).toEqual({})
    expect((await http.request('GET', visibility(roomId))).body).toEqual({ visibility: 'public' })
  })

  it('is changed by users that may set the canonical alias', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(roomId)
    const refused = await bob.put(visibility(roomId), { visibility: 'public' })
    expect([refused.status, refused.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    const levels = { users: { [bob.userId]: 50 } }
    must(await alice.put(`/rooms/${encodeURIComponent(roomId)}/state/m.room.power_levels`, levels))
    expect((await bob.put(visibility(roomId), { visibility: 'public' })).status).toBe(200)
  })

  it('of no room is not found', async () => {
    const nowhere = visibility('!nowhere:test.example')
    for (const answer of [
      await alice.get(nowhere),
      await http.request('GET', nowhere),
      await alice.put(nowhere, {}),
    ]) {
      expect([answer.status, answer.body.errcode]).toEqual([404, 'M_NOT_FOUND'])
    }
  })

  it('is public or private', async () => {
    const roomId = await alice.createRoom()
    expect((await alice.put(visibility(roomId), { visibility: 'secret' })).status).toBe(400)
  })
})

describe('the list', () => {
  const rooms: Record<string, string> = {}

  beforeAll(async () => {
    const make = async (name: string, members: Client[], extra: Body = {}) => {
      rooms[name] = await alice.createRoom({ visibility: 'public', name: `Paging ${name}`, ...extra })
      for (const member of members) await member.join(rooms[name])
    }
    const carol = await http.register('carol')
    await make('one', [])
    await make('two', [bob])
    await make('three', [bob, carol])
    await make('space', [bob], { creation_content: { type: 'm.space' } })
    await make('odd', [], { creation_content: { type: 'org.example.odd' } })
    await listed(5, { generic_search_term: 'paging' })
  })

  it('goes from large to small, page by page, and back again', async () => {
    const filter = { generic_search_term: 'Paging' }
    const first = (await list({ limit: 2, filter })).body
    const second = (await list({ limit: 2, filter, since: first.next_batch })).body
    const third = (await list({ limit: 2, filter, since: second.next_batch })).body
    const all = [...ids(first), ...ids(second), ...ids(third)]
    expect(new Set(all)).toEqual(new Set(Object.values(rooms)))
    expect(all[0]).toBe(rooms.three)
    expect(new Set(all.slice(3))).toEqual(new Set([rooms.one, rooms.odd]))
    expect([first.total_room_count_estimate, third.total_room_count_estimate]).toEqual([5, 5])
    expect([first.prev_batch, third.next_batch]).toEqual([undefined, undefined])
    const back = (await list({ limit: 2, filter, since: third.prev_batch })).body
    expect(ids(back)).toEqual(ids(second))
    const start = (await list({ limit: 2, filter, since: back.prev_batch })).body
    expect([ids(start), start.prev_batch]).toEqual([ids(first), undefined])
    expect(ids((await list({ limit: 2, filter, since: start.next_batch })).body)).toEqual(ids(second))
  })

  it.each([
    ['spaces', ['m.space'], ['space']],
    ['rooms without a type', [null], ['one', 'three', 'two']],
    ['either', ['m.space', null], ['one', 'space', 'three', 'two']],
    ['no type at all', [], []],
  ])('is cut to %s', async (_, roomTypes, expected) => {
    const { body } = await list({ filter: { generic_search_term: 'paging', room_types: roomTypes } })
    const names = ids(body).map((id: string) => Object.keys(rooms).find((name) => rooms[name] === id))
    expect(names.sort()).toEqual(expected)
  })

  it('is as long as a page may be if the limit is 0', async () => {
    const { body } = must(await list({ limit: 0, filter: { generic_search_term: 'paging' } }))
    expect(ids(body)).toHaveLength(Object.keys(rooms).length)
    const public_ = must(await http.request('GET', '/publicRooms', undefined, { query: { limit: 0 } })).body
    expect(public_.chunk.length).toBeGreaterThan(1)
  })

  it('is there without a token', async () => {
    const { body } = must(await http.request('GET', '/publicRooms', undefined, { query: { limit: 1 } }))
    expect(body.chunk).toHaveLength(1)
    const next = await http.request('GET', '/publicRooms', undefined, {
      query: { limit: 1, since: body.next_batch },
    })
    expect(ids(next.body)).not.toEqual(ids(body))
  })

  it('finds text whatever its case and accents, and has no patterns', async () => {
    const roomId = await alice.createRoom({ visibility: 'public', name: 'ÜBER 100% Čaj' })
    for (const term of ['über', 'uber 100% caj', '100%']) {
      await listed(1, { generic_search_term: term })
      expect(ids((await list({ filter: { generic_search_term: term } })).body)).toEqual([roomId])
    }
    expect((await list({ filter: { generic_search_term: 'u%r' } })).body.chunk).toEqual([])
  })

  it('holds nothing of networks that are not bridged', async () => {
    const { body } = await list({ third_party_instance_id: 'irc-freenode' })
    expect(body).toEqual({ chunk: [], total_room_count_estimate: 0 })
    expect((await list({ include_all_networks: true })).body.chunk.length).toBeGreaterThan(0)
    const both = await list({ include_all_networks: true, third_party_instance_id: 'irc-freenode' })
    expect([both.status, both.body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
  })

  it('of another server is refused clearly, and that of our own name is answered', async () => {
    const elsewhere = await http.request('GET', '/publicRooms', undefined, {
      query: { server: 'elsewhere.example' },
    })
    expect([elsewhere.status, elsewhere.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    const here = await http.request('GET', '/publicRooms', undefined, { query: { server: 'test.example' } })
    expect(here.status).toBe(200)
  })

  it.each([
    ['a token it never gave', { since: 'nonsense' }, 'M_INVALID_PARAM'],
    ['a limit below none', { limit: -1 }, 'M_INVALID_PARAM'],
    ['a limit that is no number', { limit: 'ten' }, 'M_BAD_JSON'],
    ['room types that are no list', { filter: { room_types: 'm.space' } }, 'M_BAD_JSON'],
  ])('refuses %s', async (_, body, errcode) => {
    const answer = await list(body)
    expect([answer.status, answer.body.errcode]).toEqual([400, errcode])
  })

  it('takes text that Postgres cannot hold', async () => {
    const filter = { generic_search_term: 'a\0b', room_types: ['\0', '\ud800'] }
    expect((await list({ filter })).body.chunk).toEqual([])
  })
})

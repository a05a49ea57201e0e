/** Server side search. */
import { describe, expect, it } from 'vitest'
import { type Body, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'
import { ask, finds, ids, sayAll, search } from './searching.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'])
const path = (roomId: string) => `/rooms/${encodeURIComponent(roomId)}`

describe('a search', () => {
  it('finds messages, names and topics in the rooms of the searcher, and in no others', async () => {
    const roomId = await alice.createRoom({ name: 'Narwhal club', topic: 'All about narwhals' })
    const [message] = await sayAll(server, alice, roomId, ['I saw a narwhal!'])
    const found = await finds(alice, 3, 'narwhal')
    expect(found.count).toBe(3)
    expect(found.highlights.sort()).toEqual(['Narwhal', 'narwhal', 'narwhals'])
    const hit = found.results.find((entry: Body) => entry.result.event_id === message)
    expect(hit).toEqual({
      rank: expect.any(Number),
      result: expect.objectContaining({
        room_id: roomId,
        sender: alice.userId,
        type: 'm.room.message',
        content: { msgtype: 'm.text', body: 'I saw a narwhal!' },
      }),
    })
    for (const [key, type] of [
      ['content.body', 'm.room.message'],
      ['content.name', 'm.room.name'],
      ['content.topic', 'm.room.topic'],
    ]) {
      const { results } = await search(alice, 'narwhal', { keys: [key] })
      expect(results.map((entry: Body) => entry.result.type)).toEqual([type])
    }
    expect(await search(bob, 'narwhal')).toEqual({ count: 0, results: [], highlights: [], groups: {} })
  })

  it('finds what was said a moment ago', async () => {
    const rooms = [await alice.createRoom(), await alice.createRoom()]
    for (const roomId of rooms) {
      const said = await alice.say(roomId, `just said ${roomId}: axolotl`)
      const filter = { rooms: [roomId] }
      expect(ids(await search(alice, 'axolotl', { filter }))).toEqual([said])
    }
    expect(ids(await search(alice, 'axolotl'))).toHaveLength(2)
  })

  it.each([
    ['accents and case', 'Wir treffen uns im SPÄTI', 'späti', 'spatz'],
    ['all words, in any order', 'red green blue', 'blue red', 'blue yellow'],
    ['Chinese', '我昨天去了东京都看樱花', '东京', '京东'],
    ['one Chinese character', '我昨天喝了茶', '茶', '酒'],
    ['Japanese', '今日は天気がいいですね', '天気', '元気'],
    ['Thai', 'สวัสดีครับวันนี้อากาศดี', 'อากาศ', 'อาหาร'],
    ['Korean with its endings', '서울에서 만나요', '서울', '부산'],
    ['Russian', 'Привет, как дела', 'привет', 'пока'],
  ])('understands %s', async (_, text, term, other) => {
    const roomId = await alice.createRoom()
    const said = await sayAll(server, alice, roomId, [text])
    const filter = { rooms: [roomId] }
    expect(ids(await search(alice, term, { filter }))).toEqual(said)
    expect(ids(await search(alice, other, { filter }))).toEqual([])
  })

  it('treats operators and quotes as text', async () => {
    for (const term of [`it's & | ! ( ) :* <-> "`, '\\', '&', '\0', '']) {
      expect((await search(alice, term)).results).toEqual([])
    }
  })

  it('orders by rank, or the newest first', async () => {
    const roomId = await alice.createRoom()
    const [twice, once, other] = await sayAll(server, alice, roomId, [
      'otter otter',
      'an otter',
      'one more otter among many other animals',
    ])
    const filter = { rooms: [roomId] }
    const ranked = await search(alice, 'otter', { filter })
    expect(ids(ranked)[0]).toBe(twice)
    const ranks = ranked.results.map((entry: Body) => entry.rank)
    expect(ranks).toEqual([...ranks].sort((a, b) => b - a))
    expect(ids(await search(alice, 'otter', { filter, order_by: 'recent' }))).toEqual([other, once, twice])
  })

  it('goes by its filter', async () => {
    const [one, two] = [await alice.createRoom({ invite: [bob.userId] }), await alice.createRoom()]
    await bob.join(one)
    const [ofAlice] = await sayAll(server, alice, one, ['badger of alice'])
    const [ofBob] = await sayAll(server, bob, one, ['badger of bob'])
    const [elsewhere] = await sayAll(server, alice, two, ['badger elsewhere'])
    const picture = must(
      await alice.put(`${path(two)}/send/m.room.message/picture`, {
        msgtype: 'm.image',
        body: 'badger.png',
        url: 'mxc://test.example/badger',
      }),
    ).body.event_id
    await finds(alice, 4, 'badger')
    for (const [filter, expected] of [
      [{ rooms: [one] }, [ofBob, ofAlice]],
      [{ not_rooms: [one] }, [picture, elsewhere]],
      [{ senders: [bob.userId] }, [ofBob]],
      [{ not_senders: [alice.userId] }, [ofBob]],
      [{ contains_url: true }, [picture]],
      [{ contains_url: false, rooms: [two] }, [elsewhere]],
      [{ types: ['m.room.name'] }, []],
      [{ types: ['m.room.mess*'], limit: 2 }, [picture, elsewhere]],
      [{ not_types: ['m.room.message'] }, []],
      [{ rooms: [] }, []],
    ] as const) {
      const found = await search(alice, 'badger', { filter, order_by: 'recent' })
      expect([filter, ids(found)]).toEqual([filter, expected])
    }
  })

  it('shows the events around a result, and the people by the names they had', async () => {
    const roomId = await alice.createRoom()
    const said = await sayAll(server, alice, roomId, ['a1', 'a2', 'the heron', 'b1', 'b2', 'b3'])
    const context = { before_limit: 1, after_limit: 2, include_profile: true }
    const [hit] = (await search(alice, 'heron', { event_context: context })).results
    expect(hit.result.event_id).toBe(said[2])
    expect(hit.context.events_before.map((event: Body) => event.event_id)).toEqual([said[1]])
    expect(hit.context.events_after.map((event: Body) => event.event_id)).toEqual([said[3], said[4]])
    expect(hit.context.profile_info).toEqual({ [alice.userId]: expect.any(Object) })
    const before = must(
      await alice.get(`${path(roomId)}/messages`, { dir: 'b', from: hit.context.start, limit: 1 }),
    )
    expect(before.body.chunk[0].event_id).toBe(said[0])
    const after = must(
      await alice.get(`${path(roomId)}/messages`, { dir: 'f', from: hit.context.end, limit: 1 }),
    )
    expect(after.body.chunk[0].event_id).toBe(said[5])
    const [usual] = (await search(alice, 'heron', { event_context: {} })).results
    expect([usual.context.events_before.length, usual.context.events_after.length]).toEqual([5, 3])
    expect(usual.context.profile_info).toBeUndefined()
  })

  it('brings the state of the rooms if asked', async () => {
    const roomId = await alice.createRoom({ name: 'Stateful' })
    await sayAll(server, alice, roomId, ['a pelican'])
    const { state } = await search(alice, 'pelican', { include_state: true })
    expect(Object.keys(state)).toEqual([roomId])
    expect(state[roomId]).toContainEqual(expect.objectContaining({ type: 'm.room.name' }))
  })
})

describe('pages', () => {
  it.each(['rank', 'recent'])('by %s go through all results, each once', async (order) => {
    const roomId = await alice.createRoom()
    const texts = Array.from({ length: 7 }, (_, index) => `${'puffin '.repeat((index % 3) + 1)}${index}`)
    const said = await sayAll(server, alice, roomId, texts)
    const criteria = { filter: { rooms: [roomId], limit: 3 }, order_by: order }
    const whole = ids(await search(alice, 'puffin', { filter: { rooms: [roomId] }, order_by: order }))
    expect([...whole].sort()).toEqual([...said].sort())
    const shown: string[] = []
    let next: string | undefined
    do {
      const page = await search(alice, 'puffin', criteria, next)
      expect(page.count).toBe(7)
      shown.push(...ids(page))
      next = page.next_batch
    } while (next !== undefined)
    expect(shown).toEqual(whole)
  })

  it('name a next page after each full one, and none after the empty one', async () => {
    const roomId = await alice.createRoom()
    const said = await sayAll(server, alice, roomId, ['auk 1', 'auk 2', 'auk 3', 'auk 4'])
    const criteria = { filter: { rooms: [roomId], limit: 2 }, order_by: 'recent' }
    const first = await search(alice, 'auk', criteria)
    const second = await search(alice, 'auk', criteria, first.next_batch)
    expect([...ids(first), ...ids(second)]).toEqual([...said].reverse())
    const third = await search(alice, 'auk', criteria, second.next_batch)
    expect([ids(third), third.count, third.next_batch]).toEqual([[], 4, undefined])
    expect(
      (await search(alice, 'auk', { ...criteria, filter: { rooms: [roomId], limit: 5 } })).next_batch,
    ).toBe(undefined)
  })

  it('are given for each group, and go on within one', async () => {
    const [one, two] = [await alice.createRoom({ invite: [bob.userId] }), await alice.createRoom()]
    await bob.join(one)
    const first = await sayAll(server, alice, one, ['kiwi 1', 'kiwi 2'])
    const second = await sayAll(server, bob, one, ['kiwi 3'])
    const third = await sayAll(server, alice, two, ['kiwi 4', 'kiwi 5'])
    const criteria = {
      filter: { limit: 3 },
      order_by: 'recent',
      groupings: { group_by: [{ key: 'room_id' }, { key: 'sender' }] },
    }
    const { groups } = await search(alice, 'kiwi', criteria)
    expect(groups.room_id).toEqual({
      [two]: { results: [third[1], third[0]], order: 1 },
      [one]: { results: [second[0]], order: 2, next_batch: expect.any(String) },
    })
    expect(groups.sender).toEqual({
      [alice.userId]: { results: [third[1], third[0]], order: 1, next_batch: expect.any(String) },
      [bob.userId]: { results: [second[0]], order: 2 },
    })
    for (const group of [groups.room_id[one], groups.sender[alice.userId]]) {
      const more = await search(alice, 'kiwi', criteria, group.next_batch)
      expect([ids(more), more.next_batch]).toEqual([[first[1], first[0]], undefined])
    }
  })

  it.each([
    ['a token never given', 'nonsense'],
    ['a token of another order', undefined],
  ])('refuse %s', async (_, given) => {
    const roomId = await alice.createRoom()
    await sayAll(server, alice, roomId, ['toucan', 'toucan'])
    const token = given ?? (await search(alice, 'toucan', { filter: { limit: 1 } })).next_batch
    const { status, body } = await ask(alice, { search_term: 'toucan', order_by: 'recent' }, token)
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
  })
})

describe('a request', () => {
  it.each([
    ['no categories', {}, 'M_MISSING_PARAM'],
    ['no term', { search_categories: { room_events: {} } }, 'M_MISSING_PARAM'],
    ['a term that is no text', { search_categories: { room_events: { search_term: 5 } } }, 'M_BAD_JSON'],
    [
      'an unknown order',
      { search_categories: { room_events: { search_term: 'a', order_by: 'oldest' } } },
      'M_INVALID_PARAM',
    ],
    [
      'an unknown key',
      { search_categories: { room_events: { search_term: 'a', keys: ['content.formatted_body'] } } },
      'M_INVALID_PARAM',
    ],
  ])('with %s is refused', async (_, body, errcode) => {
    const answer = await alice.post('/search', body)
    expect([answer.status, answer.body.errcode]).toEqual([400, errcode])
  })

  it('for unknown categories is answered with none', async () => {
    expect((await alice.post('/search', { search_categories: {} })).body).toEqual({ search_categories: {} })
  })

  it('without a live session is refused', async () => {
    const body = { search_categories: {} }
    expect((await http.request('POST', '/search', body)).body.errcode).toBe('M_MISSING_TOKEN')
    const gone = await http.register('gone')
    await gone.post('/logout')
    expect((await ask(gone, { search_term: 'a' })).body.errcode).toBe('M_UNKNOWN_TOKEN')
  })
})

/** Lists and texts that a client may lengthen, and that are held against what others wrote: bounded at the door. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Body, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { http, alice } = serving(['alice'], { presence: 'off' })
let room: string

beforeAll(async () => {
  room = await alice.createRoom({ preset: 'public_chat' })
})

const many = (count: number, name: (n: number) => string) => Array.from({ length: count }, (_, n) => name(n))
const failure = ({ status, body }: Answer) => [status, body.errcode]
const own = (rest: string) => `/user/${encodeURIComponent(alice.userId)}/${rest}`
const at = (rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`
const users = (count: number) =>
  Object.fromEntries(many(count, (n) => `@u${n}:test.example`).map((id) => [id, {}]))
const word = 'x'.repeat(1_025)

describe('a filter', () => {
  const longLists: [string, Body][] = [
    ['types', { room: { timeline: { types: many(1_001, (n) => `t${n}`) } } }],
    ['patterns', { room: { timeline: { not_types: many(101, (n) => `t${n}*`) } } }],
    ['a long pattern', { presence: { types: ['*'.repeat(256)] } }],
    ['senders', { account_data: { senders: many(1_001, (n) => `@u${n}:test.example`) } }],
    ['rooms', { room: { rooms: many(1_001, (n) => `!r${n}:test.example`) } }],
    [
      'rooms that are not wanted',
      { room: { ephemeral: { not_rooms: many(1_001, (n) => `!r${n}:test.example`) } } },
    ],
    ['relations', { room: { timeline: { 'org.matrix.msc3874.rel_types': many(1_001, (n) => `r${n}`) } } }],
    ['fields', { event_fields: many(1_001, (n) => `content.f${n}`) }],
  ]
  it.each(longLists)('has a bound of %s', async (_, filter) => {
    expect(failure(await alice.post(own('filter'), filter))).toEqual([400, 'M_BAD_JSON'])
  })

  it('is bounded as a whole, and inline too', async () => {
    const long = { made_up: 'x'.repeat(65_536) }
    expect(failure(await alice.post(own('filter'), long))).toEqual([413, 'M_TOO_LARGE'])
    const patterns = JSON.stringify({ types: many(101, (n) => `t${n}*`) })
    expect(failure(await alice.get(at('messages'), { dir: 'b', filter: patterns }))).toEqual([
      400,
      'M_BAD_JSON',
    ])
    const sync = JSON.stringify({ room: { timeline: { types: many(101, (n) => `t${n}*`) } } })
    expect(failure(await alice.sync({ filter: sync }))).toEqual([400, 'M_BAD_JSON'])
  })

  it('of the largest allowed size finds its events', async () => {
    const event = await alice.say(room, 'found')
    const types = [...many(99, (n) => `t${n}*`), 'm.room.mess*', ...many(900, (n) => `t${n}`)]
    const senders = [...many(999, (n) => `@u${n}:test.example`), alice.userId]
    const { filter_id } = must(
      await alice.post(own('filter'), { room: { timeline: { types, senders } } }),
    ).body
    const { rooms } = must(await alice.sync({ filter: filter_id })).body
    expect(rooms.join[room].timeline.events.map(({ event_id }: Body) => event_id)).toEqual([event])
  })
})

describe('what is searched for', () => {
  const searches: [string, () => Promise<Answer>][] = [
    ['messages', () => alice.post('/search', { search_categories: { room_events: { search_term: word } } })],
    ['people', () => alice.post('/user_directory/search', { search_term: word })],
    ['rooms', () => alice.post('/publicRooms', { filter: { generic_search_term: word } })],
  ]
  it.each(searches)('has a bound if it is %s', async (_, search) => {
    expect(failure(await search())).toEqual([400, 'M_INVALID_PARAM'])
  })
})

describe('a list', () => {
  const lists: [string, () => Promise<Answer>, string][] = [
    [
      'ignored users',
      () => alice.put(own('account_data/m.ignored_user_list'), { ignored_users: users(1_001) }),
      'M_INVALID_PARAM',
    ],
    [
      'globs of invites',
      () =>
        alice.put(own('account_data/org.matrix.msc4155.invite_permission_config'), {
          blocked_users: many(501, (n) => `@${n}*`),
        }),
      'M_INVALID_PARAM',
    ],
    [
      'types of rooms',
      () => alice.post('/publicRooms', { filter: { room_types: many(51, (n) => `t${n}`) } }),
      'M_BAD_JSON',
    ],
    [
      'aliases',
      () =>
        alice.put(at('state/m.room.canonical_alias/'), {
          alt_aliases: many(101, (n) => `#a${n}:test.example`),
        }),
      'M_BAD_JSON',
    ],
    ['devices', () => alice.post('/delete_devices', { devices: many(1_001, (n) => `D${n}`) }), 'M_BAD_JSON'],
    [
      'kinds of relations',
      async () =>
        alice.put(at(`redact/${encodeURIComponent(await alice.say(room, 'x'))}/t1`), {
          with_relations: many(51, (n) => `r${n}`),
        }),
      'M_BAD_JSON',
    ],
    [
      'first state',
      () =>
        alice.post('/createRoom', {
          initial_state: many(501, (n) => `t${n}`).map((type) => ({ type, content: {} })),
        }),
      'M_BAD_JSON',
    ],
  ]
  it.each(lists)('of %s has a bound', async (_, send, errcode) => {
    expect(failure(await send())).toEqual([400, errcode])
  })

  it('of ignored users may have a thousand, and the last one counts', async () => {
    const bob = await http.register('bob')
    must(await bob.join(room))
    const ignored_users = { ...users(999), [bob.userId]: {} }
    must(await alice.put(own('account_data/m.ignored_user_list'), { ignored_users }))
    await bob.say(room, 'unheard')
    const { chunk } = must(await alice.get(at('messages'), { dir: 'b', limit: 1 })).body
    expect(chunk[0]).toMatchObject({ type: 'm.room.member', sender: bob.userId })
  })
})

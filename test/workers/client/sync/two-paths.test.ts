/**
 * An answer of sync is made from what wakes have brought, or by asking the Room; counts by the User or by the Room. It
 * is the same answer: whatever has happened, early or late, whole or behind a gap, and after evictions.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { settled } from '../../../support/faults.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http } = serving([], { presence: 'off' })
let alice: Client
let bob: Client
let carol: Client

beforeAll(async () => {
  ;[alice, bob, carol] = (await Promise.all(
    ['alice', 'bob', 'carol'].map((name) => http.register(name)),
  )) as [Client, Client, Client]
})

const at = (room: string, ...rest: string[]) => `/rooms/${[room, ...rest].map(encodeURIComponent).join('/')}`
let txn = 0
const send = async (client: Client, room: string, content: Body, type = 'm.room.message'): Promise<string> =>
  must(await client.put(at(room, 'send', type, `t${txn++}`), content)).body.event_id
const text = (body: string, more: Body = {}) => ({ msgtype: 'm.text', body, ...more })
const relates = (rel_type: string, event_id: string, more: Body = {}) => ({
  'm.relates_to': { rel_type, event_id, ...more },
})
const state = (client: Client, room: string, type: string, content: Body) =>
  client.put(at(room, 'state', type, ''), content).then(must)
const read = (client: Client, room: string, eventId: string, body: Body = {}, kind = 'm.read') =>
  client.post(at(room, 'receipt', kind, eventId), body).then(must)

interface Scene {
  room: string
  /** Messages of Bob's that were there before. */
  first: string
  second: string
}

type Act = (scene: Scene) => Promise<unknown>

const ACTS: Record<string, Act> = {
  'a message': ({ room }) => bob.say(room, 'hello'),
  'a mention': ({ room }) => send(bob, room, text('hey', { 'm.mentions': { user_ids: [alice.userId] } })),
  'one’s own message': ({ room }) => alice.say(room, 'mine'),
  'many messages': async ({ room }) => {
    for (let n = 0; n < 5; n += 1) await bob.say(room, `${n}`)
  },
  'a redaction': ({ room, first }) => bob.put(at(room, 'redact', first, 'r'), { reason: 'oops' }).then(must),
  'a redaction of what is news': async ({ room }) => {
    const news = await bob.say(room, 'gone at once')
    must(await bob.put(at(room, 'redact', news, 'r'), {}))
  },
  'an edit': ({ room, first }) =>
    send(bob, room, { ...text('* new'), 'm.new_content': text('new'), ...relates('m.replace', first) }),
  'a reaction': ({ room, first }) =>
    send(carol, room, relates('m.annotation', first, { key: '+' }), 'm.reaction'),
  'a thread': async ({ room, first }) => {
    for (const n of [1, 2]) await send(carol, room, { ...text(`${n}`), ...relates('m.thread', first) })
  },
  'a thread, read in part': async ({ room, first }) => {
    const reply = await send(carol, room, { ...text('1'), ...relates('m.thread', first) })
    await send(carol, room, { ...text('2'), ...relates('m.thread', first) })
    await read(alice, room, reply, { thread_id: first })
  },
  'a topic': ({ room }) => state(bob, room, 'm.room.topic', { topic: 'new' }),
  'a topic, twice': async ({ room }) => {
    await state(bob, room, 'm.room.topic', { topic: 'one' })
    await state(bob, room, 'm.room.topic', { topic: 'two' })
  },
  'power levels': async ({ room }) => {
    const { body } = must(await alice.get(at(room, 'state', 'm.room.power_levels', '')))
    await state(alice, room, 'm.room.power_levels', { ...body, users: { ...body.users, [carol.userId]: 50 } })
  },
  'a new name': ({ room }) =>
    carol
      .put(at(room, 'state', 'm.room.member', carol.userId), { membership: 'join', displayname: `C${txn++}` })
      .then(must),
  'somebody who leaves': ({ room }) => carol.post(at(room, 'leave')).then(must),
  'somebody who is kicked and comes back': async ({ room }) => {
    must(await alice.post(at(room, 'kick'), { user_id: carol.userId }))
    must(await carol.join(room))
  },
  // Neither path tells of a receipt that still waits for company.
  'a receipt': ({ room, second }) => read(bob, room, second).then(() => settled(http)),
  'one’s own receipt': ({ room, first }) => read(alice, room, first),
  'one’s own private receipt': ({ room, second }) => read(alice, room, second, {}, 'm.read.private'),
  'messages around a receipt': async ({ room }) => {
    await bob.say(room, 'before')
    await read(alice, room, await bob.say(room, 'read'))
    await send(bob, room, text('after', { 'm.mentions': { user_ids: [alice.userId] } }))
  },
  tags: ({ room }) => alice.put(`/user/${alice.userId}${at(room, 'tags', 'u.x')}`, { order: 0.1 }).then(must),
}

async function scene(): Promise<Scene> {
  const room = await alice.createRoom({
    preset: 'public_chat',
    power_level_content_override: { state_default: 0, events: {} },
  })
  for (const one of [bob, carol]) must(await one.join(room))
  const [first, second] = [await bob.say(room, 'first'), await bob.say(room, 'second')]
  return { room, first, second }
}

const QUERIES = Object.entries({
  whole: undefined,
  'limit 1': { limit: 1 },
  'no timeline': { limit: 0 },
  'one type': { types: ['m.room.message'] },
}).flatMap(([name, timeline]) =>
  [false, true].map((after) => ({
    name: `${name}${after ? ', state after' : ''}`,
    query: {
      filter: JSON.stringify({ room: { timeline: { unread_thread_notifications: true, ...timeline } } }),
      use_state_after: after,
    },
  })),
)

/** What a sync says of a room, but for how long ago it was. */
async function shown(room: string, since: string, query: Body): Promise<Body> {
  const { body } = must(await alice.sync({ since, ...query }))
  return JSON.parse(
    JSON.stringify(body.rooms?.join?.[room] ?? null, (key, value) => (key === 'age' ? 0 : value)),
  )
}

/** What wakes have brought is forgotten, and so are the counts: the Room is asked for all. */
const evict = () => server.evict('USER', objectName.user(server.serverName, alice.userId))

describe('sync, by either path', () => {
  it.each(Object.entries(ACTS))('tells the same about %s', async (_, act) => {
    const before = await scene()
    const since: string = must(await alice.sync()).body.next_batch
    await act(before)
    for (const { name, query } of QUERIES) {
      const warm = await shown(before.room, since, query)
      await evict()
      expect(await shown(before.room, since, query), name).toEqual(warm)
    }
    // Late: more has come since, and what was brought by wakes is asked for from a place in its midst.
    await bob.say(before.room, 'later')
    await alice.sync({ since })
    const late = await shown(before.room, since, {})
    await evict()
    expect(await shown(before.room, since, {}), 'late').toEqual(late)
  })
})

/** Which parts of a sync a filter reaches: rooms, timeline, state, what passes, account data, presence. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Body, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { alice, bob } = serving(['alice', 'bob'], {
  staysAwake: 'what is known of others’ presence lives in memory',
})
let room: string
let other: string
let since: string

const at = (id: string, rest: string) => `/rooms/${encodeURIComponent(id)}/${rest}`
const dataAt = (type: string, id?: string) =>
  `/user/${encodeURIComponent(alice.userId)}/${id === undefined ? '' : `rooms/${encodeURIComponent(id)}/`}account_data/${type}`
const sync = async (filter: Body, query: Body = {}): Promise<Body> =>
  must(await alice.sync({ filter: JSON.stringify(filter), ...query })).body
const typesOf = (events: Body[] = []): string[] => events.map(({ type }) => type)

/** Two rooms of both, in each of which something was said, set, read and typed since a token. */
beforeEach(async () => {
  room = await alice.createRoom({ preset: 'public_chat' })
  other = await alice.createRoom({ preset: 'public_chat' })
  for (const id of [room, other]) must(await bob.join(id))
  since = must(await alice.sync()).body.next_batch
  for (const id of [room, other]) {
    const event = await bob.say(id, 'hello')
    must(await alice.put(at(id, 'state/m.room.topic'), { topic: 'new' }))
    must(await bob.post(at(id, `receipt/m.read/${encodeURIComponent(event)}`), {}))
    must(await alice.put(dataAt('org.example.note', id), { n: 1 }))
  }
})

describe('a filter of rooms', () => {
  it('holds for every part, and a part’s own list cannot add what is excluded', async () => {
    const both = { rooms: [room, other], not_rooms: [other] }
    expect(Object.keys((await sync({ room: both }, { since })).rooms.join)).toEqual([room])
    const parts = { timeline: both, state: both, ephemeral: both, account_data: both }
    // A receipt is told a moment after it was sent.
    const told = async () => (await sync({ room: parts }, { since })).rooms.join
    await expect.poll(async () => typesOf((await told())[room].ephemeral.events)).toEqual(['m.receipt'])
    const join = await told()
    expect(join[room].timeline.events).toHaveLength(2)
    expect(typesOf(join[room].account_data.events)).toEqual(['org.example.note'])
    expect(join[other]?.timeline.events ?? []).toEqual([])
    expect(join[other]?.ephemeral.events ?? []).toEqual([])
    expect(join[other]?.account_data.events ?? []).toEqual([])
  })

  it('holds for account data even if nothing else is news', async () => {
    const now = must(await alice.sync()).body.next_batch
    must(await alice.put(dataAt('org.example.note', room), { n: 2 }))
    must(await alice.put(dataAt('org.example.note', other), { n: 2 }))
    const { join } = (await sync({ room: { account_data: { not_rooms: [other] } } }, { since: now })).rooms
    expect(Object.keys(join)).toEqual([room])
  })

  it('that is empty lets nothing through', async () => {
    expect((await sync({ room: { rooms: [] } })).rooms).toBeUndefined()
    const { join } = (await sync({ room: { timeline: { rooms: [] }, state: { rooms: [] } } })).rooms
    expect([join[room].timeline.events, join[room].state.events]).toEqual([[], []])
  })

  it('holds for invites and for rooms that were left', async () => {
    const invited = await bob.createRoom({ invite: [alice.userId] })
    must(await alice.post(at(other, 'leave')))
    const without = (await sync({ room: { not_rooms: [invited, other] } }, { since })).rooms
    expect([without.invite?.[invited], without.leave?.[other]]).toEqual([undefined, undefined])
    const all = (await sync({ room: { not_rooms: [room] } }, { since })).rooms
    expect([all.invite[invited] !== undefined, all.leave[other] !== undefined]).toEqual([true, true])
  })
})

describe('a filter of types', () => {
  it('takes wildcards, and excludes even what it also names', async () => {
    const timeline = { types: ['m.room.*'], not_types: ['m.room.mess*'] }
    const section = (await sync({ room: { timeline } }, { since })).rooms.join[room]
    expect(typesOf(section.timeline.events)).toEqual(['m.room.topic'])
  })

  it('that is empty lets nothing through', async () => {
    const none = { types: [] }
    const filter = { room: { timeline: none, state: none, ephemeral: none, account_data: none } }
    const body = await sync({ ...filter, account_data: none, presence: none })
    const { timeline, state, ephemeral, account_data } = body.rooms.join[room]
    for (const part of [timeline, state, ephemeral, account_data]) expect(part.events).toEqual([])
    expect(body.account_data?.events ?? []).toEqual([])
    expect(body.presence).toBeUndefined()
  })

  it('that leaves out what came leaves no gap', async () => {
    const filter = { room: { timeline: { types: ['org.example.none'], limit: 1 } } }
    for (let n = 0; n < 3; n += 1) await bob.say(room, `${n}`)
    const { timeline } = (await sync(filter, { since })).rooms.join[room]
    expect([timeline.events, timeline.limited]).toEqual([[], false])
  })

  it('leaves a gap only if more of what it admits has come', async () => {
    const timeline = { types: ['m.room.topic'], limit: 1 }
    for (let n = 0; n < 3; n += 1) await bob.say(room, `${n}`)
    const one = (await sync({ room: { timeline } }, { since })).rooms.join[room].timeline
    expect([typesOf(one.events), one.limited]).toEqual([['m.room.topic'], false])
    must(await alice.put(at(room, 'state/m.room.topic'), { topic: 'newer' }))
    const two = (await sync({ room: { timeline } }, { since })).rooms.join[room].timeline
    expect([two.events[0].content.topic, two.limited]).toEqual(['newer', true])
  })

  it('holds for the state', async () => {
    const state = { types: ['m.room.create', 'm.room.member'], not_senders: [bob.userId] }
    const section = (await sync({ room: { state, timeline: { limit: 1 } } })).rooms.join[room]
    expect(typesOf(section.state.events).toSorted()).toEqual(['m.room.create', 'm.room.member'])
  })

  it('holds for global account data', async () => {
    must(await alice.put(dataAt('org.example.a'), { a: 1 }))
    must(await alice.put(dataAt('org.example.b'), { a: 1 }))
    const body = await sync({ account_data: { types: ['org.example.*'], not_types: ['*.b'] } })
    expect(typesOf(body.account_data.events)).toEqual(['org.example.a'])
  })
})

describe('a filter of senders', () => {
  it('holds for presence and the timeline, and excludes even what it also names', async () => {
    must(await bob.sync())
    const senders = { senders: [alice.userId, bob.userId], not_senders: [alice.userId] }
    const body = await sync({ presence: senders, room: { timeline: senders } }, { since })
    expect(body.presence.events.map(({ sender }: Body) => sender)).toEqual([bob.userId])
    expect(typesOf(body.rooms.join[room].timeline.events)).toEqual(['m.room.message'])
  })
})

describe('a filter of the parts of a room', () => {
  it('does not hold back invites and knocks', async () => {
    const invited = await bob.createRoom({ invite: [alice.userId] })
    const none = { types: [] }
    const filter = { room: { timeline: none, state: none, ephemeral: none, account_data: none } }
    for (const query of [{}, { since }]) {
      const { events } = (await sync(filter, query)).rooms.invite[invited].invite_state
      expect(typesOf(events)).toContain('m.room.create')
    }
  })

  it('with a limit of 0 leads to all that came', async () => {
    const { timeline } = (await sync({ room: { timeline: { limit: 0 } } }, { since })).rooms.join[room]
    expect([timeline.events, timeline.limited]).toEqual([[], true])
    const query = { dir: 'b', from: timeline.prev_batch, limit: 2 }
    const { chunk } = must(await alice.get(at(room, 'messages'), query)).body
    expect(typesOf(chunk)).toEqual(['m.room.topic', 'm.room.message'])
  })

  it('leads to the history before the timeline that it lets through', async () => {
    const timeline = { types: ['m.room.message'], limit: 1 }
    for (const text of ['one', 'two']) await bob.say(room, text)
    const shown = (await sync({ room: { timeline } }, { since })).rooms.join[room].timeline
    const query = { dir: 'b', from: shown.prev_batch, limit: 2, filter: JSON.stringify(timeline) }
    const { chunk } = must(await alice.get(at(room, 'messages'), { ...query, limit: 2 })).body
    const texts = [...chunk.toReversed(), ...shown.events].map(({ content }: Body) => content.body)
    expect(texts.slice(-3)).toEqual(['hello', 'one', 'two'])
  })
})

describe('without a filter', () => {
  it('a timeline has at most twenty events', async () => {
    for (let n = 0; n < 25; n += 1) await bob.say(room, `${n}`)
    const { timeline } = must(await alice.sync({ since })).body.rooms.join[room]
    expect([timeline.events.length, timeline.limited]).toEqual([20, true])
  })
})

describe('the filter of a sync', () => {
  it.each(['unknown', '{"room":1}', '{broken', '{"room":{"timeline":{"limit":-1}}}'])(
    'that is %s is refused',
    async (filter) => {
      const { status, body } = await alice.sync({ filter })
      expect(status).toBe(400)
      expect(body.errcode).toMatch(/^M_(INVALID_PARAM|BAD_JSON|NOT_JSON)$/)
    },
  )
})

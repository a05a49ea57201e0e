/** What a sync brings besides messages and members: the shapes that filters ask for, and rooms left. */
import { describe, expect, it } from 'vitest'
import { type Body, must, type Query } from '../../../support/client.ts'
import { fourPeople, joinedRoom, membersOf, room, sync } from './four.ts'

const { alice, bob, carol, dora, four } = fourPeople()

describe('a filter', () => {
  it('can ask for the federation format, also while waiting', async () => {
    const id = await four()
    const filter = JSON.stringify({ event_format: 'federation', room: { timeline: { limit: 2 } } })
    const first = await sync(dora, { filter })
    const { timeline, state } = first.rooms.join[id]
    const raw = { auth_events: expect.any(Array), prev_events: expect.any(Array), hashes: expect.any(Object) }
    expect(timeline.events[0]).toMatchObject({
      event_id: expect.any(String),
      ...raw,
      depth: expect.any(Number),
    })
    expect(state.events[0]).toMatchObject(raw)
    const waiting = sync(dora, { filter, since: first.next_batch, timeout: 10_000 })
    await bob.say(id, 'news')
    const section = (await waiting).rooms.join[id]
    expect(section.timeline.events[0]).toMatchObject({ ...raw, content: { body: 'news' } })
  })

  it('cuts events to the fields it names, in increments too', async () => {
    const id = await four()
    const filter = JSON.stringify({ event_fields: ['type', 'content.body'] })
    const { next_batch: since } = await sync(dora, { filter })
    await bob.say(id, 'short')
    const { timeline } = await joinedRoom(dora, id, { since, filter })
    expect(timeline.events).toMatchObject([{ type: 'm.room.message', sender: bob.userId }])
    expect(timeline.events[0].content).toEqual({ body: 'short' })
    expect(timeline.events[0].unsigned).toBeUndefined()
  })

  it('picks by URL and by relation in sync, /messages and /context', async () => {
    const id = await four()
    const { next_batch: since } = await sync(dora)
    const put = async (n: string, content: object): Promise<string> =>
      must(await bob.put(room(id, `/send/m.room.message/${n}`), { msgtype: 'm.text', body: n, ...content }))
        .body.event_id
    const plain = await put('plain', {})
    const image = await put('image', { url: 'mxc://test.example/x' })
    const thread = await put('thread', { 'm.relates_to': { rel_type: 'm.thread', event_id: plain } })
    const types = ['m.room.message']
    const cases: [object, string[]][] = [
      [{ contains_url: true }, [image]],
      [{ contains_url: false }, [plain, thread]],
      [{ 'org.matrix.msc3874.rel_types': ['m.thread'] }, [thread]],
      [{ 'org.matrix.msc3874.not_rel_types': ['m.thread'] }, [plain, image]],
    ]
    const ids = (events: Body[]) => events.map(({ event_id }) => event_id)
    for (const [extra, expected] of cases) {
      const filter = { types, ...extra }
      const section = await joinedRoom(dora, id, {
        since,
        filter: JSON.stringify({ room: { timeline: filter } }),
      })
      expect(ids(section.timeline.events)).toEqual(expected)
      const query = { filter: JSON.stringify(filter), limit: 50 }
      const messages = must(await dora.get(room(id, '/messages'), { dir: 'b', from: undefined, ...query }))
        .body.chunk
      const newest = ids(messages).filter((event) => [plain, image, thread].includes(event))
      expect(newest.reverse()).toEqual(expected)
      const around = must(await dora.get(room(id, `/context/${encodeURIComponent(plain)}`), query)).body
      expect(ids(around.events_after)).toEqual(expected.filter((event) => event !== plain))
    }
  })

  it('picks account data of rooms by room', async () => {
    const id = await four()
    const path = `/user/${encodeURIComponent(dora.userId)}/rooms/${encodeURIComponent(id)}/account_data/com.example.a`
    must(await dora.put(path, { a: 1 }))
    const of = async (account_data: object) =>
      (await joinedRoom(dora, id, { filter: JSON.stringify({ room: { account_data } }) })).account_data.events
    expect(await of({ rooms: [id] })).toMatchObject([{ type: 'com.example.a' }])
    expect(await of({ not_rooms: [id] })).toEqual([])
    expect(await of({ not_types: ['com.example.*'] })).toEqual([])
  })
})

describe('a timeline of messages alone', () => {
  it('leaves changes of state to the state section, wherever they lie', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    const filter = JSON.stringify({ room: { timeline: { types: ['m.room.message'] } } })
    const since = (await alice.sync({ filter })).body.next_batch
    const path = `/rooms/${encodeURIComponent(roomId)}/state/m.room.topic`
    must(await alice.put(path, { topic: 'first' }))
    await alice.say(roomId, 'between')
    must(await alice.put(path, { topic: 'second' }))
    for (const query of [{ filter }, { filter, since }]) {
      const { state, timeline } = (await alice.sync(query)).body.rooms.join[roomId]
      const topics = state.events.filter(({ type }: Body) => type === 'm.room.topic')
      expect(topics.map(({ content }: Body) => content.topic)).toEqual(['second'])
      expect(timeline.events.map(({ content }: Body) => content.body)).toEqual(['between'])
    }
  })
})

describe('a room that hides its past', () => {
  it.each(['joined', 'invited'])(
    'tells who comes, and who has left, all its state: %s',
    async (visibility) => {
      const hidden = { type: 'm.room.history_visibility', content: { history_visibility: visibility } }
      const roomId = await alice.createRoom({ preset: 'public_chat', topic: 'old', initial_state: [hidden] })
      const path = `/rooms/${encodeURIComponent(roomId)}/state`
      must(await alice.put(`${path}/m.room.topic`, { topic: 'new' }))
      must(await alice.put(`${path}/m.room.encryption`, { algorithm: 'm.megolm.v1.aes-sha2' }))
      const before = (await dora.sync()).body.next_batch
      must(await dora.join(roomId))
      await alice.say(roomId, 'welcome')
      const expectAllState = async (kind: string, query: Query) => {
        const { state, timeline } = (await dora.sync(query)).body.rooms[kind][roomId]
        const told = new Map<string, Body>()
        for (const event of [...state.events, ...timeline.events]) {
          if (event.state_key !== undefined) told.set(`${event.type}/${event.state_key}`, event.content)
        }
        expect(told.get('m.room.topic/')?.topic).toBe('new')
        expect(told.has('m.room.encryption/')).toBe(true)
        expect(told.size).toBe(must(await dora.get(path)).body.length)
        expect(timeline).toMatchObject({ limited: true, prev_batch: expect.any(String) })
      }
      for (const query of [{}, { since: before }]) await expectAllState('join', query)
      must(await dora.post(`/rooms/${encodeURIComponent(roomId)}/leave`))
      must(await alice.put(`${path}/m.room.topic`, { topic: 'after' }))
      const archived = { filter: JSON.stringify({ room: { include_leave: true } }) }
      for (const query of [archived, { since: before }]) await expectAllState('leave', query)
    },
  )
})

describe('rooms left', () => {
  it('and then changed or joined again begin a new timeline: what came before is no news', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    const path = `/rooms/${encodeURIComponent(roomId)}`
    must(await dora.join(roomId))
    let since = (await dora.sync()).body.next_batch
    const section = async (kind: string) => {
      const { body } = await dora.sync({ since })
      since = body.next_batch
      return body.rooms[kind][roomId].timeline
    }
    must(await alice.post(`${path}/ban`, { user_id: dora.userId }))
    const banned = await section('leave')
    expect([banned.limited, banned.events.length]).toEqual([false, 1])
    must(await alice.post(`${path}/unban`, { user_id: dora.userId }))
    expect((await section('leave')).limited).toBe(true)
    must(await dora.join(roomId))
    expect((await section('join')).limited).toBe(true)
  })

  it('are shown up to the leave, and nothing after it', async () => {
    const id = await four()
    const { next_batch: since } = await sync(dora)
    await alice.say(id, 'last words')
    must(await dora.post(room(id, '/leave')))
    await alice.say(id, 'unheard')
    must(await alice.put(room(id, '/state/m.room.topic/'), { topic: 'unheard' }))
    const archived = JSON.stringify({ room: { include_leave: true } })
    for (const query of [{ since }, { filter: archived }]) {
      const section = (await sync(dora, query)).rooms.leave[id]
      const last = section.timeline.events.at(-1)
      expect(last).toMatchObject({ state_key: dora.userId, content: { membership: 'leave' } })
      expect(section.timeline.events.at(-2).content.body).toBe('last words')
      expect(JSON.stringify(section)).not.toContain('unheard')
    }
    expect((await sync(dora)).rooms?.leave?.[id]).toBeUndefined()
  })

  it('include invites that were declined or withdrawn', async () => {
    const declined = await alice.createRoom({ invite: [dora.userId] })
    const taken = await alice.createRoom({ invite: [dora.userId] })
    const { next_batch: since } = await sync(dora)
    must(await dora.post(room(declined, '/leave')))
    must(await alice.post(room(taken, '/kick'), { user_id: dora.userId }))
    const { leave } = (await sync(dora, { since })).rooms
    for (const id of [declined, taken]) {
      expect(leave[id].timeline.events.at(-1)).toMatchObject({ state_key: dora.userId })
      expect(JSON.stringify(leave[id])).not.toContain('m.room.create')
    }
  })
})

describe('state', () => {
  it('goes up to the timeline’s end if the client asks for that, in full and in part', async () => {
    const id = await four()
    const query = { use_state_after: true }
    const first = await sync(dora, query)
    const section = first.rooms.join[id]
    expect(section.state).toBeUndefined()
    expect(section.state_after).toEqual(section['org.matrix.msc4222.state_after'])
    expect(membersOf(section.state_after.events)).toContain(carol.userId)
    must(await alice.put(room(id, '/state/m.room.topic/'), { topic: 'new' }))
    const next = await sync(dora, { ...query, since: first.next_batch })
    const types = (events: Body[]) => events.map(({ type }) => type)
    expect(types(next.rooms.join[id].state_after.events)).toEqual(['m.room.topic'])
    await alice.say(id, 'hello')
    const third = await sync(dora, { ...query, since: next.next_batch })
    expect(third.rooms.join[id].state_after.events).toEqual([])
    const full = await sync(dora, { ...query, since: third.next_batch, full_state: true, timeout: 10_000 })
    expect(types(full.rooms.join[id].state_after.events)).toContain('m.room.create')
    expect(full.rooms.join[id].timeline.events).toEqual([])
  })
})

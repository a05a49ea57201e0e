/** What a first sync shows, and one that asks for everything again. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { server, someone, alice } = serving(['alice'])

const at = (id: string, rest: string) => `/rooms/${encodeURIComponent(id)}/${rest}`
const sync = async (client: Client, query: Body = {}): Promise<Body> => must(await client.sync(query)).body
const limited = (limit: number) => JSON.stringify({ room: { timeline: { limit } } })
const idsOf = (events: Body[]): string[] => events.map(({ event_id }) => event_id)

describe('a first sync', () => {
  it('has the state as it was before the timeline, and does not repeat the timeline', async () => {
    const room = await alice.createRoom({ topic: 'old' })
    const created = must(await alice.get(at(room, 'state'))).body
    must(await alice.put(at(room, 'state/m.room.topic'), { topic: 'new' }))
    must(await alice.put(at(room, 'state/m.room.name'), { name: 'new' }))
    const { state, timeline } = (await sync(alice, { filter: limited(2) })).rooms.join[room]
    expect(timeline.events.map(({ type }: Body) => type)).toEqual(['m.room.topic', 'm.room.name'])
    expect(idsOf(state.events).toSorted()).toEqual(idsOf(created).toSorted())
    expect(timeline).toMatchObject({ limited: true, prev_batch: expect.any(String) })
  })

  it('gives a place where the history before the timeline goes on', async () => {
    const room = await alice.createRoom()
    for (let n = 0; n < 5; n += 1) await alice.say(room, `${n}`)
    const { timeline } = (await sync(alice, { filter: limited(3) })).rooms.join[room]
    const query = { dir: 'b', from: timeline.prev_batch, limit: 100 }
    const before = must(await alice.get(at(room, 'messages'), query)).body.chunk
    const all = must(await alice.get(at(room, 'messages'), { dir: 'f', limit: 100 })).body.chunk
    expect([...idsOf(before).reverse(), ...idsOf(timeline.events)]).toEqual(idsOf(all))
    const whole = (await sync(alice, { filter: limited(100) })).rooms.join[room]
    expect([idsOf(whole.timeline.events), whole.timeline.limited]).toEqual([idsOf(all), false])
    expect(whole.state.events).toEqual([])
  })

  it('has all account data, with the push rules and the read markers', async () => {
    const client = await someone()
    const room = await client.createRoom()
    const base = `/user/${encodeURIComponent(client.userId)}`
    const ofRoom = `${base}/rooms/${encodeURIComponent(room)}`
    const event = await client.say(room, 'read')
    must(await client.put(`${base}/account_data/m.direct`, { '@x:test.example': [room] }))
    must(await client.put(`${ofRoom}/account_data/m.marked_unread`, { unread: true }))
    must(await client.put(`${ofRoom}/tags/m.favourite`, { order: 0.5 }))
    must(await client.post(at(room, 'read_markers'), { 'm.fully_read': event }))
    const body = await sync(client)
    const contents = (events: Body[]) =>
      Object.fromEntries(events.map(({ type, content }) => [type, content]))
    const rules = must(await client.get('/pushrules/')).body
    expect(contents(body.account_data.events)).toEqual({
      'm.direct': { '@x:test.example': [room] },
      'm.push_rules': rules,
    })
    expect(contents(body.rooms.join[room].account_data.events)).toEqual({
      'm.marked_unread': { unread: true },
      'm.tag': { tags: { 'm.favourite': { order: 0.5 } } },
      'm.fully_read': { event_id: event },
    })
  })

  it('has typing, and the read receipts of all', async () => {
    const [bob, carol] = [await someone(), await someone()]
    const room = await alice.createRoom({ preset: 'public_chat' })
    for (const client of [bob, carol]) must(await client.join(room))
    const event = await alice.say(room, 'hello')
    for (const client of [bob, carol]) {
      must(await client.post(at(room, `receipt/m.read/${encodeURIComponent(event)}`), {}))
      must(
        await client.put(at(room, `typing/${encodeURIComponent(client.userId)}`), {
          typing: true,
          timeout: 60_000,
        }),
      )
    }
    const { events } = (await sync(alice)).rooms.join[room].ephemeral
    const of = (type: string) => events.find((one: Body) => one.type === type).content
    expect(of('m.typing').user_ids.toSorted()).toEqual([bob.userId, carol.userId].toSorted())
    expect(Object.keys(of('m.receipt')[event]['m.read']).toSorted()).toEqual(
      [bob.userId, carol.userId].toSorted(),
    )
  })

  it('names five heroes at most, and neither the reader nor former members', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    const others = await Promise.all(Array.from({ length: 7 }, someone))
    for (const client of others) must(await client.join(room))
    const invited = await someone()
    must(await alice.invite(room, invited.userId))
    must(await others[0]!.post(at(room, 'leave')))
    const { summary } = (await sync(alice)).rooms.join[room]
    expect(summary['m.heroes']).toHaveLength(5)
    for (const { userId } of [alice, others[0]!]) expect(summary['m.heroes']).not.toContain(userId)
    expect([summary['m.joined_member_count'], summary['m.invited_member_count']]).toEqual([7, 1])
  })

  it('shows an invite by stripped events, with the create event and the user’s own', async () => {
    const bob = await someone()
    const room = await alice.createRoom({ invite: [bob.userId] })
    const { events } = (await sync(bob)).rooms.invite[room].invite_state
    expect(events.map(({ type }: Body) => type)).toContain('m.room.create')
    const own = events.find(({ state_key }: Body) => state_key === bob.userId)
    expect(own).toMatchObject({ type: 'm.room.member', content: { membership: 'invite' } })
    for (const event of events) {
      expect(Object.keys(event).toSorted()).toEqual(['content', 'sender', 'state_key', 'type'])
    }
  })
})

describe('an invite', () => {
  it('tells its sender’s name in the room, and what kind of room it is', async () => {
    const [bob, carol] = [await someone(), await someone()]
    must(await bob.put(`/profile/${encodeURIComponent(bob.userId)}/displayname`, { displayname: 'Bob' }))
    const room = await bob.createRoom({
      is_direct: true,
      topic: 'Tea',
      invite: [carol.userId],
      initial_state: [{ type: 'm.room.encryption', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
    })
    const { events } = (await sync(carol)).rooms.invite[room].invite_state
    const content = (type: string, key = '') =>
      events.find((event: Body) => event.type === type && event.state_key === key)?.content
    expect(content('m.room.member', bob.userId)).toMatchObject({ membership: 'join', displayname: 'Bob' })
    expect(content('m.room.member', carol.userId)).toMatchObject({ membership: 'invite', is_direct: true })
    expect(content('m.room.topic')).toMatchObject({ topic: 'Tea' })
    expect(content('m.room.encryption')).toEqual({ algorithm: 'm.megolm.v1.aes-sha2' })
  })
})

describe('full_state', () => {
  it('brings the state of every room, and only new events of the timeline', async () => {
    const client = await someone()
    const rooms = [await client.createRoom({ name: 'one' }), await client.createRoom({ name: 'two' })]
    const since = (await sync(client)).next_batch
    await client.say(rooms[0]!, 'news')
    const { join } = (await sync(client, { since, full_state: true, timeout: 60_000 })).rooms
    for (const room of rooms) {
      const state = must(await client.get(at(room, 'state'))).body
      expect(idsOf(join[room].state.events).toSorted()).toEqual(idsOf(state).toSorted())
    }
    expect(rooms.map((room) => join[room].timeline.events.length)).toEqual([1, 0])
  })

  it('brings the members of the timeline and the user if members are loaded lazily', async () => {
    const [client, bob, carol] = [await someone(), await someone(), await someone()]
    const room = await client.createRoom({ preset: 'public_chat', name: 'Named' })
    for (const other of [bob, carol]) must(await other.join(room))
    const filter = JSON.stringify({ room: { state: { lazy_load_members: true } } })
    const since = (await sync(client, { filter })).next_batch
    const members = async () =>
      (await sync(client, { since, filter, full_state: true })).rooms.join[room].state.events
        .filter(({ type }: Body) => type === 'm.room.member')
        .map(({ state_key }: Body) => state_key)
        .toSorted()
    expect(await members()).toEqual([client.userId])
    await bob.say(room, 'hello')
    expect(await members()).toEqual([client.userId, bob.userId].toSorted())
  })

  it('is answered at once, even if there is no room', async () => {
    const client = await someone()
    const since = (await sync(client)).next_batch
    expect(await sync(client, { since, full_state: true, timeout: 60_000 })).toHaveProperty('next_batch')
  })
})

describe('a token', () => {
  it('gives the same news each time it is used', async () => {
    const client = await someone()
    const room = await client.createRoom()
    const since = (await sync(client)).next_batch
    await client.say(room, 'one')
    must(await client.put(`/user/${encodeURIComponent(client.userId)}/account_data/org.example`, { n: 1 }))
    const first = await sync(client, { since })
    const again = await sync(client, { since })
    const news = ({ rooms, account_data }: Body) => [idsOf(rooms.join[room].timeline.events), account_data]
    expect(news(again)).toEqual(news(first))
    expect(news(first)[0]).toHaveLength(1)
  })

  it('outlives the process', async () => {
    const client = await someone()
    const room = await client.createRoom()
    const since = (await sync(client)).next_batch
    const said = await client.say(room, 'one')
    await server.restart()
    expect(idsOf((await sync(client, { since })).rooms.join[room].timeline.events)).toEqual([said])
  })

  it('of another user gets none of that user’s news', async () => {
    const [bob, carol] = [await someone(), await someone()]
    const room = await bob.createRoom()
    const since = (await sync(bob)).next_batch
    await bob.say(room, 'not for carol')
    const answer = await carol.sync({ since })
    expect(answer.status).toBe(200)
    expect(JSON.stringify(answer.body)).not.toContain('not for carol')
  })
})

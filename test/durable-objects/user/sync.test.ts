/** What a sync shows, and when: the facts of Client-Server API §GET /sync, through HTTP. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must, type Query, silence } from '../../support/client.ts'
import { waitingPoll } from '../../support/faults.ts'
import { serving } from '../../support/serving.ts'

const { http, someone, alice, bob } = serving(['alice', 'bob'])
const at = (room: string, rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`
const asked = async (client: Client, query: Query = {}): Promise<Body> => must(await client.sync(query)).body
const tokenOf = async (client: Client): Promise<string> => (await asked(client)).next_batch
const typesOf = (events: Body[]) => events.map(({ type }) => type)
const bodiesOf = (section: Body) => section.timeline.events.map((event: Body) => event.content.body)
const member = (client: Client, reason?: string) => ({ user_id: client.userId, reason })
const inline = (filter: Body) => JSON.stringify(filter)

describe('an increment', () => {
  it('shows what came after the token, and nothing else', async () => {
    const room = await alice.createRoom()
    await alice.say(room, 'before')
    const since = await tokenOf(alice)
    await alice.say(room, 'after')
    const body = await asked(alice, { since })
    expect(bodiesOf(body.rooms.join[room])).toEqual(['after'])
    expect(body.rooms.join[room].timeline.limited).toBe(false)
    expect(body.rooms.join[room].state.events).toEqual([])
    expect(await asked(alice, { since: body.next_batch })).toEqual(silence(body.next_batch))
  })

  it('that leaves events out is limited, leads to them, and tells the state of the gap', async () => {
    const room = await alice.createRoom()
    const since = await tokenOf(alice)
    await alice.put(at(room, 'state/m.room.topic'), { topic: 'in the gap' })
    for (let i = 0; i < 4; i += 1) await alice.say(room, `${i}`)
    const section = (await asked(alice, { since, filter: inline({ room: { timeline: { limit: 2 } } }) }))
      .rooms.join[room]
    expect(bodiesOf(section)).toEqual(['2', '3'])
    expect(section.timeline.limited).toBe(true)
    expect(typesOf(section.state.events)).toEqual(['m.room.topic'])
    const back = must(
      await alice.get(at(room, 'messages'), { dir: 'b', from: section.timeline.prev_batch, limit: 3 }),
    )
    expect(back.body.chunk.map((event: Body) => event.content.body ?? event.type)).toEqual([
      '1',
      '0',
      'm.room.topic',
    ])
  })

  it('does not repeat in the state what the timeline shows', async () => {
    const room = await alice.createRoom()
    const since = await tokenOf(alice)
    await alice.put(at(room, 'state/m.room.topic'), { topic: 'shown once' })
    const section = (await asked(alice, { since })).rooms.join[room]
    expect(typesOf(section.timeline.events)).toEqual(['m.room.topic'])
    expect(section.state.events).toEqual([])
  })

  it('shows a room that was joined since with all its state', async () => {
    const room = await alice.createRoom({ preset: 'public_chat', name: 'Joined' })
    const since = await tokenOf(bob)
    must(await bob.join(room))
    const section = (await asked(bob, { since, filter: inline({ room: { timeline: { limit: 1 } } }) })).rooms
      .join[room]
    expect(typesOf(section.state.events)).toContain('m.room.create')
    expect(typesOf(section.state.events)).toContain('m.room.name')
    expect(section.timeline.events.at(-1).content.membership).toBe('join')
  })

  it('without news has the token of the request', async () => {
    const since = await tokenOf(await someone())
    const other = await someone()
    const own = await tokenOf(other)
    expect((await asked(other, { since: own })).next_batch).toBe(own)
    expect(since).toMatch(/^s/)
  })
})

describe('a room that was left', () => {
  it.each([
    ['a leave', (_: string) => undefined],
    ['a kick', (room: string) => alice.post(at(room, 'kick'), member(bob))],
    ['a ban', (room: string) => alice.post(at(room, 'ban'), member(bob))],
  ])('by %s is shown up to there, once', async (_, remove) => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    const since = await tokenOf(bob)
    await alice.say(room, 'while there')
    must((await remove(room)) ?? (await bob.post(at(room, 'leave'))))
    await alice.say(room, 'afterwards')
    await alice.put(at(room, 'state/m.room.topic'), { topic: 'afterwards' })
    const body = await asked(bob, { since })
    const section = body.rooms.leave[room]
    expect(
      section.timeline.events.map((event: Body) => event.content.body ?? event.content.membership),
    ).toEqual(['while there', _ === 'a ban' ? 'ban' : 'leave'])
    expect(JSON.stringify(section)).not.toContain('afterwards')
    expect(await asked(bob, { since: body.next_batch })).toEqual(silence(body.next_batch))
  })

  it('and joined again is shown as a new one', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    const since = await tokenOf(bob)
    must(await bob.post(at(room, 'leave')))
    must(await bob.join(room))
    const section = (await asked(bob, { since })).rooms.join[room]
    expect(typesOf(section.timeline.events)).toContain('m.room.create')
  })
})

describe('an invitation', () => {
  it('comes with the create event and the user’s own membership', async () => {
    const since = await tokenOf(bob)
    const room = await alice.createRoom({ name: 'Come in' })
    must(await alice.invite(room, bob.userId))
    const { events } = (await asked(bob, { since })).rooms.invite[room].invite_state
    expect(typesOf(events)).toContain('m.room.create')
    expect(typesOf(events)).toContain('m.room.name')
    expect(events.find((event: Body) => event.state_key === bob.userId).content.membership).toBe('invite')
  })

  it('that is declined shows the refusal, and nothing of the room', async () => {
    const room = await alice.createRoom({
      topic: 'secret',
      initial_state: [{ type: 'org.example.secret', content: { secret: true } }],
    })
    must(await alice.invite(room, bob.userId))
    const since = await tokenOf(bob)
    must(await bob.post(at(room, 'leave')))
    const section = (await asked(bob, { since })).rooms.leave[room]
    expect(JSON.stringify(section)).not.toContain('secret')
    expect(section.state.events).toEqual([])
  })

  it('that was never sent, with a ban in its place, shows nothing of the room either', async () => {
    const room = await alice.createRoom({ topic: 'secret' })
    const stranger = await someone()
    const since = await tokenOf(stranger)
    must(await alice.post(at(room, 'ban'), member(stranger)))
    expect(JSON.stringify(await asked(stranger, { since }))).not.toContain('secret')
  })

  it('one knocks for is shown among knocks', async () => {
    const room = await alice.createRoom({
      initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }],
    })
    const since = await tokenOf(bob)
    must(await bob.post(`/knock/${encodeURIComponent(room)}`))
    const { events } = (await asked(bob, { since })).rooms.knock[room].knock_state
    expect(typesOf(events)).toContain('m.room.create')
  })
})

describe('what is asked for otherwise', () => {
  it('full_state brings all state', async () => {
    const room = await alice.createRoom()
    const since = await tokenOf(alice)
    const section = (await asked(alice, { since, full_state: true })).rooms.join[room]
    expect(typesOf(section.state.events)).toContain('m.room.create')
    expect(section.timeline.events).toEqual([])
  })

  it.each(['use_state_after', 'org.matrix.msc4222.use_state_after'])(
    '%s brings the state after the timeline',
    async (name) => {
      const room = await alice.createRoom()
      const since = await tokenOf(alice)
      await alice.put(at(room, 'state/m.room.topic'), { topic: 'new' })
      const section = (await asked(alice, { since, [name]: true })).rooms.join[room]
      expect(section.state).toBeUndefined()
      expect(typesOf(section.state_after.events)).toEqual(['m.room.topic'])
      expect(typesOf(section['org.matrix.msc4222.state_after'].events)).toEqual(['m.room.topic'])
    },
  )

  it.each(['nonsense', 's1', 's1.2.3~', 's1.2.3~4', 'p12'])('the token %s is none of ours', async (since) => {
    const { status, body } = await alice.sync({ since })
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
  })
})

describe('a waiting poll', () => {
  const waits = async (act: (room: string) => Promise<unknown>): Promise<Body> => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    const since = await tokenOf(bob)
    const { answer } = await waitingPoll(http, bob, { since, timeout: 15_000 })
    await act(room)
    const { body } = must(await answer)
    return { ...body, room }
  }

  it('is woken by a message', async () => {
    const { rooms, room } = await waits((id) => alice.say(id, 'hello'))
    expect(bodiesOf(rooms.join[room])).toEqual(['hello'])
  })

  it('is woken by an invitation', async () => {
    const { rooms } = await waits(async () =>
      must(await alice.createRoom({ invite: [bob.userId] }).then((id) => alice.get(at(id, 'state')))),
    )
    expect(Object.keys(rooms.invite)).toHaveLength(1)
  })

  it('is woken by typing', async () => {
    const { rooms, room } = await waits((id) =>
      alice.put(at(id, `typing/${encodeURIComponent(alice.userId)}`), { typing: true, timeout: 5_000 }),
    )
    expect(rooms.join[room].ephemeral.events).toEqual([
      { type: 'm.typing', content: { user_ids: [alice.userId] } },
    ])
  })

  it('is woken by account data', async () => {
    const { account_data } = await waits(() =>
      bob.put(`/user/${encodeURIComponent(bob.userId)}/account_data/org.example.x`, { x: 1 }),
    )
    expect(account_data.events).toEqual([{ type: 'org.example.x', content: { x: 1 } }])
  })

  it('is told that a user stopped typing when they leave', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    must(
      await bob.put(at(room, `typing/${encodeURIComponent(bob.userId)}`), { typing: true, timeout: 30_000 }),
    )
    const since = await tokenOf(alice)
    must(await bob.post(at(room, 'leave')))
    let body = await asked(alice, { since, timeout: 5_000 })
    if (body.rooms.join[room].ephemeral.events.length === 0)
      body = await asked(alice, { since: body.next_batch, timeout: 5_000 })
    expect(body.rooms.join[room].ephemeral.events).toEqual([{ type: 'm.typing', content: { user_ids: [] } }])
  })
})

describe('an event', () => {
  it('names its transaction only to the device that sent it', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    const phone = await http.login('alice')
    const since = [await tokenOf(alice), await tokenOf(phone), await tokenOf(bob)]
    await alice.say(room, 'mine', 'my-txn')
    const unsigned = async (client: Client, i: number) =>
      (await asked(client, { since: since[i] })).rooms.join[room].timeline.events[0].unsigned
    expect(await unsigned(alice, 0)).toMatchObject({ transaction_id: 'my-txn', age: expect.any(Number) })
    expect(await unsigned(phone, 1)).not.toHaveProperty('transaction_id')
    expect(await unsigned(bob, 2)).not.toHaveProperty('transaction_id')
  })

  it('of state names what it replaced', async () => {
    const room = await alice.createRoom({ topic: 'old' })
    const since = await tokenOf(alice)
    const old = must(await alice.get(at(room, 'state'))).body.find(
      ({ type }: Body) => type === 'm.room.topic',
    )
    must(await alice.put(at(room, 'state/m.room.topic'), { topic: 'new' }))
    const [event] = (await asked(alice, { since })).rooms.join[room].timeline.events
    expect(event.unsigned).toMatchObject({ replaces_state: old.event_id, prev_content: { topic: 'old' } })
  })
})

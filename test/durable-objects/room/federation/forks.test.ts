/** Forks that a server of another name makes in a room of this server, and what local users are shown of them. */
import { isDeepStrictEqual } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { eventually } from '../../../support/eventually.ts'
import { RemoteServer } from '../../../support/federation/remote-server.ts'
import { RoomStub } from '../../../support/federation/room-stub.ts'
import { serving } from '../../../support/serving.ts'

const { server, alice, bob } = serving(['alice', 'bob'], {
  unlikeArchive: { 'rooms.was': 'a ban by who had not heard of the join does not cite it' },
})
const EVE = '@eve:away.example'
const ADA = '@ada:away.example'

const at = (room: string, rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`

let room: string
let stub: RoomStub
let away: RemoteServer

async function learn(): Promise<void> {
  away.learn(await stub.sql('SELECT event_id, pdu FROM events WHERE flags = 0 ORDER BY pos'))
}

/** A public room of Alice's that Eve and Ada of the other server have joined, Eve with a power of 50. */
async function shared(version: string, more: object = {}): Promise<void> {
  const levels = version === '12' ? {} : { [alice.userId]: 100 }
  room = await alice.createRoom({
    preset: 'public_chat',
    room_version: version,
    power_level_content_override: {
      users: { ...levels, [EVE]: 50 },
      events: { 'm.room.power_levels': 50 },
    },
    ...more,
  })
  stub = new RoomStub(server, room)
  away = new RemoteServer(version, room)
  await learn()
  const joins = [away.member(EVE, EVE, 'join'), away.member(ADA, ADA, 'join')]
  const { done, needs } = await stub.receive(joins)
  expect([Object.values(done), needs]).toEqual([[{}, {}], []])
}

const topic = async (client: Client) => must(await client.get(at(room, 'state/m.room.topic'))).body.topic

async function timeline(client: Client): Promise<Body[]> {
  return must(await client.get(at(room, 'messages'), { dir: 'f', limit: 200 })).body.chunk
}

describe.each(['6', '10', '11', '12'])('in room version %s', (version) => {
  beforeEach(() => shared(version))

  it('an event that follows on all there is stores no state of its own', async () => {
    const said = away.say(EVE, 'hello')
    expect((await stub.receive([said])).done).toEqual({ [said.eventId]: {} })
    expect((await timeline(alice)).at(-1)).toMatchObject({ event_id: said.eventId, sender: EVE })
    expect(await stub.sql('SELECT * FROM state_group')).toEqual([])
    const { body } = must(await alice.sync())
    expect(body.rooms.join[room].timeline.events.at(-1).content.body).toBe('hello')
  })

  it('a message beside a ban of its sender is in the room, and the ban stands', async () => {
    const said = away.say(ADA, 'before I knew')
    must(await alice.post(at(room, 'ban'), { user_id: ADA }))
    const later = away.say(ADA, 'still here', { prev_events: [said.eventId] })
    const answer = await stub.receive([said, later])
    // Allowed where they stand, and refused by the room as it is: nobody is shown them.
    expect(answer.done).toEqual({ [said.eventId]: {}, [later.eventId]: {} })
    expect((await timeline(alice)).map(({ event_id }) => event_id)).not.toContain(said.eventId)
    expect((await alice.get(at(room, `event/${encodeURIComponent(said.eventId)}`))).status).toBe(404)
    expect(must(await alice.get(at(room, `state/m.room.member/${ADA}`))).body.membership).toBe('ban')
    const flags = await stub.sql(`SELECT flags FROM events WHERE event_id = '${said.eventId}'`)
    expect(flags).toEqual([{ flags: 2 }])
  })

  it('two topics at once end as one, and sync tells it', async () => {
    const since = must(await alice.sync()).body.next_batch
    const base = away.heads
    must(await alice.put(at(room, 'state/m.room.topic'), { topic: 'here' }))
    const mine = must(await alice.sync({ since })).body.next_batch
    // The later of two equals wins.
    const late = Date.now() + 3_600_000
    const theirs = away.state(
      EVE,
      'm.room.topic',
      { topic: 'there' },
      { prev_events: base, origin_server_ts: late },
    )
    await stub.receive([theirs])
    await learn()
    const winner = away.stateAfter(away.heads).get(JSON.stringify(['m.room.topic', '']))
    const wins = winner === theirs.eventId
    expect(await topic(alice)).toBe(wins ? 'there' : 'here')
    expect(await shownTopic(alice, mine, 'here')).toBe(wins ? 'there' : 'here')
    // A merge by either side changes nothing any more.
    const merge = away.say(EVE, 'merged')
    expect((await stub.receive([merge])).done).toEqual({ [merge.eventId]: {} })
    expect(await topic(alice)).toBe(wins ? 'there' : 'here')
    const heads = must(await alice.put(at(room, 'send/m.room.message/x'), { body: 'after' })).body.event_id
    const [row] = await stub.sql(`SELECT pdu FROM events WHERE event_id = '${heads}'`)
    expect(JSON.parse(String(row?.pdu)).prev_events).toEqual([merge.eventId])
  })

  it('of two changes of power at once the one of less power comes on top', async () => {
    const base = away.heads
    const levels = must(await alice.get(at(room, 'state/m.room.power_levels'))).body
    const since = must(await alice.sync()).body.next_batch
    must(await alice.put(at(room, 'state/m.room.power_levels'), { ...levels, invite: 10 }))
    const raised = { ...levels, users: { ...levels.users, [ADA]: 25 } }
    const raise = away.state(EVE, 'm.room.power_levels', raised, { prev_events: base })
    expect((await stub.receive([raise])).done).toEqual({ [raise.eventId]: {} })
    await learn()
    expect(await currentIds()).toEqual(away.stateAfter(away.heads))
    const after = must(await alice.get(at(room, 'state/m.room.power_levels'))).body
    expect([after.users[ADA], after.invite]).toEqual([25, levels.invite])
    expect((await afterSync(alice, since)).get('m.room.power_levels')).toEqual(after)
    await archivedIs(await currentIds())
  })

  it('a change of power whose sender has lost theirs is not shown, nor what builds on it', async () => {
    const base = away.heads
    const levels = must(await alice.get(at(room, 'state/m.room.power_levels'))).body
    const raised = { ...levels, users: { ...levels.users, [ADA]: 50 } }
    const raise = away.state(EVE, 'm.room.power_levels', raised, { prev_events: base })
    const byAda = away.state(ADA, 'm.room.topic', { topic: "Ada's" })
    const { [EVE]: _, ...others } = levels.users
    must(await alice.put(at(room, 'state/m.room.power_levels'), { ...levels, users: others }))
    const since = must(await alice.sync()).body.next_batch
    await stub.receive([raise, byAda])
    await learn()
    expect(await currentIds()).toEqual(away.stateAfter(away.heads.filter((id) => id !== byAda.eventId)))
    expect((await alice.get(at(room, 'state/m.room.topic'))).status).toBe(404)
    expect(must(await alice.sync({ since })).body.rooms?.join?.[room]).toBeUndefined()
    // What follows on both branches is judged by what resolves them.
    const merge = away.say(EVE, 'merged')
    expect((await stub.receive([merge])).done).toEqual({ [merge.eventId]: {} })
    expect(await currentIds()).toEqual(away.after(merge.eventId))
  })

  it('the same events again change nothing', async () => {
    const base = away.heads
    must(await alice.put(at(room, 'state/m.room.topic'), { topic: 'here' }))
    const events = [
      away.state(EVE, 'm.room.topic', { topic: 'there' }, { prev_events: base }),
      away.say(EVE, 'one'),
      away.say(ADA, 'two'),
    ]
    const first = await stub.receive(events)
    const before = await everything()
    expect(await stub.receive(events)).toEqual(first)
    expect(await stub.receive(events.toReversed())).toEqual(first)
    expect(await everything()).toEqual(before)
  })
})

/** The state as the lists in Postgres have it, once they have all of it. */
async function archivedIs(expected: Map<string, unknown>): Promise<void> {
  const query = 'select type, state_key, event_id from room_state where room_id = $1'
  const archived = async () => {
    const rows = await server.pg(query, [room])
    return new Map(rows.map(({ type, state_key, event_id }) => [JSON.stringify([type, state_key]), event_id]))
  }
  expect(await eventually(archived, (state) => isDeepStrictEqual(state, expected))).toEqual(expected)
}

const everything = async () =>
  Promise.all(
    ['events', 'state', 'members', 'state_group', 'state_delta', 'staged', 'gaps', 'chain_links'].map(
      (table) => stub.sql(`SELECT * FROM ${table}`),
    ),
  )

async function currentIds(): Promise<Map<string, unknown>> {
  const rows = await stub.sql('SELECT type, state_key, event_id FROM state WHERE to_pos IS NULL')
  return new Map(rows.map(({ type, state_key, event_id }) => [JSON.stringify([type, state_key]), event_id]))
}

/** The room's part of the first sync that has one: others may tell of devices or presence alone. */
async function newsOf(client: Client, since: string): Promise<Body> {
  const { body } = must(await client.sync({ since, timeout: 20_000 }))
  return body.rooms?.join?.[room] ?? newsOf(client, body.next_batch)
}

/** What a client that had a state makes of a sync: the state, and then the state events of the timeline. */
async function afterSync(client: Client, since: string): Promise<Map<string, Body>> {
  const { body } = must(await client.sync({ since }))
  const { state, timeline } = body.rooms.join[room]
  const told = [...state.events, ...timeline.events].filter(({ state_key: key }: Body) => key === '')
  return new Map(told.map(({ type, content }: Body) => [type, content]))
}

async function shownTopic(client: Client, since: string, known: string): Promise<string> {
  return (await afterSync(client, since)).get('m.room.topic')?.topic ?? known
}

describe('a local user', () => {
  beforeEach(() => shared('11'))

  it('whom another server bans is told so', async () => {
    must(await bob.join(room))
    await learn()
    const since = must(await bob.sync()).body.next_batch
    const ban = away.member(EVE, bob.userId, 'ban')
    expect((await stub.receive([ban])).done).toEqual({ [ban.eventId]: {} })
    const { body } = must(await bob.sync({ since }))
    expect(body.rooms.leave[room].timeline.events.at(-1)).toMatchObject({ event_id: ban.eventId })
    expect((await bob.get(at(room, 'joined_members'))).status).toBe(403)
  })

  it('whose join a resolution undoes is told so', async () => {
    const base = away.heads
    must(await bob.join(room))
    expect(must(await bob.get('/joined_rooms')).body.joined_rooms).toContain(room)
    // Eve banned Bob before she heard of the join.
    const ban = away.member(EVE, bob.userId, 'ban', {
      prev_events: base,
      origin_server_ts: Date.now() - 60_000,
    })
    await stub.receive([ban])
    await learn()
    const standing = away.stateAfter(away.heads).get(JSON.stringify(['m.room.member', bob.userId]))
    expect(standing).toBe(ban.eventId)
    expect(must(await bob.get('/joined_rooms')).body.joined_rooms).not.toContain(room)
    await archivedIs(await currentIds())
    const archived = 'select membership from room_memberships where room_id = $1 and user_id = $2'
    expect(await server.pg(archived, [room, bob.userId])).toEqual([{ membership: 'ban' }])
    expect((await bob.put(at(room, 'send/m.room.message/x'), { body: 'x' })).status).toBe(403)
  })

  it('is not shown what was said on a branch without them, where only those who were there may read', async () => {
    must(await alice.put(at(room, 'state/m.room.history_visibility'), { history_visibility: 'joined' }))
    await learn()
    const base = away.heads
    must(await bob.join(room))
    const since = must(await bob.sync()).body.next_batch
    const apart = away.say(EVE, 'before I heard of Bob', { prev_events: base })
    const waiting = newsOf(bob, since)
    await stub.receive([apart])
    await alice.say(room, 'to all')
    expect((await waiting).timeline.events.map(({ event_id }: Body) => event_id)).not.toContain(apart.eventId)
    const event = at(room, `event/${encodeURIComponent(apart.eventId)}`)
    expect(must(await alice.get(event)).body.content.body).toBe('before I heard of Bob')
    expect((await bob.get(event)).status).toBe(404)
    const told = must(await bob.get(at(room, 'messages'), { dir: 'b' })).body.chunk
    expect(told.map(({ event_id }: Body) => event_id)).not.toContain(apart.eventId)
  })

  it('is shown what was refused, once others go on from it and the room allows it again', async () => {
    const base = away.heads
    must(await alice.post(at(room, 'ban'), { user_id: ADA }))
    const said = away.say(ADA, 'before I knew', { prev_events: base })
    await stub.receive([said])
    must(await alice.post(at(room, 'unban'), { user_id: ADA }))
    await learn()
    const since = must(await alice.sync()).body.next_batch
    const here = away.heads.filter((id) => id !== said.eventId)
    const back = away.member(ADA, ADA, 'join', { prev_events: here })
    const merge = away.say(ADA, 'as I said', { prev_events: [back.eventId, said.eventId] })
    const event = at(room, `event/${encodeURIComponent(said.eventId)}`)
    await stub.receive([back])
    expect((await alice.get(event)).status).toBe(404)
    await stub.receive([merge])
    const { body } = must(await alice.sync({ since }))
    const told = body.rooms.join[room].timeline.events.map(({ event_id }: Body) => event_id)
    expect(told).toEqual([back.eventId, merge.eventId, said.eventId])
    expect(must(await alice.get(event)).body.content.body).toBe('before I knew')
    const next = await alice.say(room, 'on')
    const [row] = await stub.sql(`SELECT pdu FROM events WHERE event_id = '${next}'`)
    expect(JSON.parse(String(row?.pdu)).prev_events).toEqual([merge.eventId])
  })

  it('is not told of members of other servers as if they were here', async () => {
    const { body } = must(await alice.get(at(room, 'joined_members')))
    expect(Object.keys(body.joined).sort()).toEqual([ADA, alice.userId, EVE].sort())
    expect(await stub.sql('SELECT user_id FROM subscribers')).not.toContainEqual({ user_id: EVE })
    expect(await stub.sql('SELECT user_id FROM member_feed')).toEqual([])
  })

  it('that waits hears of state that was moved, and of what moved it', async () => {
    const base = away.heads
    must(await alice.put(at(room, 'state/m.room.name'), { name: 'here' }))
    const since = must(await alice.sync()).body.next_batch
    const waiting = newsOf(alice, since)
    const late = Date.now() + 3_600_000
    const named = away.state(
      EVE,
      'm.room.name',
      { name: 'there' },
      { prev_events: base, origin_server_ts: late },
    )
    await stub.receive([named])
    const { state, timeline: told } = await waiting
    await learn()
    const name = must(await alice.get(at(room, 'state/m.room.name'))).body.name
    const names = [...state.events, ...told.events].filter(({ type }: Body) => type === 'm.room.name')
    expect(names.at(-1)?.content.name ?? 'here').toBe(name)
  })
})

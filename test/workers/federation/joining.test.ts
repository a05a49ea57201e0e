/** Joins of rooms of other servers, through a server of the test's own. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { type Client, must } from '../../support/client.ts'
import { federating, newRemote, remote } from '../../support/federation/remote.ts'
import { RemoteRoom } from '../../support/federation/remote-room.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { alice, bob } = serving(['alice', 'bob'], federating)

const joinBy = (client: Client, room: string, via: readonly string[]) =>
  client.post(`/join/${encodeURIComponent(room)}?${via.map((name) => `via=${name}`).join('&')}`)
const isIn = async (client: Client, roomId: string) =>
  must(await client.get('/joined_rooms')).body.joined_rooms.includes(roomId)
const roomOf = (version = '11') => new RemoteRoom(other, version).serve()

const SEND = '/_matrix/federation/v1/send/'
/** The events of a room that its server was sent. */
const told = (room: RemoteRoom): Pdu[] =>
  other.received
    .filter(({ uri }) => uri.startsWith(SEND))
    .flatMap(({ body }) => body.pdus as Pdu[])
    .filter(({ room_id: roomId }) => roomId === room.roomId)

beforeAll(() => other.on('PUT', SEND, () => ({ body: { pdus: {} } })))

describe('a room of another server', () => {
  it.each(['6', '10', '11', '12'])('is joined by its id in version %s', async (version) => {
    const room = roomOf(version)
    expect(must(await joinBy(alice, room.roomId, [other.name])).body).toEqual({ room_id: room.roomId })
    expect(await isIn(alice, room.roomId)).toBe(true)
    const state = must(await alice.get(`/rooms/${encodeURIComponent(room.roomId)}/state`)).body
    const own = state.find((event: Pdu) => event.state_key === alice.userId)
    expect(own.content).toEqual({ membership: 'join', displayname: 'alice' })
    expect(state.map(({ event_id: id }: { event_id: string }) => id).sort()).toEqual(
      [...room.state.values()].sort(),
    )
  })

  it('is in the next sync, with its state', async () => {
    const room = roomOf()
    const { next_batch: since } = must(await alice.sync()).body
    must(await joinBy(alice, room.roomId, [other.name]))
    const { body } = must(await alice.sync({ since }))
    const joined = body.rooms.join[room.roomId]
    const events = [...joined.state.events, ...joined.timeline.events]
    expect(events.find(({ type }: Pdu) => type === 'm.room.name').content).toEqual(
      room.pdu('m.room.name').content,
    )
  })

  it('is joined by its alias, which its own server knows', async () => {
    const room = roomOf()
    const alias = `#tea:${other.name}`
    const path = `/_matrix/federation/v1/query/directory?room_alias=${encodeURIComponent(alias)}`
    other.on('GET', path, () => ({ body: { room_id: room.roomId, servers: [other.name] } }))
    const listed = must(await alice.get(`/directory/room/${encodeURIComponent(alias)}`)).body
    expect(listed).toEqual({ room_id: room.roomId, servers: [other.name] })
    expect(must(await joinBy(alice, alias, [])).body).toEqual({ room_id: room.roomId })
    expect(await isIn(alice, room.roomId)).toBe(true)
  })

  it('whose alias nobody knows is not found', async () => {
    const { status, body } = await joinBy(alice, `#none:${other.name}`, [])
    expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND'])
  })

  it('lets the next user of this server in without asking anybody', async () => {
    const room = roomOf()
    must(await joinBy(alice, room.roomId, [other.name]))
    const before = other.received.length
    must(await bob.join(room.roomId))
    expect(await isIn(bob, room.roomId)).toBe(true)
    expect(other.received.slice(before).filter(({ uri }) => uri.includes('make_join'))).toEqual([])
  })

  it('is joined once, however often it is asked', async () => {
    const room = roomOf()
    must(await joinBy(alice, room.roomId, [other.name]))
    must(await joinBy(alice, room.roomId, [other.name]))
    expect(room.taken).toHaveLength(1)
  })

  it('hears what its new user says, and not again of the join', async () => {
    const room = roomOf()
    must(await joinBy(alice, room.roomId, [other.name]))
    await alice.say(room.roomId, 'hello')
    const types = () => told(room).map(({ type }) => type)
    await expect.poll(types, { timeout: 20_000 }).toContain('m.room.message')
    expect(types()).toEqual(['m.room.message'])
  })

  it('hears of a redaction of an event that is not here, by who may redact', async () => {
    const room = roomOf()
    const levels = { users: { [room.creator]: 100, [alice.userId]: 50 } }
    room.send({ type: 'm.room.power_levels', state_key: '', content: levels })
    must(await joinBy(alice, room.roomId, [other.name]))
    must(await joinBy(bob, room.roomId, [other.name]))
    const redactBy = (who: Client, txn: string) =>
      who.put(`/rooms/${encodeURIComponent(room.roomId)}/redact/$${'x'.repeat(43)}/${txn}`, {})
    expect((await redactBy(bob, 'one')).body.errcode).toBe('M_INVALID_PARAM')
    must(await redactBy(alice, 'one'))
    const redactions = () => told(room).filter(({ type }) => type === 'm.room.redaction')
    await expect.poll(() => redactions().length, { timeout: 20_000 }).toBe(1)
  })

  it('is written to once it is joined', async () => {
    const room = roomOf('12')
    must(await joinBy(alice, room.roomId, [other.name]))
    const eventId = await alice.say(room.roomId, 'hello')
    const { body } = must(await alice.get(`/rooms/${encodeURIComponent(room.roomId)}/messages`, { dir: 'b' }))
    expect(body.chunk[0].event_id).toBe(eventId)
  })

  it('is joined again by the state of then, after everybody here had left it', async () => {
    const room = roomOf()
    must(await joinBy(alice, room.roomId, [other.name]))
    must(await alice.post(`/rooms/${encodeURIComponent(room.roomId)}/leave`))
    room.send({ type: 'm.room.name', state_key: '', content: { name: 'Renamed' } })
    must(await joinBy(alice, room.roomId, []))
    expect(room.taken).toHaveLength(2)
    const path = `/rooms/${encodeURIComponent(room.roomId)}/state/m.room.name`
    expect(must(await alice.get(path)).body).toEqual({ name: 'Renamed' })
  })
})

describe('of several servers', () => {
  it('one that never answers does not keep the user out', async () => {
    const hanging = newRemote()
    await hanging.start()
    hanging.on('GET', '/_matrix/federation/v1/make_join/', () => 'never')
    const room = roomOf()
    must(await joinBy(alice, room.roomId, [hanging.name, other.name]))
    expect(await isIn(alice, room.roomId)).toBe(true)
    expect(hanging.received).toHaveLength(1)
    await hanging.stop()
  })

  it('the refusal that says the most is told', async () => {
    const gone = newRemote()
    await gone.start()
    await gone.stop()
    const room = roomOf()
    room.onMake('join', () => ({ status: 403, body: { errcode: 'M_FORBIDDEN', error: 'Go away' } }))
    const { status, body } = await joinBy(alice, room.roomId, [gone.name, other.name])
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    expect(body.error).not.toContain('Go away')
  })

  it('that cannot be reached, the failure is that of a gateway', async () => {
    const gone = newRemote()
    await gone.start()
    await gone.stop()
    const { status, body } = await joinBy(alice, `!room:${gone.name}`, [])
    expect([status, body.errcode]).toEqual([502, 'M_UNKNOWN'])
  })

  it('none is asked where none is named', async () => {
    const { status, body } = await joinBy(alice, `!${'a'.repeat(43)}`, [])
    expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND'])
  })

  it('the words of one that a user here is logged out reach nobody', async () => {
    const room = roomOf()
    room.onMake('join', () => ({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', error: 'Log in' } }))
    expect((await joinBy(alice, room.roomId, [other.name])).status).toBe(502)
  })
})

describe('nothing is signed for a template', () => {
  it.each([
    ['of another user', { state_key: '@eve:test.example', sender: '@eve:test.example' }],
    ['that another user sends', { sender: '@eve:test.example' }],
    ['of another type', { type: 'm.room.power_levels' }],
    ['of another room', { room_id: '!else:test.example' }],
    ['of another membership', { content: { membership: 'ban' } }],
    ['that follows on nothing', { prev_events: [] }],
    ['that cites too much', { auth_events: Array.from({ length: 11 }, (_, n) => `$${n}`) }],
  ])('%s', async (_, change) => {
    const room = roomOf()
    room.onMake('join', () => {
      const body = room.template('join', alice.userId)
      return { body: { ...body, event: { ...body.event, ...change } } }
    })
    expect((await joinBy(alice, room.roomId, [other.name])).status).toBe(502)
    expect(room.taken).toEqual([])
  })

  it('of a room version that is not known here', async () => {
    const room = roomOf()
    room.onMake('join', () => ({ body: { ...room.template('join', alice.userId), room_version: '99' } }))
    const { status, body } = await joinBy(alice, room.roomId, [other.name])
    expect([status, body.errcode, body.room_version]).toEqual([400, 'M_INCOMPATIBLE_ROOM_VERSION', '99'])
  })

  it('beyond what it says of the room', async () => {
    const room = roomOf()
    room.onMake('join', () => {
      const body = room.template('join', alice.userId, { displayname: 'Mallory', reason: 'mine' })
      return { body: { ...body, event: { ...body.event, unknown: 1, redacts: '$x' } } }
    })
    must(await joinBy(alice, room.roomId, [other.name]))
    const [{ content, unknown, redacts }] = room.taken as [Pdu]
    expect({ content, unknown, redacts }).toEqual({ content: { membership: 'join', displayname: 'alice' } })
  })
})

describe('an answer to a join', () => {
  const answering = (room: RemoteRoom, change: (state: Pdu[]) => Pdu[]) =>
    room.onSend('join', () => {
      const state = change(room.statePdus())
      return { body: { state, auth_chain: state } }
    })
  const without = (type: string) => (state: Pdu[]) => state.filter((pdu) => pdu.type !== type)
  const resigned = (type: string) => (state: Pdu[]) =>
    state.map((pdu) =>
      pdu.type === type ? { ...pdu, signatures: { [other.name]: { 'ed25519:r_1': 'AA' } } } : pdu,
    )

  const twice = (state: Pdu[]) => [...state, rename()]
  let rename: () => Pdu = () => {
    throw new Error('not set')
  }

  it.each([
    ['without the create event', without('m.room.create')],
    ['without the power levels by which the join is judged', without('m.room.power_levels')],
    ['with power levels whose signature is wrong', resigned('m.room.power_levels')],
    ['with join rules whose signature is wrong', resigned('m.room.join_rules')],
    ['with two events at one place', twice],
  ])('%s is not taken, and leaves no room behind', async (_, change) => {
    const room = roomOf()
    rename = () => room.forge({ type: 'm.room.name', state_key: '', content: { name: 'Another' } }).pdu
    answering(room, change)
    const { status, body } = await joinBy(alice, room.roomId, [other.name])
    expect([status, body.errcode]).toEqual([502, 'M_UNKNOWN'])
    expect(await isIn(alice, room.roomId)).toBe(false)
    expect((await alice.get(`/rooms/${encodeURIComponent(room.roomId)}/state`)).status).not.toBe(200)
  })

  it.each([
    ['whose signature is wrong', resigned('m.room.name')],
    [
      'of another room',
      (state: Pdu[]) => [...without('m.room.name')(state), new RemoteRoom(other, '11').pdu('m.room.name')],
    ],
  ])('is taken without an event %s that decides nothing', async (_, change) => {
    const room = roomOf()
    answering(room, change)
    must(await joinBy(alice, room.roomId, [other.name]))
    const path = `/rooms/${encodeURIComponent(room.roomId)}/state/m.room.name`
    expect((await alice.get(path)).status).toBe(404)
  })

  it('that is no answer is not taken', async () => {
    for (const raw of [
      '',
      '[]',
      '{"state":',
      '{"state":{},"auth_chain":[]}',
      '{"state":[1 2],"auth_chain":[]}',
    ]) {
      const room = roomOf()
      room.onSend('join', () => ({ raw }))
      expect((await joinBy(alice, room.roomId, [other.name])).status).toBe(502)
    }
  })

  it('of more than 100,000 events is not taken, and the user is told why', async () => {
    const room = roomOf()
    room.onSend('join', () => ({ raw: `{"auth_chain":[],"state":[${'1,'.repeat(100_000)}1]}` }))
    const { status, body } = await joinBy(alice, room.roomId, [other.name])
    expect([status, body.errcode]).toEqual([502, 'M_UNKNOWN'])
    expect(body.error).toContain('more than 100000 events')
  })

  it('of more than 64 MB is not taken', async () => {
    const room = roomOf()
    room.onSend('join', () => ({ raw: `{"auth_chain":[],"state":[${' '.repeat(64 * 1024 * 1024)}]}` }))
    const { status, body } = await joinBy(alice, room.roomId, [other.name])
    expect([status, body.errcode]).toEqual([502, 'M_UNKNOWN'])
    expect(body.error).toContain('no usable answer')
  })

  it('with more members than fit into one call is taken whole', async () => {
    const room = roomOf()
    const members = Array.from({ length: 700 }, (_, n) => `@m${n}:${other.name}`)
    for (const userId of members) {
      const content = { membership: 'join', displayname: 'x'.repeat(4_000) }
      room.send({ type: 'm.room.member', sender: userId, state_key: userId, content })
    }
    must(await joinBy(alice, room.roomId, [other.name]))
    const path = `/rooms/${encodeURIComponent(room.roomId)}/joined_members`
    expect(Object.keys(must(await alice.get(path)).body.joined)).toHaveLength(members.length + 2)
  }, 60_000)
})

/** Events that a server in the room should not send: what each does, and that the room goes on as before. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { BuiltEvent } from '../../../src/protocol/events/event-builder.ts'
import { eventIdOf } from '../../../src/protocol/events/event-hash.ts'
import { rulesOf } from '../../support/auth-room.ts'
import { type Body, must } from '../../support/client.ts'
import { type Guest, guest, type Oddities } from '../../support/federation/guest.ts'
import { federating, remote } from '../../support/federation/remote.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { http, alice } = serving(['alice'], federating)
const VERSION = '11'

let bob: Guest & { roomId: string }
let state: Map<string, string>

async function roomWithBob(version = VERSION): Promise<Guest & { roomId: string }> {
  const roomId = await alice.createRoom({ room_version: version, preset: 'public_chat' })
  const made = guest('bob', { http, host: alice, server: other, roomId, version })
  await made.join()
  return { ...made, roomId }
}

const stateOf = async (roomId: string): Promise<Map<string, string>> => {
  const { body } = must(await alice.get(`/rooms/${encodeURIComponent(roomId)}/state`))
  return new Map(body.map((event: Body) => [`${event.type} ${event.state_key}`, event.event_id]))
}

const idsIn = async (roomId: string): Promise<string[]> => {
  const path = `/rooms/${encodeURIComponent(roomId)}/messages`
  return must(await alice.get(path, { dir: 'b', limit: 500 })).body.chunk.map(
    ({ event_id }: Body) => event_id,
  )
}

beforeAll(async () => {
  bob = await roomWithBob()
  state = await stateOf(bob.roomId)
})

const at = (key: string) => state.get(key)!
const ownMember = () => at(`m.room.member ${bob.userId}`)
const unknown = `$${'u'.repeat(43)}`

/** The event with other fields than it was signed with. */
function changed({ pdu }: BuiltEvent, fields: JsonObject): BuiltEvent {
  const made = { ...pdu, ...fields }
  return { pdu: made, eventId: eventIdOf(made, rulesOf(VERSION)), json: '' }
}

const members = (membership: string, stateKey: () => string, sender?: () => string) => (): Oddities => ({
  type: 'm.room.member',
  stateKey: stateKey(),
  content: { membership },
  ...(sender && { sender: sender() }),
})

/** Events whose verdict is told under their id: `error` has why they are refused. */
const REFUSED: [string, () => Oddities, RegExp][] = [
  ['bans a user without the power', members('ban', () => alice.userId), /power level/],
  ['joins for somebody else', members('join', () => `@mallory:${other.name}`), /./],
  ['is by a user outside the room', () => ({ sender: `@mallory:${other.name}` }), /not in the room/],
  [
    'takes power',
    () => ({ type: 'm.room.power_levels', stateKey: '', content: { users: { [bob.userId]: 100 } } }),
    /power level/,
  ],
  [
    'makes the room again',
    () => ({ type: 'm.room.create', stateKey: '', content: { room_version: VERSION } }),
    /./,
  ],
  ['cites nothing', () => ({ auth: [] }), /create event/],
  ['cites the same twice', () => ({ auth: [at('m.room.create '), ownMember(), ownMember()] }), /./],
  [
    'cites what does not authorise it',
    () => ({ auth: [at('m.room.create '), ownMember(), at('m.room.history_visibility ')] }),
    /does not authorise/,
  ],
  ['cites a message', () => ({ auth: [at('m.room.create '), ownMember(), said] }), /./],
  ['follows on nothing', () => ({ prev: [] }), /follows on nothing/],
]
let said: string
beforeAll(async () => {
  said = await alice.say(bob.roomId, 'something')
})

describe('an event that', () => {
  it.each(REFUSED)('%s is refused', async (_, odd, error) => {
    const event = await bob.make('bad', odd())
    const { body } = must(await bob.send([event]))
    expect(body.pdus).toEqual({ [event.eventId]: { error: expect.stringMatching(error) } })
    await expectUntouched([event])
  })

  it('cites a refused event is refused', async () => {
    const bad = await bob.make('', {
      type: 'm.room.power_levels',
      stateKey: '',
      content: { users: { [bob.userId]: 100 } },
    })
    const auth = [at('m.room.create '), ownMember(), bad.eventId]
    const name = await bob.make('', { type: 'm.room.name', stateKey: '', content: { name: 'Mine' }, auth })
    const { body } = must(await bob.send([bad, name]))
    expect(Object.keys(body.pdus[name.eventId])).toEqual(['error'])
    await expectUntouched([bad, name])
  })

  it.each<[string, () => Promise<Oddities>]>([
    ['cites an event that nobody has', async () => ({ auth: [at('m.room.create '), unknown] })],
    ['follows on an event that nobody has', async () => ({ prev: [unknown] })],
    [
      'cites an event of another room',
      async () => {
        const elsewhere = await roomWithBob()
        const there = await stateOf(elsewhere.roomId)
        return { auth: [at('m.room.create '), there.get(`m.room.member ${elsewhere.userId}`)!] }
      },
    ],
  ])('%s waits, and is shown to nobody', async (_, odd) => {
    const event = await bob.make('waits', await odd())
    must(await bob.send([event]))
    await expectUntouched([event])
  })
})

/** Nothing tells of these, and the room takes the next good event. */
async function expectUntouched(events: readonly { eventId: string }[]): Promise<void> {
  const good = await bob.make('good')
  expect(must(await bob.send([good])).body.pdus).toEqual({ [good.eventId]: {} })
  const there = await idsIn(bob.roomId)
  expect([there.includes(good.eventId), events.filter(({ eventId }) => there.includes(eventId))]).toEqual([
    true,
    [],
  ])
  expect(await stateOf(bob.roomId)).toEqual(state)
}

describe('what is no event of the room version', () => {
  it.each<[string, JsonObject]>([
    ['has no sender', { sender: null }],
    ['has a sender that is no user', { sender: 'bob' }],
    ['is larger than an event may be', { content: { body: 'x'.repeat(66_000) } }],
    ['has a type of more than 255 bytes', { type: 'x'.repeat(256) }],
    ['has a state key of more than 255 bytes', { state_key: 'x'.repeat(256) }],
    ['follows on more than 20 events', { prev_events: Array.from({ length: 21 }, (_, n) => `$${n}`) }],
    ['cites more than 10 events', { auth_events: Array.from({ length: 11 }, (_, n) => `$${n}`) }],
    ['has no depth', { depth: null }],
    ['has a depth below zero', { depth: -1 }],
    ['has a depth beyond all integers', { depth: 2 ** 60 }],
    ['has a fraction as its depth', { depth: 1.5 }],
    ['has a fraction in its content', { content: { body: 'x', at: 1.5 } }],
    ['has ids that are no strings', { prev_events: [{}] }],
    ['has a list as its content', { content: [] }],
    ['has no hash', { hashes: {} }],
    ['is nested too deeply', { content: { body: JSON.parse('['.repeat(120) + ']'.repeat(120)) } }],
  ])('%s is not taken', async (_, fields) => {
    const { pdu } = await bob.make('malformed')
    const { status } = await bob.send([{ ...pdu, ...fields }])
    expect([200, 400]).toContain(status)
    await expectUntouched([])
    const bodies = must(await alice.get(`/rooms/${bob.roomId}/messages`, { dir: 'b', limit: 3 })).body.chunk
    expect(bodies.map(({ content }: Body) => content.body)).not.toContain('malformed')
  })
})

describe('what was changed on the way', () => {
  it('is redacted where the hash is not that of the content', async () => {
    const event = changed(await bob.make('true'), { content: { msgtype: 'm.text', body: 'false' } })
    must(await bob.send([event]))
    const { body } = must(await alice.get(`/rooms/${bob.roomId}/event/${event.eventId}`))
    expect(body.content).toEqual({})
  })

  it('is known by its own id, whatever id it claims', async () => {
    const event = await bob.make('claims')
    const { body } = must(await bob.send([{ ...event.pdu, event_id: said }]))
    expect(Object.keys(body.pdus)).not.toContain(said)
    expect((await alice.get(`/rooms/${bob.roomId}/event/${said}`)).body.content.body).toBe('something')
  })

  it('has nothing of what others put into unsigned', async () => {
    const event = await bob.make('plain')
    const unsigned = {
      redacted_because: { type: 'm.room.redaction' },
      prev_content: { x: 1 },
      age: 5,
      membership: 'ban',
    }
    must(await bob.send([{ ...event.pdu, unsigned }]))
    const { body } = must(await alice.get(`/rooms/${bob.roomId}/event/${event.eventId}`))
    expect([body.content.body, body.unsigned?.redacted_because, body.unsigned?.prev_content]).toEqual([
      'plain',
      undefined,
      undefined,
    ])
  })

  it('does not redact what its sender may not', async () => {
    const redaction = await bob.make('', { type: 'm.room.redaction', content: { redacts: said } })
    must(await bob.send([redaction]))
    expect((await alice.get(`/rooms/${bob.roomId}/event/${said}`)).body.content.body).toBe('something')
  })
})

describe('numbers of room versions 3 to 5', () => {
  it.each(['3', '5'])('are taken in version %s as they were signed', async (version) => {
    const old = await roomWithBob(version)
    const event = await old.make('', { content: { msgtype: 'm.text', body: 'half', at: 1.5 } })
    expect(must(await old.send([event])).body.pdus).toEqual({ [event.eventId]: {} })
    const { body } = must(await alice.get(`/rooms/${old.roomId}/event/${encodeURIComponent(event.eventId)}`))
    expect(body.content.at).toBe(1.5)
  })
})

it('a room that does not federate takes nobody of another server in', async () => {
  const roomId = await alice.createRoom({
    preset: 'public_chat',
    room_version: VERSION,
    creation_content: { 'm.federate': false },
  })
  const stranger = guest('bob', { http, host: alice, server: other, roomId, version: VERSION })
  await expect(stranger.join()).rejects.toThrow('does not federate')
  const uri = `/_matrix/federation/v1/make_join/${encodeURIComponent(roomId)}/${encodeURIComponent(stranger.userId)}?ver=11&ver=12`
  expect((await other.ask(http, 'GET', uri)).status).toBe(403)
  expect((await alice.invite(roomId, stranger.userId)).body.errcode).toBe('M_FORBIDDEN')
})

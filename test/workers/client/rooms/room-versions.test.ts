/** Rooms of every version, from their creation to their end. */
import { beforeAll, describe, expect, it } from 'vitest'
import {
  SUPPORTED_ROOM_VERSIONS,
  UNSTABLE_ROOM_VERSIONS,
} from '../../../../src/protocol/rooms/room-version.ts'
import { type Answer, type Body, type Client, must } from '../../../support/client.ts'
import { at, history, wipeAndRebuildRoom } from '../../../support/rebuild.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'])

const failure = ({ status, body }: Answer) => [status, body.errcode]
let transactions = 0
const txn = () => {
  transactions += 1
  return `v${transactions}`
}

it('/capabilities names every version, and which are stable', async () => {
  const { capabilities } = must(await alice.get('/capabilities')).body
  const available = Object.fromEntries([
    ...SUPPORTED_ROOM_VERSIONS.map((version) => [version, 'stable']),
    ...UNSTABLE_ROOM_VERSIONS.map((version) => [version, 'unstable']),
  ])
  expect(capabilities['m.room_versions']).toEqual({ default: '12', available })
})

describe.each(SUPPORTED_ROOM_VERSIONS)('a room of version %s', (room_version) => {
  const number = Number(room_version)
  const make = (body: Body = {}) => alice.createRoom({ room_version, preset: 'public_chat', ...body })

  it('is made, joined, spoken in, moderated and read', async () => {
    const room = await make({ name: 'one of each', invite: [bob.userId] })
    expect(must(await alice.get(at(room, 'state/m.room.create'))).body).toMatchObject({ room_version })
    must(await bob.join(room))
    const said = await bob.say(room, `said in ${room_version}`)
    must(await alice.put(at(room, 'state/m.room.topic'), { topic: 'of old' }))
    must(await alice.put(at(room, `redact/${encodeURIComponent(said)}/${txn()}`)))
    const { content, unsigned } = must(await bob.get(at(room, `event/${encodeURIComponent(said)}`))).body
    expect(content).toEqual({})
    expect(unsigned.redacted_because.content.redacts).toBe(said)
    must(await alice.post(at(room, 'kick'), { user_id: bob.userId }))
    must(await bob.join(room))
    must(await alice.post(at(room, 'ban'), { user_id: bob.userId }))
    expect((await bob.join(room)).status).toBe(403)
    must(await alice.post(at(room, 'unban'), { user_id: bob.userId }))
    must(await bob.join(room))
    const { rooms } = must(await bob.sync()).body
    expect(rooms.join[room].timeline.events.length).toBeGreaterThan(3)
  })

  it('has event ids that every path accepts, whatever characters they have', async () => {
    const room = await make()
    const ids: string[] = []
    // Until one of them has a letter that a path has a meaning for.
    while (ids.length < 60 && (ids.length < 3 || (number === 3 && !ids.some((id) => id.includes('/'))))) {
      ids.push(await alice.say(room, `number ${ids.length}`))
    }
    const last = ids.at(-1) ?? ''
    const id = encodeURIComponent(last)
    expect(last).toMatch(number === 3 ? /^\$[A-Za-z0-9+/]{43}$/ : /^\$[A-Za-z0-9_-]{43}$/)
    const content = { 'm.relates_to': { rel_type: 'm.annotation', event_id: last, key: '+' } }
    must(await alice.put(at(room, `send/m.reaction/${txn()}`), content))
    expect(must(await alice.get(at(room, `event/${id}`))).body.event_id).toBe(last)
    expect(must(await alice.get(at(room, `context/${id}`))).body.event.event_id).toBe(last)
    const relations = await alice.get(`/_matrix/client/v1${at(room, `relations/${id}`)}`)
    expect(must(relations).body.chunk).toHaveLength(1)
    must(await alice.post(at(room, `receipt/m.read/${id}`)))
    must(await alice.put(at(room, `redact/${id}/${txn()}`)))
    expect(must(await alice.get(at(room, `event/${id}`))).body.content).toEqual({})
  })

  it('comes back from the archive as it was', async () => {
    const room = await make({ name: 'kept' })
    must(await bob.join(room))
    await bob.say(room, 'remember me')
    if (number < 6) must(await bob.put(at(room, `send/org.example.half/${txn()}`), { half: 0.5, much: 1e30 }))
    const before = (await history(bob, room)).map(({ unsigned: _, ...event }) => event)
    await wipeAndRebuildRoom(server, room, alice)
    const after = (await history(bob, room)).map(({ unsigned: _, ...event }) => event)
    expect(after).toEqual(before)
    await bob.say(room, 'and go on')
  })

  it('lets users knock, from version 7 on', async () => {
    const carol = await http.register(`knocker${room_version}`)
    const room = await make({
      initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }],
    })
    const knocked = await carol.post(`/knock/${encodeURIComponent(room)}`)
    expect(knocked.status).toBe(number >= 7 ? 200 : 403)
    expect((await carol.join(room)).status).toBe(403)
  })

  it('lets members of another room in, from version 8 on', async () => {
    const club = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(club))
    const allow = [{ type: 'm.room_membership', room_id: club }]
    const rule = { type: 'm.room.join_rules', content: { join_rule: 'restricted', allow } }
    const room = await make({ initial_state: [rule] })
    expect((await bob.join(room)).status).toBe(number >= 8 ? 200 : 403)
  })

  it('accepts aliases as state only from members', async () => {
    const room = await make()
    const put = (client: Client, server_name: string) =>
      client.put(at(room, `state/m.room.aliases/${server_name}`), { aliases: [] })
    expect((await put(bob, 'test.example')).status).toBe(403)
    expect((await put(alice, 'test.example')).status).toBe(200)
    expect((await put(alice, 'other.example')).status).toBe(number >= 6 ? 200 : 403)
  })

  const LITERALS = ['1.0', '1e2', '1E+2', '-0.0', '0.5', '9007199254740991.4', '[{"b":2.0}]']
  const raw = (client: Client, method: string, path: string, body: string) =>
    http.request(method, path, undefined, {
      token: client.token,
      raw: body,
      headers: { 'content-type': 'application/json' },
    })

  it.each(LITERALS)(`refuses %s as a number from version 6 on, on every path`, async (literal) => {
    const room = await make()
    const content = `{"msgtype":"m.text","body":"1.0 is text","n":${literal}}`
    const expected = number >= 6 ? [400, 'M_BAD_JSON'] : [200, undefined]
    const delayed = `/_matrix/client/unstable/org.matrix.msc4140${at(room, `delayed_event/m.room.message/${txn()}`)}`
    const delay = 'org.matrix.msc4140.delay=100000'
    const ways: [string, string, string][] = [
      ['PUT', at(room, `send/m.room.message/${txn()}`), content],
      ['POST', at(room, 'send/m.room.message'), content],
      ['PUT', at(room, `state/org.example.x/${txn()}`), content],
      ['PUT', at(room, `send/m.room.message/${txn()}?${delay}`), content],
      ['PUT', at(room, `state/org.example.x/${txn()}?${delay}`), content],
      ['PUT', delayed, `{"delay_ms":100000,"content":${content}}`],
      ['POST', '/createRoom', `{"room_version":"${room_version}","creation_content":${content}}`],
      [
        'POST',
        '/createRoom',
        `{"room_version":"${room_version}","initial_state":[{"type":"org.example.x","content":${content}}]}`,
      ],
    ]
    for (const [method, path, body] of ways) {
      expect(failure(await raw(alice, method, path, body)), `${method} ${path}`).toEqual(expected)
    }
    expect(failure(await raw(bob, 'POST', `/join/${encodeURIComponent(room)}`, content))).toEqual(expected)
    if (number < 6) must(await bob.post(at(room, 'leave')))
    expect(failure(await raw(bob, 'POST', at(room, 'join'), content))).toEqual(expected)
    must(
      await raw(alice, 'PUT', at(room, `send/m.room.message/${txn()}`), '{"body":"1.0 1e2 \\" 0.5","n":-10}'),
    )
  })

  it('accepts only integers as power levels from a client', async () => {
    const room = await make()
    const levels = must(await alice.get(at(room, 'state/m.room.power_levels'))).body
    for (const ban of ['50', 50.5]) {
      const answer = await alice.put(at(room, 'state/m.room.power_levels'), { ...levels, ban })
      expect(failure(answer)).toEqual([400, 'M_BAD_JSON'])
    }
  })
})

it('a room with floats in its state is upgraded, and then has whole numbers', async () => {
  const room = await alice.createRoom({ room_version: '5', creation_content: { type: 'm.space' } })
  const half = { via: ['test.example'], n: 2.5, list: [-1.5, { m: 1e300 }] }
  must(await alice.put(at(room, 'state/m.space.child/!x:test.example'), half))
  must(await alice.put(at(room, 'state/m.room.topic'), { topic: 'half', n: 0.5 }))
  const { replacement_room: next } = must(await alice.post(at(room, 'upgrade'), { new_version: '11' })).body
  const content = async (type: string) => must(await alice.get(at(next, `state/${type}`))).body
  expect(await content('m.space.child/!x:test.example')).toEqual({
    via: ['test.example'],
    n: 2,
    list: [-1, { m: 0 }],
  })
  expect(await content('m.room.topic')).toEqual({ topic: 'half', n: 0 })
})

it.each(['1', '2', '13', ''])('room version %j is not supported', async (room_version) => {
  expect(failure(await alice.post('/createRoom', { room_version }))).toEqual([
    400,
    'M_UNSUPPORTED_ROOM_VERSION',
  ])
})

describe.each(UNSTABLE_ROOM_VERSIONS)('a state key in version %s', (room_version) => {
  let room: string
  const set = async (client: Client, key: string) => {
    const { status, body } = await client.put(
      at(room, `state/org.example.own/${encodeURIComponent(key)}`),
      {},
    )
    return [status, body.errcode]
  }

  beforeAll(async () => {
    const levels = { events: { 'org.example.own': 0 } }
    room = await alice.createRoom({
      room_version,
      preset: 'public_chat',
      power_level_content_override: levels,
    })
    must(await bob.join(room))
  })

  it('may begin with its sender, whatever follows the underscore', async () => {
    expect(await set(bob, bob.userId)).toEqual([200, undefined])
    expect(await set(bob, `${bob.userId}_DEVICE:!@#`)).toEqual([200, undefined])
  })

  it('that begins with another user needs a higher level than theirs', async () => {
    expect(await set(alice, bob.userId)).toEqual([200, undefined])
    expect(await set(alice, `${bob.userId}_DEVICE`)).toEqual([200, undefined])
    expect(await set(alice, '@elsewhere:example.org')).toEqual([200, undefined])
    for (const key of [alice.userId, `${alice.userId}_x`, '@elsewhere:example.org', `@x_${bob.userId}_y`])
      expect(await set(bob, key)).toEqual([403, 'M_FORBIDDEN'])
  })

  it('that starts with @ names a user', async () => {
    for (const key of ['@nobody', '@', `${alice.userId}@x`])
      expect(await set(alice, key)).toEqual([400, 'M_BAD_JSON'])
  })
})

it('a state key with @ must be its sender’s user id in version 11', async () => {
  const room = await alice.createRoom({ room_version: '11' })
  const answers = [`${alice.userId}_x`, '@nobody', '@elsewhere:example.org'].map((key) =>
    alice.put(at(room, `state/org.example.own/${encodeURIComponent(key)}`), {}),
  )
  expect((await Promise.all(answers)).map(failure)).toEqual(Array(3).fill([403, 'M_FORBIDDEN']))
})

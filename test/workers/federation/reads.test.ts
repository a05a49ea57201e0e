/** What other servers read of rooms that they share with this one. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { eventIdOf } from '../../../src/protocol/events/event-hash.ts'
import { type RoomVersionRules, roomVersion } from '../../../src/protocol/rooms/room-version.ts'
import { type Body, must } from '../../support/client.ts'
import { makeTemplate, signedEvent, take } from '../../support/federation/joiner.ts'
import { federating, newRemote, remote } from '../../support/federation/remote.ts'
import { serving } from '../../support/serving.ts'

const V1 = '/_matrix/federation/v1'
const enc = encodeURIComponent
const RULES = roomVersion('11') as RoomVersionRules

const other = remote()
const { http, server, alice } = serving(['alice'], federating)

const eve = () => `@eve:${other.name}`
const ask = (path: string) => other.ask(http, 'GET', `${V1}${path}`)
const idsOf = (pdus: Pdu[]) => pdus.map((pdu) => eventIdOf(pdu, RULES))

/** A room that the other server has joined, with messages before the join and after it. */
async function sharedRoom(more: Body = {}) {
  const roomId = await alice.createRoom({ preset: 'public_chat', room_version: '11', ...more })
  const before = [await alice.say(roomId, 'before 1'), await alice.say(roomId, 'before 2')]
  const join = await take(other, http, { membership: 'join', roomId, userId: eve() })
  const after = []
  for (let number = 1; number <= 5; number += 1) after.push(await alice.say(roomId, `after ${number}`))
  return { roomId, before, joinId: join.eventId, after }
}

/** So many further users of the other server join, fifty in a transaction. */
async function crowd(roomId: string, users: number) {
  const userId = `@somebody:${other.name}`
  const template = await makeTemplate(other, http, { membership: 'join', roomId, userId })
  let event: Body = must(template).body.event
  for (let first = 0; first < users; first += 50) {
    const joins = Array.from({ length: 50 }, (_, index) => {
      const sender = `@u${first + index}:${other.name}`
      const made = signedEvent(
        other,
        { ...event, sender, state_key: sender, origin_server_ts: Date.now() },
        '11',
      )
      event = { ...event, prev_events: [made.eventId], depth: event.depth + 1 }
      return made
    })
    const pdus = joins.map(({ pdu }) => pdu as Body)
    const { body } = must(await other.ask(http, 'PUT', `${V1}/send/crowd${first}`, { pdus }))
    expect(body.pdus).toEqual(Object.fromEntries(joins.map(({ eventId }) => [eventId, {}])))
  }
}

let room: Awaited<ReturnType<typeof sharedRoom>>
beforeAll(async () => {
  room = await sharedRoom()
})

/** Every read of a room, of an event in it. */
const READS: [string, (roomId: string, eventId: string) => [method: string, path: string, body?: Body]][] = [
  ['state', (roomId, eventId) => ['GET', `/state/${enc(roomId)}?event_id=${enc(eventId)}`]],
  ['state_ids', (roomId, eventId) => ['GET', `/state_ids/${enc(roomId)}?event_id=${enc(eventId)}`]],
  ['event_auth', (roomId, eventId) => ['GET', `/event_auth/${enc(roomId)}/${enc(eventId)}`]],
  ['backfill', (roomId, eventId) => ['GET', `/backfill/${enc(roomId)}?v=${enc(eventId)}&limit=10`]],
  [
    'get_missing_events',
    (roomId, eventId) => [
      'POST',
      `/get_missing_events/${enc(roomId)}`,
      { earliest_events: [], latest_events: [eventId], limit: 10 },
    ],
  ],
  ['timestamp_to_event', (roomId) => ['GET', `/timestamp_to_event/${enc(roomId)}?ts=0&dir=f`]],
]

describe.each(READS)('%s', (_, request) => {
  const asked = (roomId: string, eventId: string, server = other) => {
    const [method, path, body] = request(roomId, eventId)
    return server.ask(http, method, `${V1}${path}`, body)
  }

  it('is answered to a server in the room', async () => {
    expect((await asked(room.roomId, room.after[4]!)).status).toBe(200)
  })

  it('is refused to a server outside the room', async () => {
    const stranger = newRemote()
    await stranger.start()
    const { status, body } = await asked(room.roomId, room.after[4]!, stranger)
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    await stranger.stop()
  })

  it('is refused once all users of the server have left', async () => {
    const left = await sharedRoom()
    await take(other, http, { membership: 'leave', roomId: left.roomId, userId: eve() })
    expect((await asked(left.roomId, left.after[4]!)).status).toBe(403)
  })

  it('is refused to a server that the room shuts out', async () => {
    const shut = await sharedRoom()
    const acl = { allow: ['*'], allow_ip_literals: false }
    must(await alice.put(`/rooms/${shut.roomId}/state/m.room.server_acl`, acl))
    expect((await asked(shut.roomId, shut.after[4]!)).status).toBe(403)
  })

  it('of a room that does not exist is 404', async () => {
    expect((await asked('!invented:test.example', room.after[4]!)).status).toBe(404)
  })

  it('is refused without a signature', async () => {
    const [method, path, body] = request(room.roomId, room.after[4]!)
    expect((await http.request(method, `${V1}${path}`, body)).status).toBe(401)
  })
})

describe('the state before an event', () => {
  it('has the events that were in force then, and what they rely on', async () => {
    const { roomId } = room
    const topic = must(await alice.put(`/rooms/${roomId}/state/m.room.topic`, { topic: 'one' })).body.event_id
    const next = must(await alice.put(`/rooms/${roomId}/state/m.room.topic`, { topic: 'two' })).body.event_id
    const { body } = must(await ask(`/state_ids/${enc(roomId)}?event_id=${enc(next)}`))
    expect(body.pdu_ids).toContain(topic)
    expect(body.pdu_ids).toContain(room.joinId)
    expect(body.pdu_ids).not.toContain(next)
    const whole = must(await ask(`/state/${enc(roomId)}?event_id=${enc(next)}`)).body
    expect(new Set(idsOf(whole.pdus))).toEqual(new Set(body.pdu_ids))
    expect(new Set(idsOf(whole.auth_chain))).toEqual(new Set(body.auth_chain_ids))
    const relied = (whole.pdus as Pdu[]).flatMap((pdu) => pdu.auth_events)
    expect(body.auth_chain_ids).toEqual(expect.arrayContaining(relied))
  })

  it('of an event that is not here is 404', async () => {
    const { roomId } = room
    expect((await ask(`/state_ids/${enc(roomId)}?event_id=%24nothing`)).status).toBe(404)
  })

  it('needs the event', async () => {
    const { status, body } = await ask(`/state_ids/${enc(room.roomId)}`)
    expect([status, body.errcode]).toEqual([400, 'M_MISSING_PARAM'])
  })

  it('with more events than one call carries is whole', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat', room_version: '11' })
    const text = 'x'.repeat(50_000)
    for (let key = 0; key < 60; key += 1)
      must(await alice.put(`/rooms/${roomId}/state/org.example.large/${key}`, { text }))
    const join = await take(other, http, { membership: 'join', roomId, userId: eve() })
    const large = (join.body.state as Pdu[]).filter(({ type }) => type === 'org.example.large')
    expect(large).toHaveLength(60)
  })
})

describe('event_auth', () => {
  it('has all that the event relies on, and not the event', async () => {
    const { roomId, joinId } = room
    const { body } = must(await ask(`/event_auth/${enc(roomId)}/${enc(joinId)}`))
    const types = (body.auth_chain as Pdu[]).map(({ type }) => type)
    expect(types).toEqual(
      expect.arrayContaining(['m.room.create', 'm.room.join_rules', 'm.room.power_levels']),
    )
    expect(idsOf(body.auth_chain)).not.toContain(joinId)
  })

  it.each(['11', '12'])('of version %s has the create event', async (version) => {
    const roomId = await alice.createRoom({ preset: 'public_chat', room_version: version })
    const { eventId } = await take(other, http, { membership: 'join', roomId, userId: eve() })
    const { body } = must(await ask(`/event_auth/${enc(roomId)}/${enc(eventId)}`))
    expect((body.auth_chain as Pdu[]).filter(({ type }) => type === 'm.room.create')).toHaveLength(1)
  })
})

describe('backfill', () => {
  it('begins with the named events and goes back, the newest first', async () => {
    const { roomId, after, joinId } = room
    const { body } = must(await ask(`/backfill/${enc(roomId)}?v=${enc(after[4]!)}&limit=6`))
    expect(idsOf(body.pdus)).toEqual([...after].reverse().concat(joinId))
    expect(body.origin).toBe('test.example')
  })

  it('tells nothing of events that are not here', async () => {
    const { body } = must(await ask(`/backfill/${enc(room.roomId)}?v=%24nothing&limit=6`))
    expect(body.pdus).toEqual([])
  })

  it('shows redacted what was said before the server was in the room, where only members may see it', async () => {
    const initial_state = [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }]
    const joined = await sharedRoom({ initial_state })
    const { body } = must(await ask(`/backfill/${enc(joined.roomId)}?v=${enc(joined.after[0]!)}&limit=4`))
    expect(idsOf(body.pdus)).toEqual([joined.after[0], joined.joinId, joined.before[1], joined.before[0]])
    expect((body.pdus as Pdu[]).map(({ content }) => content.body)).toEqual([
      'after 1',
      undefined,
      undefined,
      undefined,
    ])
  })

  it('shows them redacted however many users of the server have joined since', async () => {
    const initial_state = [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }]
    const { roomId, before } = await sharedRoom({ initial_state })
    await crowd(roomId, 500)
    const { body } = must(await ask(`/backfill/${enc(roomId)}?v=${enc(before[1]!)}&limit=1`))
    expect(body.pdus[0].content).toEqual({})
    const said = await alice.say(roomId, 'to all of them')
    const { pdus } = must(await ask(`/backfill/${enc(roomId)}?v=${enc(said)}&limit=1`)).body
    expect(pdus[0].content.body).toBe('to all of them')
  })

  it('does not tell what was redacted', async () => {
    const { roomId } = room
    const eventId = await alice.say(roomId, 'taken back')
    must(await alice.put(`/rooms/${roomId}/redact/${enc(eventId)}/r1`, {}))
    const { body } = must(await ask(`/backfill/${enc(roomId)}?v=${enc(eventId)}&limit=1`))
    expect(idsOf(body.pdus)).toEqual([eventId])
    expect(body.pdus[0].content).toEqual({})
    expect(body.pdus[0].unsigned).toBeUndefined()
  })

  it.each([
    ['more events than it looks at', `/backfill/ROOM?${Array(101).fill('v=%24a').join('&')}&limit=5`],
    ['no limit', '/backfill/ROOM?v=%24a'],
    ['what is no event ID', '/backfill/ROOM?v=a&limit=5'],
  ])('of %s is 400', async (_, path) => {
    expect((await ask(path.replace('ROOM', enc(room.roomId)))).status).toBe(400)
  })
})

describe('get_missing_events', () => {
  const missing = (roomId: string, body: Body) =>
    other.ask(http, 'POST', `${V1}/get_missing_events/${enc(roomId)}`, body)

  it('has what lies between, the oldest first', async () => {
    const { roomId, after } = room
    const { body } = must(
      await missing(roomId, { earliest_events: [after[0]], latest_events: [after[4]], limit: 10 }),
    )
    expect(idsOf(body.events)).toEqual(after.slice(1, 4))
  })

  it('has the newest where there are more than were asked for', async () => {
    const { roomId, after } = room
    const { body } = must(await missing(roomId, { earliest_events: [], latest_events: [after[4]], limit: 2 }))
    expect(idsOf(body.events)).toEqual(after.slice(2, 4))
  })

  it('stops at the least depth', async () => {
    const { roomId, after } = room
    const { body: all } = must(
      await missing(roomId, { earliest_events: [], latest_events: [after[4]], limit: 3 }),
    )
    const depth = all.events[1].depth
    const { body } = must(
      await missing(roomId, { earliest_events: [], latest_events: [after[4]], limit: 10, min_depth: depth }),
    )
    expect(idsOf(body.events)).toEqual(after.slice(2, 4))
  })
})

describe('a single event', () => {
  it('is found by its ID alone, once the archive has it', async () => {
    const { after } = room
    await expect
      .poll(async () => (await ask(`/event/${enc(after[2]!)}`)).status, { timeout: 10_000 })
      .toBe(200)
    const { body } = must(await ask(`/event/${enc(after[2]!)}`))
    expect(idsOf(body.pdus)).toEqual([after[2]])
  })

  it('of the room whose state was asked for is found before the archive has it', async () => {
    const { roomId } = room
    server.postgres.stop()
    const eventId = await alice.say(roomId, 'only here')
    must(await ask(`/state_ids/${enc(roomId)}?event_id=${enc(eventId)}`))
    const { body } = must(await ask(`/event/${enc(eventId)}`))
    expect(idsOf(body.pdus)).toEqual([eventId])
    server.postgres.start()
  })

  it('that does not exist is 404', async () => {
    expect((await ask('/event/%24nothing')).status).toBe(404)
  })

  it('of another room is refused', async () => {
    const roomId = await alice.createRoom()
    const eventId = await alice.say(roomId, 'secret')
    await expect.poll(async () => (await ask(`/event/${enc(eventId)}`)).status, { timeout: 10_000 }).toBe(403)
  })
})

describe('timestamp_to_event', () => {
  it('has the event nearest to a moment', async () => {
    const { roomId } = room
    const { body } = must(await ask(`/timestamp_to_event/${enc(roomId)}?ts=0&dir=f`))
    const { body: create } = must(await ask(`/event/${enc(body.event_id)}`))
    expect(create.pdus[0].type).toBe('m.room.create')
    expect(body.origin_server_ts).toBe(create.pdus[0].origin_server_ts)
  })
})

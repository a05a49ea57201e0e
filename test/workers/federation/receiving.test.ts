/** Transactions of other servers: what is taken, what is refused, and what is fetched for it. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Body, must } from '../../support/client.ts'
import { type Guest, guest } from '../../support/federation/guest.ts'
import { federating, newKey, newRemote, type Remote, remote } from '../../support/federation/remote.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { http, server, alice } = serving(['alice'], federating)
const PATIENCE = { timeout: 20_000, interval: 10 }

async function openRoom(version = '11'): Promise<string> {
  return alice.createRoom({ room_version: version, preset: 'public_chat' })
}

/** A user of the remote who has joined a new room. */
async function joined(
  name: string,
  version = '11',
  from: Remote = other,
): Promise<Guest & { roomId: string }> {
  const roomId = await openRoom(version)
  const made = guest(name, { http, host: alice, server: from, roomId, version })
  await made.join()
  return { ...made, roomId }
}

const path = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}/${rest}`

/** What the room says, oldest first. */
async function said(roomId: string): Promise<string[]> {
  const { body } = must(await alice.get(path(roomId, 'messages'), { dir: 'f', limit: 200 }))
  return body.chunk
    .filter(({ type }: Body) => type === 'm.room.message')
    .map(({ content }: Body) => content.body)
}

describe('an event', () => {
  it.each(['3', '6', '10', '11', '12'])('of a room of version %s is taken, and seen', async (version) => {
    const bob = await joined('bob', version)
    const event = await bob.make('hello')
    const { body } = must(await bob.send([event]))
    expect(body).toEqual({ pdus: { [event.eventId]: {} } })
    expect(await said(bob.roomId)).toEqual(['hello'])
  })

  it('that is bad fails alone', async () => {
    const bob = await joined('bob')
    const good = await bob.make('good')
    const forged = await bob.make('forged', { key: newKey(other.key.id) })
    const notAllowed = await bob.make('', { type: 'm.room.name', stateKey: '', content: { name: 'Mine' } })
    const malformed = { ...(await bob.make('malformed')).pdu, depth: 'deep' }
    const { body } = must(await bob.send([forged, malformed, notAllowed, good]))
    expect(body.pdus).toEqual({
      [good.eventId]: {},
      [forged.eventId]: { error: `The event has no valid signature of ${other.name}` },
      [notAllowed.eventId]: { error: expect.any(String) },
    })
    expect(await said(bob.roomId)).toEqual(['good'])
  })

  it.each([
    ['is taken in a room of version 10, as other servers take it', '10', true],
    ['is dropped in a room of version 11', '11', false],
  ])('whose type has 280 bytes and 70 characters %s', async (_, version, isTaken) => {
    const bob = await joined('bob', version)
    const event = await bob.make('', { type: '\u{1F4A5}'.repeat(70) })
    const { body } = must(await bob.send([event]))
    expect(body.pdus).toEqual(isTaken ? { [event.eventId]: {} } : {})
  })

  it('in the name of a user of this server, or of a third one, is refused', async () => {
    const bob = await joined('bob')
    const [ours, third] = [
      await bob.make('ours', { sender: alice.userId }),
      await bob.make('third', { sender: `@carol:127.0.0.1:9` }),
    ]
    const { body } = must(await bob.send([ours, third]))
    expect(Object.keys(body.pdus[ours.eventId])).toEqual(['error'])
    expect(Object.keys(body.pdus[third.eventId])).toEqual(['error'])
    expect(await said(bob.roomId)).toEqual([])
  })

  it('that many others lead to in many ways, and that nobody has, is looked for once', async () => {
    const bob = await joined('bob')
    const content = (n: number) => ({ membership: 'join', displayname: `bob ${n}` })
    const chain = [`$${'m'.repeat(43)}`, `$${'n'.repeat(43)}`]
    const events = []
    for (let n = 0; n < 40; n += 1) {
      const [prev, ...cited] = chain.toReversed()
      const odd = {
        type: 'm.room.member',
        stateKey: bob.userId,
        content: content(n),
        prev: [prev!],
        auth: [prev!, cited[0]!],
      }
      const event = await bob.make('', odd)
      events.push(event)
      chain.push(event.eventId)
    }
    must(await bob.send(events))
    const good = await bob.make('good')
    expect(must(await bob.send([good])).body.pdus).toEqual({ [good.eventId]: {} })
  })

  it('that comes again changes nothing', async () => {
    const bob = await joined('bob')
    const event = await bob.make('once')
    for (let time = 0; time < 3; time += 1) {
      expect(must(await bob.send([event])).body.pdus).toEqual({ [event.eventId]: {} })
    }
    expect(await said(bob.roomId)).toEqual(['once'])
  })

  it('of a server that the room keeps out is refused', async () => {
    const bob = await joined('bob')
    must(
      await alice.put(path(bob.roomId, 'state/m.room.server_acl/'), {
        allow: ['*'],
        deny: ['127.0.0.1'],
        allow_ip_literals: true,
      }),
    )
    const event = await bob.make('kept out')
    const { body } = must(await bob.send([event]))
    expect(body.pdus).toEqual({ [event.eventId]: { error: 'The server is not allowed in this room' } })
    expect(await said(bob.roomId)).toEqual([])
  })

  it('of a room that is not here makes no object', async () => {
    const bob = await joined('bob')
    const rooms = () =>
      readdirSync(join(server.folder, 'objects'), { recursive: true, encoding: 'utf8' }).filter((name) =>
        /-(Room|Destination)\/[0-9a-f]{64}\.sqlite$/.test(name),
      )
    const before = rooms()
    const { pdu } = await bob.make('nowhere')
    const elsewhere = ['!nowhere:test.example', '!nowhere:else.example', `!${'A'.repeat(43)}`]
    const { body } = must(await bob.send(elsewhere.map((room_id) => ({ ...pdu, room_id }))))
    expect(body).toEqual({ pdus: {} })
    expect(rooms()).toEqual(before)
  })
})

describe('a key that its server has ended', () => {
  const HOUR_MS = 3_600_000
  const old = newKey('ed25519:r_0')
  const endedAt = Date.now() - HOUR_MS

  it.each([
    ['from before its end is taken', '11', -1, {}],
    ['from after its end is refused', '11', 1, { error: expect.stringMatching(/no valid signature/) }],
    ['from after its end is taken in rooms that do not know of this', '4', 1, {}],
  ])('an event %s', async (_, version, after, result) => {
    const server = newRemote()
    await server.start()
    server.on('GET', '/_matrix/key/v2/server', () => ({
      body: server.serverKeys({ old_verify_keys: { [old.id]: { key: old.publicKey, expired_ts: endedAt } } }),
    }))
    const bob = await joined('bob', version, server)
    const event = await bob.make('signed by an old key', { key: old, ts: endedAt + after })
    expect(must(await bob.send([event])).body.pdus).toEqual({ [event.eventId]: result })
    await server.stop()
  })
})

it('rooms that are in use go on without Postgres', async () => {
  const bob = await joined('bob')
  server.postgres.stop()
  const event = await bob.make('meanwhile')
  expect(must(await bob.send([event])).body.pdus).toEqual({ [event.eventId]: {} })
  expect(await said(bob.roomId)).toEqual(['meanwhile'])
  server.postgres.start()
})

describe('what an event builds on', () => {
  it('is fetched from its server where it is missing', async () => {
    const bob = await joined('bob')
    const first = await bob.make('first')
    const second = await bob.make('second', { prev: [first.eventId] })
    const third = await bob.make('third', { prev: [second.eventId] })
    const asked: Body[] = []
    other.on(
      'POST',
      `/_matrix/federation/v1/get_missing_events/${encodeURIComponent(bob.roomId)}`,
      ({ body }) => {
        asked.push(body)
        return { body: { events: [first.pdu, second.pdu] } }
      },
    )
    const { body } = must(await bob.send([third]))
    expect(body.pdus).toEqual({ [third.eventId]: {} })
    expect(await said(bob.roomId)).toEqual(['first', 'second', 'third'])
    expect(asked).toEqual([
      expect.objectContaining({ latest_events: [third.eventId], limit: 20, min_depth: expect.any(Number) }),
    ])
  })

  it('is looked for within bounds where it never ends', async () => {
    const bob = await joined('bob')
    const missing = `/_matrix/federation/v1/get_missing_events/${encodeURIComponent(bob.roomId)}`
    const ids = `/_matrix/federation/v1/state_ids/${encodeURIComponent(bob.roomId)}`
    let made = 0
    // Each event has one more before it.
    let next = await bob.make('0', { prev: [`$${'x'.repeat(43)}`] })
    const last = await bob.make('last', { prev: [next.eventId] })
    other.on('POST', missing, async () => {
      const given = next
      made += 1
      next = await bob.make(`${made}`, { prev: [`$${`${made}`.padStart(43, 'y')}`] })
      return { body: { events: [given.pdu] } }
    })
    other.on('GET', ids, () => ({ status: 404, body: { errcode: 'M_NOT_FOUND', error: 'no' } }))
    const { body } = must(await bob.send([last]))
    expect(body.pdus).toEqual({ [last.eventId]: {} })
    const count = (begin: string) => other.received.filter(({ uri }) => uri.startsWith(begin)).length
    expect(count(missing)).toBeLessThanOrEqual(10)
    expect(count(ids)).toBeLessThanOrEqual(10)
    // Others go on meanwhile.
    const good = await bob.make('good')
    expect(must(await bob.send([good])).body.pdus).toEqual({ [good.eventId]: {} })
    expect(await said(bob.roomId)).toContain('good')
  })
})

describe('a transaction', () => {
  it.each([
    [
      'more than fifty events',
      async (bob: Guest) => bob.send(Array(51).fill((await bob.make('many')).pdu)),
      400,
    ],
    [
      'more than a hundred other things',
      (bob: Guest) => ask(bob, { pdus: [], edus: Array(101).fill({ edu_type: 'm.typing', content: {} }) }),
      400,
    ],
    ['no list of events', (bob: Guest) => ask(bob, { pdus: {} }), 400],
    [
      'more than ten megabytes',
      (bob: Guest) => ask(bob, { pdus: [], more: 'x'.repeat(10 * 1024 * 1024) }),
      413,
    ],
    [
      'another body than was signed',
      async (bob: Guest) => bob.send([await bob.make('x')], { content: { pdus: [] } }),
      401,
    ],
  ])('with %s is refused', async (_, send, status) => {
    expect((await send(await joined('bob'))).status).toBe(status)
  })

  const ask = (_: Guest, content: Body) => other.ask(http, 'PUT', '/_matrix/federation/v1/send/odd', content)

  it('is one of eight at the same time', async () => {
    const bob = await joined('bob')
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let waiting = 0
    other.on('POST', '/_matrix/federation/v1/get_missing_events/', async () => {
      waiting += 1
      await held
      return { body: { events: [] } }
    })
    const events = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        bob.make(`${index}`, { prev: [`$${`${index}`.padStart(43, 'z')}`] }),
      ),
    )
    const answers = events.map((event) => bob.send([event]))
    await expect.poll(() => waiting, PATIENCE).toBe(8)
    const ninth = await bob.send([await bob.make('ninth')])
    expect([ninth.status, ninth.body.errcode, ninth.headers.get('retry-after')]).toEqual([
      429,
      'M_LIMIT_EXCEEDED',
      '2',
    ])
    release()
    for (const answer of await Promise.all(answers)) expect(answer.status).toBe(200)
    expect((await bob.send([await bob.make('tenth')])).status).toBe(200)
  })
})

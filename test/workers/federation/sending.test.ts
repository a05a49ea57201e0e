/** What other servers get of a room in which users of theirs are. */
import { beforeAll, describe, expect, it } from 'vitest'
import { isRequestSigned, parseXMatrix } from '../../../src/protocol/federation/x-matrix.ts'
import { type Body, must } from '../../support/client.ts'
import { planFault, settled } from '../../support/faults.ts'
import { federating, type Remote, type Reply, remote } from '../../support/federation/remote.ts'
import { objectName } from '../../support/server.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { http, server, alice } = serving(['alice'], {
  ...federating,
  unlikeArchive: { servers: 'the test puts servers into rooms by hand' },
})
const SEND = '/_matrix/federation/v1/send/'
const PATIENCE = { timeout: 20_000, interval: 10 }

/** The events that a remote got, oldest first. */
const got = ({ received }: Remote): Body[] =>
  received.filter(({ uri }) => uri.startsWith(SEND)).flatMap(({ body }) => body.pdus)
const saidTo = (to: Remote, roomId: string): string[] =>
  got(to)
    .filter((pdu) => pdu.type === 'm.room.message' && pdu.room_id === roomId)
    .map(({ content }) => content.body)

/** A room that a user of the server has joined. */
async function sharedRoom(with_: Remote): Promise<string> {
  const roomId = await alice.createRoom({ room_version: '11' })
  await enters(with_, roomId)
  return roomId
}

async function enters({ name }: Remote, roomId: string): Promise<void> {
  await settled(http)
  const room = objectName.room(server.serverName, roomId)
  const [{ pos } = {}] = await server.sql('ROOM', room, 'SELECT max(pos) AS pos FROM events')
  await server.sql('ROOM', room, `INSERT INTO servers (name, joined, from_pos) VALUES ('${name}', 1, ${pos})`)
  await server.evict('ROOM', room)
}

const calls = async () =>
  must(await http.request('GET', '/_selvedge/test/calls')).body as Record<string, number>

beforeAll(() => other.on('PUT', SEND, () => ({ body: { pdus: {} } })))

describe('a server that takes part', () => {
  it('gets what is said, signed by this one', async () => {
    const roomId = await sharedRoom(other)
    const eventId = await alice.say(roomId, 'hello')
    await expect.poll(() => saidTo(other, roomId), PATIENCE).toEqual(['hello'])
    const { headers, uri, text, body } = other.received.findLast((one) => one.uri.startsWith(SEND))!
    const { body: keys } = await http.request('GET', '/_matrix/key/v2/server')
    const [signature] = parseXMatrix(headers.authorization!)
    expect(signature).toMatchObject({ origin: 'test.example', destination: other.name })
    const request = { method: 'PUT', uri, destination: other.name, content: text }
    expect(isRequestSigned(request, signature!, keys.verify_keys[signature!.keyId].key)).toBe(true)
    expect(body).toMatchObject({ origin: 'test.example', origin_server_ts: expect.any(Number) })
    const pdu = body.pdus.at(-1)
    expect(pdu).not.toHaveProperty('event_id')
    expect(pdu).not.toHaveProperty('unsigned')
    expect(pdu.signatures['test.example']).toEqual({ [signature!.keyId]: expect.any(String) })
    expect(eventId).toMatch(/^\$/)
  })

  it('gets nothing from before it came, and nothing from after it went', async () => {
    const roomId = await alice.createRoom()
    await alice.say(roomId, 'before')
    await enters(other, roomId)
    await alice.say(roomId, 'meanwhile')
    await expect.poll(() => saidTo(other, roomId), PATIENCE).toEqual(['meanwhile'])
    const room = objectName.room(server.serverName, roomId)
    await settled(http)
    await server.sql('ROOM', room, 'UPDATE servers SET joined = 0, to_pos = (SELECT max(pos) FROM events)')
    await alice.say(roomId, 'after')
    const marker = await sharedRoom(other)
    await alice.say(marker, 'later')
    await expect.poll(() => saidTo(other, marker), PATIENCE).toEqual(['later'])
    expect(saidTo(other, roomId)).toEqual(['meanwhile'])
  })

  it('gets what waits in order, at most fifty events at a time, in one request after the other', async () => {
    const roomId = await sharedRoom(other)
    let underWay = 0
    let most = 0
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    other.on('PUT', SEND, async (): Promise<Reply> => {
      underWay += 1
      most = Math.max(most, underWay)
      await held
      underWay -= 1
      return { body: { pdus: {} } }
    })
    const texts = Array.from({ length: 130 }, (_, index) => `${index}`)
    for (const text of texts) await alice.say(roomId, text)
    release()
    await expect.poll(() => saidTo(other, roomId).length, PATIENCE).toBe(130)
    expect(saidTo(other, roomId)).toEqual(texts)
    expect(most).toBe(1)
    const sizes = other.received.filter(({ uri }) => uri.startsWith(SEND)).map(({ body }) => body.pdus.length)
    expect(Math.max(...sizes)).toBe(50)
  })

  it('gets what a crash has met between its mark and its request', async () => {
    const roomId = await sharedRoom(other)
    other.on('PUT', SEND, () => ({ body: { pdus: {} } }))
    await planFault(http, 'destination:abort-after-mark')
    await alice.say(roomId, 'marked')
    await expect.poll(() => saidTo(other, roomId), PATIENCE).toContain('marked')
  })

  it('gets what a kill -9 has met in the middle of its request', async () => {
    const roomId = await sharedRoom(other)
    other.on('PUT', SEND, () => 'never')
    await alice.say(roomId, 'cut off')
    await expect.poll(() => saidTo(other, roomId), PATIENCE).toEqual(['cut off'])
    other.on('PUT', SEND, () => ({ body: { pdus: {} } }))
    await server.restart()
    await expect.poll(() => saidTo(other, roomId), PATIENCE).toEqual(['cut off', 'cut off'])
    await alice.say(roomId, 'next')
    await expect.poll(() => saidTo(other, roomId).at(-1), PATIENCE).toBe('next')
  })
})

it('many servers are told through stateless Workers, and each of them gets everything', async () => {
  const roomId = await sharedRoom(other)
  const room = objectName.room(server.serverName, roomId)
  // Nobody answers there.
  const others = Array.from({ length: 150 }, (_, index) => `('127.0.0.1:${index + 1}', 1, 1)`).join(', ')
  await server.sql('ROOM', room, `INSERT INTO servers (name, joined, from_pos) VALUES ${others}`)
  const before = (await calls())['destination.mark'] ?? 0
  await alice.say(roomId, 'to all')
  await expect.poll(() => saidTo(other, roomId), PATIENCE).toEqual(['to all'])
  await expect.poll(async () => (await calls())['destination.mark'], PATIENCE).toBe(before + 151)
})

it('a room without users of other servers calls nobody for it, and writes nothing', async () => {
  await settled(http)
  const roomId = await alice.createRoom()
  const before = await calls()
  await alice.say(roomId, 'among ourselves')
  await settled(http)
  const after = await calls()
  for (const name of Object.keys(after).filter((one) => one.startsWith('destination.')))
    expect([name, after[name]]).toEqual([name, before[name]])
  const room = objectName.room(server.serverName, roomId)
  expect(await server.sql('ROOM', room, 'SELECT * FROM servers')).toEqual([])
  expect(await server.sql('ROOM', room, "SELECT * FROM meta WHERE key = 'marked'")).toEqual([])
})

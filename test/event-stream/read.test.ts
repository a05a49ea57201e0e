/** What the event stream tells, by HTTP: each topic, in order, from any offset, to those whose token is for it. */
import { beforeAll, describe, expect, it } from 'vitest'
import { partitionOf } from '../../src/protocol/event-stream.ts'
import { type Body, must } from '../support/client.ts'
import { passed, planFault } from '../support/faults.ts'
import { objectName } from '../support/server.ts'
import { serving } from '../support/serving.ts'
import { asOperator, Consumer, consumerOf, newToken, operatorToken, STREAM, textsIn } from './reader.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'], { 'event-stream': 'on' })
let reader: Consumer

beforeAll(async () => {
  reader = await consumerOf(server, http)
})

const inRoom = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}/${rest}`

describe('a room', () => {
  it('is told event by event, in the order of the room, each with its offset, key and position', async () => {
    const roomId = await alice.createRoom({ name: 'Told' })
    const sent: string[] = []
    for (let n = 0; n < 20; n += 1) sent.push(await alice.say(roomId, `text ${n}`))
    const records = await reader.until('events', roomId, (all) => textsIn(all).length === 20)
    expect(records[0].event).toMatchObject({ type: 'm.room.create', room_id: roomId, sender: alice.userId })
    expect(records.flatMap(({ event }) => (sent.includes(event.event_id) ? [event.event_id] : []))).toEqual(
      sent,
    )
    const positions = records.map(({ position }) => position)
    expect(positions).toEqual(positions.toSorted((a: number, b: number) => a - b))
    const offsets = records.map(({ offset }) => offset)
    expect(new Set(offsets).size).toBe(offsets.length)
    expect(offsets).toEqual(offsets.toSorted((a: number, b: number) => a - b))
    for (const record of records) {
      expect(record).toMatchObject({ key: roomId, room_id: roomId, kind: 'event' })
      expect(record.timestamp).toBeGreaterThanOrEqual(record.event.origin_server_ts)
    }
  })

  it('is told by its members and by what they have read in public', async () => {
    const roomId = await alice.createRoom({ invite: [bob.userId] })
    must(await bob.join(roomId))
    const said = await alice.say(roomId, 'read this')
    const event = encodeURIComponent(said)
    must(await bob.post(inRoom(roomId, `receipt/m.read.private/${event}`)))
    must(await bob.post(inRoom(roomId, `receipt/m.read/${event}`)))
    must(await bob.post(inRoom(roomId, 'leave')))
    const members = await reader.until('membership', roomId, (all) => all.length === 4)
    expect(members.map(({ user_id, membership }) => [user_id, membership])).toEqual([
      [alice.userId, 'join'],
      [bob.userId, 'invite'],
      [bob.userId, 'join'],
      [bob.userId, 'leave'],
    ])
    const receipts = await reader.until('receipts', roomId, (all) => all.length > 0)
    expect(receipts).toEqual([
      expect.objectContaining({ kind: 'receipt', user_id: bob.userId, event_id: said, room_id: roomId }),
    ])
  })
})

describe('a user', () => {
  it('is told when the account begins, and as its devices and profile change, without what these say', async () => {
    const carol = await http.register('carol')
    const second = await http.login('carol')
    must(
      await carol.put(`/profile/${encodeURIComponent(carol.userId)}/displayname`, {
        displayname: 'Secret Name',
      }),
    )
    must(await second.post('/logout'))
    const accounts = await reader.until('accounts', carol.userId, (all) =>
      all.some(({ kind, removed }) => kind === 'device' && removed),
    )
    expect(accounts[0]).toMatchObject({ kind: 'created', user_id: carol.userId })
    expect(
      accounts.filter(({ kind, device_id }) => kind === 'device' && device_id === second.deviceId),
    ).toEqual([expect.objectContaining({ removed: false }), expect.objectContaining({ removed: true })])
    expect(accounts).toContainEqual(expect.objectContaining({ kind: 'profile', field: 'displayname' }))
    expect(JSON.stringify(accounts)).not.toContain('Secret Name')
  })

  it('is told when presence changes', async () => {
    const dave = await http.register('dave')
    must(await dave.sync())
    const path = `/presence/${encodeURIComponent(dave.userId)}/status`
    must(await dave.put(path, { presence: 'unavailable', status_msg: 'at lunch' }))
    must(await dave.put(path, { presence: 'unavailable', status_msg: 'still at lunch' }))
    must(await dave.put(path, { presence: 'offline' }))
    const told = await reader.until('presence', dave.userId, (all) => all.at(-1)?.presence === 'offline')
    expect(told.map(({ presence }) => presence)).toEqual(['online', 'unavailable', 'offline'])
    expect(JSON.stringify(told)).not.toContain('lunch')
  })
})

describe('a read', () => {
  let roomId: string
  let partition: number
  let records: Body[]

  beforeAll(async () => {
    roomId = await alice.createRoom()
    partition = partitionOf(roomId)
    for (let n = 0; n < 12; n += 1) await alice.say(roomId, `n${n}`)
    await reader.until('events', roomId, (all) => textsIn(all).length === 12)
    records = await reader.all('events', partition)
  })

  it('begins at any offset, and ends where it is told', async () => {
    for (const offset of [records[0].offset, records[3].offset, records.at(-1).offset]) {
      for (const limit of [1, 3, 1_000]) {
        const { body } = must(await reader.read('events', partition, { offset, limit }))
        const wanted = records.filter((record) => record.offset >= offset).slice(0, limit)
        expect(body.records).toEqual(wanted)
        expect([body.offset, body.next_offset]).toEqual([offset, wanted.at(-1).offset + 1])
      }
    }
  })

  it('has nothing at the end, and is refused beyond it', async () => {
    const { body } = must(await reader.read('events', partition, { offset: 'latest' }))
    expect(body.records).toEqual([])
    expect(body.offset).toBe(body.end_offset)
    const beyond = await reader.read('events', partition, { offset: body.end_offset + 1 })
    expect([beyond.status, beyond.body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
  })

  it('that waits is answered by what comes', async () => {
    const { body } = must(await reader.read('events', partition, { offset: 'latest' }))
    await planFault(http, 'partition:waits')
    const waiting = reader.read('events', partition, { offset: body.next_offset, timeout: 30_000 })
    await passed(http, 'partition:waits')
    await alice.say(roomId, 'at last')
    expect(textsIn(must(await waiting).body.records)).toEqual(['at last'])
  })

  it('that waits for nothing is answered with nothing when its time is over', async () => {
    const { body } = must(await reader.read('events', partition, { offset: 'latest', timeout: 50 }))
    expect(body.records).toEqual([])
  })

  it('goes on where it was after its partition has left the memory', async () => {
    const offset = records[5].offset
    await server.evict('PARTITION', objectName.partition(server.serverName, partition))
    const { body } = must(await reader.read('events', partition, { offset, limit: 1 }))
    expect(body.records).toEqual([records[5]])
  })

  it.each([
    ['/topics/elsewhere/0', {}],
    ['/topics/events/16', {}],
    ['/topics/events/-1', {}],
    ['/topics/events/0', { offset: -1 }],
    ['/topics/events/0', { offset: 'first' }],
    ['/topics/events/0', { limit: 0 }],
    ['/topics/events/0', { limit: 1_001 }],
    ['/topics/events/0', { timeout: 'long' }],
    ['/topics/events/0', { group: 'not a group!' }],
  ])('of %s with %o is refused', async (path, query) => {
    const { status, body } = await reader.get(path, query)
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
  })
})

describe('a token', () => {
  it('is good for its topics and its group alone', async () => {
    const narrow = await consumerOf(server, http, { topics: ['membership'], group: 'billing' })
    must(await narrow.read('membership', 3))
    must(await narrow.read('membership', 3, { group: 'billing' }))
    for (const refused of [
      await narrow.read('events', 3),
      await narrow.read('membership', 3, { group: 'other' }),
      await narrow.ask('POST', '/groups/other/members', { topics: ['membership'] }),
      await narrow.ask('POST', '/groups/billing/members', { topics: ['events'] }),
      await narrow.ask('POST', '/groups/billing/commit', {
        offsets: [{ topic: 'events', partition: 0, offset: 0 }],
      }),
    ])
      expect([refused.status, refused.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    const { topics } = must(await narrow.get('')).body
    expect(topics.map(({ topic }: Body) => topic)).toEqual(['membership'])
  })

  it('is good nowhere once it was revoked', async () => {
    const { id, token } = await newToken(server, http)
    const consumer = new Consumer(http, token)
    must(await consumer.read('events', 1))
    must(await asOperator(server, http, { method: 'DELETE', path: `/tokens/${id}` }))
    for (const refused of [
      await consumer.read('events', 1),
      await consumer.read('presence', 15),
      await consumer.get(''),
      await consumer.ask('POST', '/groups/g/members', { topics: ['events'] }),
    ])
      expect([refused.status, refused.body.errcode]).toEqual([401, 'M_UNKNOWN_TOKEN'])
    const { tokens } = must(await asOperator(server, http, { method: 'GET', path: '/tokens' })).body
    expect(tokens.find((one: Body) => one.id === id)).toHaveProperty('revoked_ts')
    expect(JSON.stringify(tokens)).not.toContain(token)
  })

  it('is neither a session nor the operator, and they are no token of the stream', async () => {
    const { token } = await newToken(server, http)
    const asUser = await http.request('GET', '/account/whoami', undefined, { token })
    const asAdmin = await http.request('GET', '/_selvedge/admin/stream/tokens', undefined, { token })
    const ofUser = await http.request('GET', `${STREAM}/topics/events/0`, undefined, { token: alice.token })
    for (const { status, body } of [asUser, asAdmin, ofUser])
      expect([status, body.errcode]).toEqual([401, 'M_UNKNOWN_TOKEN'])
    const none = await http.request('GET', `${STREAM}/topics/events/0`)
    expect([none.status, none.body.errcode]).toEqual([401, 'M_MISSING_TOKEN'])
    const { status } = await http.request('GET', `${STREAM}/topics/events/0`, undefined, {
      token: await operatorToken(server),
    })
    expect(status).toBe(200)
  })

  it('that is over is unknown', async () => {
    const { token } = await newToken(server, http, { days: 0.000_000_1 })
    const { status, body } = await new Consumer(http, token).read('events', 0)
    expect([status, body.errcode]).toEqual([401, 'M_UNKNOWN_TOKEN'])
  })
})

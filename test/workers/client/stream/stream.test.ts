/** What a client is told on a stream, what it may say there, and how it goes on after an interruption. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'
import { openStream, tellsOf } from '../../../support/stream.ts'

const { server, http, alice, bob, someone } = serving(['alice', 'bob'])
const evict = (userId: string) => server.evict('USER', objectName.user(server.serverName, userId))

async function roomOf(...people: [Client, ...Client[]]): Promise<string> {
  const [maker, ...others] = people
  const room = await maker.createRoom({ preset: 'public_chat' })
  for (const one of others) must(await one.join(room))
  return room
}

const positionOf = async (client: Client): Promise<string> => must(await client.sync()).body.next_batch
const isHello = ({ type }: Body) => type === 'hello'

describe('a stream', () => {
  it('says hello, begins with what a first sync answers, and goes on with what happens', async () => {
    const room = await roomOf(alice, bob)
    const stream = await openStream(server, alice)
    expect(await stream.next(isHello)).toMatchObject({ user_id: alice.userId, device_id: alice.deviceId })
    // A compressed one costs three times the memory.
    expect(stream.socket.extensions).toBe('')
    const first = await stream.next(({ type }) => type === 'sync')
    expect(first.body.rooms.join[room].timeline.events.length).toBeGreaterThan(0)
    await bob.say(room, 'good morning')
    await stream.next(tellsOf('good morning'))
    await stream.close()
  })

  it('goes on from a position, and after the object has left the memory', async () => {
    const room = await roomOf(alice, bob)
    const since = await positionOf(alice)
    await bob.say(room, 'while nobody looked')
    const stream = await openStream(server, alice, { since })
    expect(await stream.next(isHello)).toMatchObject({ position: since })
    await stream.next(tellsOf('while nobody looked'))
    await evict(alice.userId)
    await bob.say(room, 'after an eviction')
    await stream.next(tellsOf('after an eviction'))
    await stream.close()
  })

  it('takes a filter, and tells nothing else', async () => {
    const [room, other] = [await roomOf(alice, bob), await roomOf(alice, bob)]
    const since = await positionOf(alice)
    const filter = JSON.stringify({ room: { rooms: [room] } })
    const stream = await openStream(server, alice, { since, query: { filter } })
    await bob.say(other, 'hidden')
    await bob.say(room, 'shown')
    await stream.next(tellsOf('shown'))
    expect(stream.messages.some(tellsOf('hidden'))).toBe(false)
    await stream.close()
  })

  it('gives nothing more before the last increment is acknowledged, and then all that came', async () => {
    const room = await roomOf(alice, bob)
    const stream = await openStream(server, alice, { since: await positionOf(alice), holds: 'one' })
    await bob.say(room, 'one')
    await stream.next(tellsOf('one'))
    for (const text of ['two', 'three']) await bob.say(room, text)
    expect((await stream.ask({ type: 'ping' })).type).toBe('pong')
    const given = stream.bodies.length
    await evict(alice.userId)
    stream.say({ type: 'ack', position: stream.position() })
    await stream.next(tellsOf('three'))
    const texts = stream.bodies
      .slice(given)
      .flatMap((body) => body.rooms?.join?.[room]?.timeline?.events ?? [])
    expect(texts.map(({ content }: Body) => content.body)).toEqual(['two', 'three'])
    await stream.close()
  })

  it('takes an acknowledgement that is of no increment under way for none', async () => {
    const room = await roomOf(alice, bob)
    const since = await positionOf(alice)
    const stream = await openStream(server, alice, { since, holds: 'held back' })
    await bob.say(room, 'held back')
    await stream.next(tellsOf('held back'))
    const given = stream.bodies.length
    stream.say({ type: 'ack', position: since })
    await bob.say(room, 'too early')
    expect((await stream.ask({ type: 'ping' })).type).toBe('pong')
    expect(stream.bodies.length).toBe(given)
    stream.say({ type: 'ack', position: stream.position() })
    await stream.next(tellsOf('too early'))
    await stream.close()
  })

  it('gives what was not acknowledged to the client that comes back', async () => {
    const room = await roomOf(alice, bob)
    const since = await positionOf(alice)
    const first = await openStream(server, alice, { since, holds: 'unheard' })
    await bob.say(room, 'unheard')
    await first.next(tellsOf('unheard'))
    await first.close()
    const second = await openStream(server, alice, { since })
    await second.next(tellsOf('unheard'))
    await second.close()
  })

  it('keeps a message to a device until it is acknowledged', async () => {
    const send = (text: string) =>
      bob.put(`/sendToDevice/m.test/${text}`, {
        messages: { [alice.userId]: { [alice.deviceId]: { text } } },
      })
    const since = await positionOf(alice)
    const stream = await openStream(server, alice, { since, holds: 'kept-' })
    must(await send('kept-1'))
    await stream.next(tellsOf('kept-1'))
    must(await send('kept-2'))
    const held = stream.position()!
    stream.say({ type: 'ack', position: held })
    const { body } = await stream.next(tellsOf('kept-2'))
    expect(body.to_device.events.length).toBe(1)
    await stream.close()
    const again = await openStream(server, alice, { since: held })
    const repeated = await again.next(tellsOf('kept-2'))
    expect(repeated.body.to_device.events.length).toBe(1)
    await again.close()
  })

  it('sends a client to /sync for what is too long for a message', async () => {
    const room = await roomOf(alice, bob)
    const since = await positionOf(alice)
    for (let n = 0; n < 8; n += 1) await bob.say(room, `${n}${'x'.repeat(60_000)}`)
    const stream = await openStream(server, alice, { since })
    const asked = await stream.next(({ type }) => type === 'catch_up')
    expect(asked.since).toBe(since)
    const { body } = must(await alice.sync({ since: asked.since }))
    expect(body.rooms.join[room].timeline.events.length).toBe(8)
    await evict(alice.userId)
    stream.say({ type: 'ack', position: body.next_batch })
    await bob.say(room, 'short again')
    await stream.next(tellsOf('short again'))
    expect(stream.bodies.length).toBe(1)
    await stream.close()
  })

  it('sends a client that begins anew to a first /sync, where that is too long', async () => {
    const carol = await someone()
    const room = await carol.createRoom()
    for (let n = 0; n < 8; n += 1) await carol.say(room, `${n}${'x'.repeat(60_000)}`)
    const stream = await openStream(server, carol)
    expect(await stream.next(({ type }) => type === 'catch_up')).toEqual({ type: 'catch_up' })
    stream.say({ type: 'ack', position: await positionOf(carol) })
    await carol.say(room, 'and on')
    await stream.next(tellsOf('and on'))
    await stream.close()
  })

  it('goes on after the runtime was killed', async () => {
    const room = await roomOf(alice, bob)
    const stream = await openStream(server, alice, { since: await positionOf(alice) })
    await bob.say(room, 'before the end')
    await stream.next(tellsOf('before the end'))
    await server.restart()
    await stream.closed()
    await bob.say(room, 'in between')
    const next = await openStream(server, alice, { since: stream.position()! })
    await next.next(tellsOf('in between'))
    expect(next.messages.some(tellsOf('before the end'))).toBe(false)
    await next.close()
  })

  it('tells how many one-time keys are left', async () => {
    const stream = await openStream(server, alice, { since: await positionOf(alice) })
    const key = { key: 'AAAA', signatures: {} }
    must(await alice.post('/keys/upload', { one_time_keys: { 'signed_curve25519:A': key } }))
    const told = await stream.next(({ type }) => type === 'keys')
    expect(told.device_one_time_keys_count).toEqual({ signed_curve25519: 1 })
    await stream.close()
  })
})

describe('on a stream a client', () => {
  it('types and reads', async () => {
    const room = await roomOf(alice, bob)
    const [mine, hers] = [
      await openStream(server, bob, { since: await positionOf(bob) }),
      await openStream(server, alice, { since: await positionOf(alice) }),
    ]
    const event_id = await bob.say(room, 'read me')
    expect((await hers.ask({ type: 'typing', room_id: room, typing: true })).type).toBe('done')
    await mine.next(
      ({ body }) =>
        body?.rooms?.join?.[room]?.ephemeral?.events.some(
          ({ type, content }: Body) => type === 'm.typing' && content.user_ids.includes(alice.userId),
        ) === true,
      'typing',
    )
    expect((await hers.ask({ type: 'receipt', room_id: room, event_id })).type).toBe('done')
    await mine.next(({ body }) => JSON.stringify(body ?? '').includes('"m.receipt"'), 'a receipt')
    const marker = { type: 'receipt', receipt_type: 'm.fully_read', room_id: room, event_id }
    expect((await hers.ask(marker)).type).toBe('done')
    await hers.next(({ body }) => JSON.stringify(body ?? '').includes('"m.fully_read"'), 'the marker')
    for (const stream of [mine, hers]) await stream.close()
  })

  it('says whether its user is there', async () => {
    await roomOf(alice, bob)
    const [mine, hers] = [
      await openStream(server, bob, { since: await positionOf(bob) }),
      await openStream(server, alice, { since: await positionOf(alice) }),
    ]
    const status = { type: 'presence', presence: 'unavailable', status_msg: 'at the loom' }
    expect((await hers.ask(status)).type).toBe('done')
    await mine.next(tellsOf('at the loom'))
    expect((await hers.ask({ type: 'presence', presence: 'online' })).type).toBe('done')
    for (const stream of [mine, hers]) await stream.close()
  })

  it('is answered its pings while the object sleeps', async () => {
    const stream = await openStream(server, alice, { since: await positionOf(alice) })
    await stream.next(isHello)
    await evict(alice.userId)
    const inMemory = async () => must(await http.request('POST', '/_selvedge/test/in-memory')).body
    await inMemory()
    stream.say('{"type":"ping"}')
    await stream.next(({ type }) => type === 'pong')
    const { idle, busy } = await inMemory()
    expect([...idle, ...busy]).not.toContain(objectName.user(server.serverName, alice.userId))
    await stream.close()
  })

  it('makes no room by naming one', async () => {
    const stream = await openStream(server, alice, { since: await positionOf(alice) })
    const before = must(await http.request('GET', '/_selvedge/test/calls')).body
    const room_id = '!invented:test.example'
    for (const message of [
      { type: 'typing', room_id, typing: true },
      { type: 'receipt', room_id, event_id: '$none' },
    ])
      expect(await stream.ask(message)).toMatchObject({ type: 'error', errcode: 'M_FORBIDDEN' })
    const after = must(await http.request('GET', '/_selvedge/test/calls')).body
    for (const call of ['room.setTyping', 'room.markRead']) expect(after[call]).toBe(before[call])
    await stream.close()
  })

  it('is told what is wrong with a message, and goes on', async () => {
    const stream = await openStream(server, alice, { since: await positionOf(alice) })
    await stream.next(isHello)
    for (const [message, errcode] of [
      ['no json', 'M_NOT_JSON'],
      ['null', 'M_BAD_JSON'],
      ['{"type":"dance"}', 'M_UNRECOGNIZED'],
      ['{"type":"constructor"}', 'M_UNRECOGNIZED'],
      ['{"type":"typing","room_id":"!r:x","typing":"yes"}', 'M_BAD_JSON'],
      ['{"type":"ack","position":"nonsense"}', 'M_INVALID_PARAM'],
    ] as const) {
      const before = stream.messages.length
      stream.say(message)
      await expect.poll(() => stream.messages[before]).toMatchObject({ type: 'error', errcode })
    }
    expect((await stream.ask({ type: 'ping' })).type).toBe('pong')
    await stream.close()
  })

  it('is cut off for a message that is too long', async () => {
    const stream = await openStream(server, alice, { since: await positionOf(alice) })
    stream.say({ type: 'ping', padding: 'x'.repeat(20_000) })
    expect((await stream.closed()).code).toBe(1009)
  })
})

/** Whose a stream is: how a token comes, what ends a stream, and how many of them there are. */
import { describe, expect, it } from 'vitest'
import { api, type Body, type Client, must, proof } from '../../../support/client.ts'
import { planFault, settled } from '../../../support/faults.ts'
import { objectName, startServer } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'
import { openStream, STREAM_PATH, tellsOf } from '../../../support/stream.ts'
import { upgrade } from '../../../support/upgrade.ts'

const { server, http, alice, bob, admin, someone } = serving(['alice', 'bob', 'admin'])
const evict = (userId: string) => server.evict('USER', objectName.user(server.serverName, userId))
const isHello = ({ type }: Body) => type === 'hello'
const PROTOCOL = 'dev.selvedge.stream'
const positionOf = async (client: Client): Promise<string> => must(await client.sync()).body.next_batch
const told = ({ status, body }: Awaited<ReturnType<typeof upgrade>>) => [status, JSON.parse(body).errcode]

describe('a token', () => {
  it('comes by header', async () => {
    const stream = await openStream(server, alice)
    expect((await stream.next(isHello)).user_id).toBe(alice.userId)
    await stream.close()
  })

  it('comes by subprotocol', async () => {
    const protocols = [PROTOCOL, `dev.selvedge.token.${alice.token}`]
    const stream = await openStream(server, undefined, { protocols })
    expect((await stream.next(isHello)).user_id).toBe(alice.userId)
    expect(stream.socket.protocol).toBe(PROTOCOL)
    await stream.close()
  })

  it('comes by the first message, and then all is as with the others', async () => {
    const stream = await openStream(server, undefined, { query: { since: await positionOf(alice) } })
    stream.say({ type: 'auth', access_token: alice.token })
    stream.say({ type: 'ping', id: 'early' })
    expect((await stream.next(({ id }) => id === 'early')).type).toBe('pong')
    expect((await stream.next(isHello)).user_id).toBe(alice.userId)
    const room = await alice.createRoom()
    await evict(alice.userId)
    await alice.say(room, 'passed on')
    await stream.next(tellsOf('passed on'))
    await stream.close()
  })

  it('never comes in the URL', async () => {
    const url = `${server.url}${STREAM_PATH}?access_token=${alice.token}`
    expect(told(await upgrade(url))).toEqual([400, 'M_INVALID_PARAM'])
  })

  it('that is none is refused', async () => {
    const authorization = 'Bearer nonsense'
    expect(told(await upgrade(server.url + STREAM_PATH, { authorization }))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    const named = await openStream(server, undefined, {
      protocols: [PROTOCOL, 'dev.selvedge.token.nonsense'],
    })
    expect((await named.next(({ type }) => type === 'error')).errcode).toBe('M_UNKNOWN_TOKEN')
    expect((await named.closed()).code).toBe(4401)
    const said = await openStream(server, undefined)
    said.say({ type: 'auth', access_token: 'nonsense' })
    expect((await said.next(({ type }) => type === 'error')).errcode).toBe('M_UNKNOWN_TOKEN')
    expect((await said.closed()).code).toBe(4401)
  })

  it('must be what the first message is about', async () => {
    for (const [message, errcode] of [
      ['hello', 'M_NOT_JSON'],
      ['{"type":"ping"}', 'M_BAD_JSON'],
    ] as const) {
      const stream = await openStream(server, undefined)
      stream.say(message)
      expect((await stream.next(({ type }) => type === 'error')).errcode).toBe(errcode)
      expect((await stream.closed()).code).toBe(4400)
    }
  })

  it('of an ended session is refused', async () => {
    const carol = await someone()
    must(await carol.post('/logout'))
    const authorization = `Bearer ${carol.token}`
    expect(told(await upgrade(server.url + STREAM_PATH, { authorization }))).toEqual([401, 'M_UNKNOWN_TOKEN'])
  })
})

describe('a request for a stream', () => {
  it('must ask for an upgrade', async () => {
    const answer = await http.request('GET', STREAM_PATH, undefined, { token: alice.token })
    expect([answer.status, answer.body.errcode]).toEqual([426, 'M_UNRECOGNIZED'])
  })

  it('must have a position or a filter that can be read', async () => {
    const authorization = `Bearer ${alice.token}`
    for (const query of ['since=nonsense', 'filter=99999', 'set_presence=asleep'])
      expect((await upgrade(`${server.url}${STREAM_PATH}?${query}`, { authorization })).status).toBe(400)
  })

  it('comes from any origin, unless the settings name some', async () => {
    const from = (url: string, token: string, origin?: string) =>
      upgrade(url + STREAM_PATH, { authorization: `Bearer ${token}`, ...(origin && { origin }) })
    expect((await from(server.url, alice.token, 'https://anywhere.example')).status).toBe(101)
    const strict = await startServer({ 'stream-origins': 'https://app.example,https://school.example' })
    try {
      const { token } = await api(strict).register('alice')
      expect((await from(strict.url, token, 'https://school.example')).status).toBe(101)
      expect(told(await from(strict.url, token, 'https://anywhere.example'))).toEqual([403, 'M_FORBIDDEN'])
      // A program that is no page names no origin.
      expect((await from(strict.url, token)).status).toBe(101)
    } finally {
      await strict.stop()
    }
  })
})

describe('a stream ends', () => {
  it('at once when its session does', async () => {
    const carol = await someone()
    const stream = await openStream(server, carol)
    await stream.next(isHello)
    must(await carol.post('/logout'))
    expect((await stream.closed()).code).toBe(4401)
  })

  it('when its device is deleted while the object sleeps, and others of the user go on', async () => {
    const carol = await someone()
    const other = await http.login(carol.userId.slice(1).split(':')[0]!)
    const [stream, kept] = [await openStream(server, carol), await openStream(server, other)]
    for (const one of [stream, kept]) await one.next(isHello)
    await evict(carol.userId)
    const auth = proof(carol.userId)
    must(await other.post('/delete_devices', { devices: [carol.deviceId], auth }))
    expect((await stream.closed()).code).toBe(4401)
    expect((await kept.ask({ type: 'ping' })).type).toBe('pong')
    await kept.close()
  })

  it('when the account is locked; that of a suspended user may not type', async () => {
    await server.pg("update accounts set admin = true where localpart = 'admin'")
    const carol = await someone()
    const room = await carol.createRoom()
    const put = (kind: string, body: Body) =>
      admin.put(`/_matrix/client/v1/admin/${kind}/${carol.userId}`, body).then(must)
    await put('suspend', { suspended: true })
    const since = await positionOf(carol)
    const stream = await openStream(server, carol, { since })
    for (const message of [
      { type: 'typing', room_id: room, typing: true },
      { type: 'presence', presence: 'online' },
    ])
      expect(await stream.ask(message)).toMatchObject({ type: 'error', errcode: 'M_USER_SUSPENDED' })
    await put('lock', { locked: true })
    expect((await stream.closed()).code).toBe(4401)
    const again = await openStream(server, undefined, {
      protocols: [PROTOCOL, `dev.selvedge.token.${carol.token}`],
    })
    expect((await again.next(({ type }) => type === 'error')).errcode).toBe('M_USER_LOCKED')
  })

  it('when its client does not take what it is given, and goes on from there', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    const since = await positionOf(alice)
    const stream = await openStream(server, alice, { since, holds: 'too much' })
    expect((await stream.ask({ type: 'ping' })).type).toBe('pong')
    await bob.say(room, 'too much')
    await stream.next(tellsOf('too much'))
    await evict(alice.userId)
    await planFault(http, `stream:slow:${alice.deviceId}`)
    await bob.say(room, 'and more')
    expect((await stream.closed()).code).toBe(4408)
    const next = await openStream(server, alice, { since })
    const texts = (await next.next(tellsOf('and more'))).body.rooms.join[room].timeline.events
    expect(texts.map(({ content }: Body) => content.body)).toEqual(['too much', 'and more'])
    await next.close()
  })

  it('when nothing was heard for as long as presence lasts', async () => {
    const carol = await someone()
    const since = await positionOf(carol)
    const quiet = await openStream(server, carol, { since, query: { set_presence: 'offline' } })
    const stream = await openStream(server, carol, { since })
    await stream.next(isHello)
    await planFault(http, `presence:vanished:${carol.userId}`)
    await planFault(http, 'job:presence')
    await planFault(http, 'job:archive')
    must(await carol.put(`/user/${carol.userId}/account_data/m.test`, { rings: 'the alarm' }))
    expect((await stream.closed()).code).toBe(4410)
    const { body } = must(await carol.get(`/presence/${carol.userId}/status`))
    expect(body.presence).toBe('offline')
    expect((await quiet.ask({ type: 'ping' })).type).toBe('pong')
    await quiet.close()
    await settled(http)
  })

  it('for the oldest of a device that opens too many', async () => {
    const carol = await someone()
    const since = await positionOf(carol)
    const streams = []
    for (let n = 0; n < 8; n += 1) streams.push(await openStream(server, carol, { since }))
    // The runtime lets go of a connection on which nothing ever came only when the object leaves the memory.
    expect((await streams[0]!.ask({ type: 'ping' })).type).toBe('pong')
    streams.push(await openStream(server, carol, { since }))
    expect((await streams[0]!.closed()).code).toBe(4409)
    for (const stream of streams.slice(1)) {
      expect((await stream.ask({ type: 'ping' })).type).toBe('pong')
      await stream.close()
    }
  })
})

describe('a token that expires', () => {
  it('ends its stream, unless another of the device has come in time', async () => {
    const short = await startServer({ 'access-token-lifetime-ms': '4000' })
    try {
      const there = api(short)
      const registered = must(
        await there.request('POST', '/register', {
          ...{ username: 'alice', password: 'long enough', auth: { type: 'm.login.dummy' } },
          refresh_token: true,
        }),
      ).body
      const stream = await openStream(short, { token: registered.access_token })
      const hello = await stream.next(isHello)
      expect(hello.expires_in_ms).toBeLessThanOrEqual(4_000)
      const left = await openStream(short, { token: registered.access_token })
      await left.next(isHello)
      const renewed = must(
        await there.request('POST', '/refresh', { refresh_token: registered.refresh_token }),
      ).body
      const other = await there.register('bob')
      expect(await stream.ask({ type: 'token', access_token: other.token })).toMatchObject({
        type: 'error',
        errcode: 'M_FORBIDDEN',
      })
      expect(await stream.ask({ type: 'token', access_token: 'nonsense' })).toMatchObject({
        type: 'error',
        errcode: 'M_UNKNOWN_TOKEN',
      })
      expect((await stream.ask({ type: 'token', access_token: renewed.access_token })).type).toBe('done')
      expect((await left.closed()).code).toBe(4401)
      expect((await stream.ask({ type: 'ping' })).type).toBe('pong')
      expect((await stream.closed()).code).toBe(4401)
    } finally {
      await short.stop()
    }
  })
})

describe('what a client says', () => {
  it('is refused where it comes too often, and the client that goes on is cut off', async () => {
    const limited = await startServer({ 'rate-limits': 'on' })
    try {
      const there = await api(limited).register('alice')
      const stream = await openStream(limited, there)
      await stream.next(isHello)
      const flood = (times: number) => {
        for (let n = 0; n < times; n += 1) stream.say({ type: 'ping', id: 'flood' })
      }
      flood(300)
      const refused = await stream.next(({ errcode }) => errcode === 'M_LIMIT_EXCEEDED')
      expect(refused).toMatchObject({ id: 'flood', retry_after_ms: expect.any(Number) })
      flood(400)
      expect((await stream.closed()).code).toBe(4429)
    } finally {
      await limited.stop()
    }
  })
})

/** The client of the stream, with a whole server: rooms, interruptions, tokens that expire. */
import { afterEach, describe, expect, it } from 'vitest'
import {
  ApiError,
  type Events,
  retryDelay,
  StreamClient,
  type StreamClientOptions,
} from '../../../clients/stream/index.ts'
import { api, type Body, type Client, must } from '../../support/client.ts'
import { held, planFault } from '../../support/faults.ts'
import { objectName, startServer } from '../../support/server.ts'
import { serving } from '../../support/serving.ts'

const { server, alice, bob, http } = serving(['alice', 'bob'])
const PATIENCE = { timeout: 25_000, interval: 10 }
const open: StreamClient[] = []

afterEach(() => {
  for (const client of open.splice(0)) client.close()
})

type Told = { [Name in keyof Events]: Events[Name][] }

/** A client, and all that it has told. */
function listener(of: Pick<Client, 'token'>, options: Partial<StreamClientOptions> = {}) {
  const client = new StreamClient({ url: server.url, token: () => of.token, ...options })
  open.push(client)
  const told: Partial<Told> = {}
  const names = ['open', 'sync', 'position', 'event', 'state', 'room', 'typing', 'receipt'] as const
  for (const name of [...names, 'presence', 'message', 'retry', 'end', 'error'] as const) {
    told[name] = []
    client.on(name, (what) => (told[name] as unknown[]).push(what))
  }
  const hears = <Name extends keyof Events>(name: Name, fits: (what: Events[Name]) => boolean) =>
    expect.poll(() => (told[name] as Events[Name][]).some(fits), PATIENCE).toBe(true)
  return { client, told: told as Told, hears }
}

const says = (text: string) => (what: Events['event']) => what.event.content.body === text

describe('the client of the stream', () => {
  it('joins a group by its alias, speaks there, and hears the others speak, type, read and come online', async () => {
    const room = await bob.createRoom({ preset: 'public_chat', room_alias_name: 'class' })
    const [hers, his] = [listener(alice), listener(bob)]
    await hers.client.connect()
    await his.client.connect()
    expect(await hers.client.join('#class:test.example')).toBe(room)
    await hers.hears('room', ({ roomId, membership }) => roomId === room && membership === 'join')
    const said = await his.client.send(room, 'welcome')
    await hers.hears('event', says('welcome'))
    await his.client.typing(room, true)
    await hers.hears('typing', ({ userIds }) => userIds.includes(bob.userId))
    await hers.client.read(room, said)
    await his.hears('receipt', ({ eventId, userId }) => eventId === said && userId === alice.userId)
    await his.client.presence('unavailable', 'writing on the board')
    await hers.hears(
      'presence',
      ({ userId, statusMsg }) => userId === bob.userId && statusMsg === 'writing on the board',
    )
    const history = await hers.client.history(room)
    expect(history.at(-1)?.event_id).toBe(said)
    expect(hers.told.error).toEqual([])
  })

  it('goes on where it stood when the server comes back, and nothing is lost or comes twice', async () => {
    const room = await bob.createRoom({ preset: 'public_chat' })
    must(await alice.join(room))
    const hers = listener(alice, { random: () => 0 })
    await hers.client.connect()
    await bob.say(room, 'one')
    await hers.hears('event', says('one'))
    await server.restart()
    await bob.say(room, 'two')
    await hers.hears('event', says('two'))
    expect(hers.told.open.at(-1)).toMatchObject({ userId: alice.userId, again: true })
    await server.evict('USER', objectName.user(server.serverName, alice.userId))
    await bob.say(room, 'three')
    await hers.hears('event', says('three'))
    const mine = hers.told.event.filter(({ roomId }) => roomId === room).map(({ event }) => event)
    const texts = mine.map(({ content }) => content.body).filter((text) => text !== undefined)
    expect(texts).toEqual(['one', 'two', 'three'])
    expect(hers.told.retry.length).toBeGreaterThan(0)
  })

  it('acknowledges an increment when its listeners are done, and begins the next time after it', async () => {
    const room = await bob.createRoom({ preset: 'public_chat' })
    must(await alice.join(room))
    const since: string = must(await alice.sync()).body.next_batch
    const slow = listener(alice, { since })
    const { promise: stored, resolve: store } = Promise.withResolvers<void>()
    slow.client.on('event', ({ event }) => (event.content.body === 'slowly' ? stored : undefined))
    await slow.client.connect()
    await bob.say(room, 'slowly')
    await slow.hears('event', says('slowly'))
    expect(slow.told.position.length).toBe(slow.told.sync.length - 1)
    store()
    await expect.poll(() => slow.told.position.length, PATIENCE).toBe(slow.told.sync.length)
    const position = slow.client.position!
    slow.client.close()
    const next = listener(alice, { since: position })
    await next.client.connect()
    await bob.say(room, 'and on')
    await next.hears('event', says('and on'))
    expect(next.told.event.some(says('slowly'))).toBe(false)
  })

  it('fetches what is too long for a message', async () => {
    const room = await bob.createRoom({ preset: 'public_chat' })
    must(await alice.join(room))
    const since: string = must(await alice.sync()).body.next_batch
    for (let n = 0; n < 8; n += 1) await bob.say(room, `${n}${'x'.repeat(60_000)}`)
    const hers = listener(alice, { since })
    await hers.client.connect()
    await expect.poll(() => hers.told.event.length, PATIENCE).toBe(8)
    await bob.say(room, 'short again')
    await hers.hears('event', says('short again'))
    expect(hers.told.error).toEqual([])
  })

  it('tells of what is refused, and of a listener that throws, and goes on', async () => {
    const room = await bob.createRoom({ preset: 'public_chat' })
    const his = listener(bob)
    his.client.on('event', () => {
      throw new Error('a mistake of the application')
    })
    await his.client.connect()
    const refused = his.client.typing('!nowhere:test.example', true)
    await expect(refused).rejects.toMatchObject({ name: 'ApiError', errcode: 'M_FORBIDDEN' })
    await expect(his.client.join('#nobody:test.example')).rejects.toThrow(ApiError)
    await his.hears('error', (error) => String(error).includes('a mistake of the application'))
    await bob.say(room, 'all the same')
    await his.hears('event', says('all the same'))
  })

  it('asks for another token where one is refused, and ends when that is refused too', async () => {
    const carol = await http.register('carol')
    const again = await http.login('carol')
    must(await carol.post('/logout'))
    const tokens = [carol.token, again.token]
    const hers = listener(carol, { token: () => tokens.shift() ?? again.token })
    expect(await hers.client.connect()).toMatchObject({ deviceId: again.deviceId })
    must(await again.post('/logout'))
    await hers.hears('end', ({ code }) => code === 4401)
  })

  it('renews a token that a request over HTTP finds refused', async () => {
    const dave = await http.register('dave')
    const room = await dave.createRoom()
    const tokens = ['a token of nobody']
    const his = listener(dave, { token: () => tokens.shift() ?? dave.token })
    expect(await his.client.history(room)).not.toEqual([])
  })

  it('refuses what it was asked when the connection ends before the answer', async () => {
    const room = await bob.createRoom()
    const his = listener(bob)
    await his.client.connect()
    await planFault(http, 'hold:room.setTyping')
    const asked = his.client.typing(room, true)
    await held(http, 'hold:room.setTyping')
    his.client.close()
    await expect(asked).rejects.toThrow('ended before the answer')
    await planFault(http, 'hold:room.setTyping', 0)
  })

  it('renews its token on the open stream', async () => {
    const short = await startServer({ 'access-token-lifetime-ms': '2500' })
    try {
      let credentials: Body = must(
        await api(short).request('POST', '/register', {
          ...{ username: 'alice', password: 'long enough', auth: { type: 'm.login.dummy' } },
          refresh_token: true,
        }),
      ).body
      let asked = 0
      const token = async (): Promise<string> => {
        asked += 1
        const { refresh_token } = credentials
        if (asked > 1)
          credentials = must(await api(short).request('POST', '/refresh', { refresh_token })).body
        return credentials.access_token
      }
      const hers = listener({ token: '' }, { url: short.url, token })
      await hers.client.connect()
      await expect.poll(() => asked, PATIENCE).toBeGreaterThanOrEqual(4)
      const room = await hers.client.api('POST', '/createRoom', {})
      await hers.hears('room', ({ roomId }) => roomId === room.room_id)
      expect(hers.told.retry).toEqual([])
      expect(hers.told.open.length).toBe(1)
      hers.client.close()
    } finally {
      await short.stop()
    }
  })
})

describe('the wait before the next try', () => {
  const wait = (failures: number, random: number, code = 1006) =>
    retryDelay({ failures, code, random: () => random })

  it('doubles up to half a minute, and is drawn from its upper half', () => {
    expect([0, 1, 2].map((failures) => wait(failures, 1))).toEqual([500, 1_000, 2_000])
    expect(wait(100, 1)).toBe(30_000)
    expect([wait(3, 0), wait(3, 0.5)]).toEqual([2_000, 3_000])
  })

  it('is long where the server has asked for a pause', () => {
    expect(wait(0, 0, 4429)).toBe(5_000)
  })
})

/** The stores in Redis, over the endpoint of one machine. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEmbeddedRedis, type RedisBackend } from '../../../local/redis/backend.ts'
import { redisEndpoint } from '../../../local/redis/endpoint.ts'
import { type RedisClients, redis } from '../../../src/storage/redis/client.ts'
import { redisFacts, redisKeyKinds } from '../../../src/storage/redis/facts.ts'
import { redisNonces } from '../../../src/storage/redis/nonces.ts'
import { redisRateLimiter } from '../../../src/storage/redis/rate-limit.ts'
import { redisSessions } from '../../../src/storage/redis/sessions.ts'
import { redisUia } from '../../../src/storage/redis/uia.ts'
import { type World, world } from '../../support/world.ts'

const alice = { userId: '@alice:test.example', deviceId: 'PHONE', sessionId: 'sid1' }

let backend: RedisBackend
let here: World
let clients: RedisClients
let mood: 'well' | 'away' | 'refusing' | 'silent'

beforeEach(() => {
  backend = openEmbeddedRedis(':memory:')
  const serve = redisEndpoint(backend)
  mood = 'well'
  here = world()
  const answer = async (input: unknown, init?: RequestInit): Promise<Response> => {
    if (mood === 'away') throw new TypeError('fetch failed')
    if (mood === 'refusing')
      return Response.json({ error: 'ERR max requests limit exceeded' }, { status: 400 })
    if (mood === 'silent')
      return new Promise((_, reject) => {
        init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason as Error))
      })
    const { status, json } = await serve({ path: new URL(String(input)).pathname, body: String(init!.body) })
    return Response.json(json, { status })
  }
  clients = redis({ url: 'http://redis', token: 't', fetch: answer as typeof fetch }, here)
})
afterEach(() => backend.close())

describe('sessions', () => {
  it('come back, until they are removed', async () => {
    const sessions = redisSessions(clients, here.clock)
    expect(await sessions.get('sid1')).toBeUndefined()
    await sessions.put(alice)
    expect(await sessions.get('sid1')).toEqual(alice)
    await sessions.remove(['sid1', 'sid2'])
    expect(await sessions.get('sid1')).toBeUndefined()
  })

  it('stay removed when a copy arrives late', async () => {
    const sessions = redisSessions(clients, here.clock)
    await sessions.remove(['sid1'])
    await sessions.put(alice)
    expect(await sessions.get('sid1')).toBeUndefined()
  })

  it('are believed for 300 seconds at most, whatever Redis keeps', async () => {
    const sessions = redisSessions(clients, here.clock)
    await sessions.put(alice)
    here.clock.pass(300_000)
    expect(await sessions.get('sid1')).toEqual(alice)
    here.clock.pass(1)
    expect(await sessions.get('sid1')).toBeUndefined()
  })

  it.each(['away', 'refusing', 'silent'] as const)(
    'throw when Redis is %s, and then for a minute',
    async (state) => {
      const sessions = redisSessions(clients, here.clock)
      await sessions.put(alice)
      mood = state
      await expect(sessions.get('sid1')).rejects.toThrow()
      mood = 'well'
      const asked = here.calls.snapshot().redis
      await expect(sessions.get('sid1')).rejects.toThrow(/a moment ago/)
      expect(here.calls.snapshot().redis).toBe(asked)
      here.clock.pass(60_000)
      expect(await sessions.get('sid1')).toEqual(alice)
    },
  )

  it('do not wait for ever for a silent Redis', async () => {
    mood = 'silent'
    await expect(redisSessions(clients, here.clock).get('sid1')).rejects.toThrow()
  })

  it('take one request to open, and one to end however many there are', async () => {
    const sessions = redisSessions(clients, here.clock)
    await sessions.put(alice)
    await sessions.remove(['sid1', 'sid2', 'sid3'])
    await sessions.remove([])
    expect(here.calls.snapshot()).toEqual({ redis: 2, redis_commands: 4 })
  })
})

describe('errors of Redis', () => {
  it('become a 503 that says nothing of the command', async () => {
    mood = 'refusing'
    const failure = await redisUia(clients)
      .get('secret-session')
      .catch((error: Error) => error)
    expect(failure).toMatchObject({ errcode: 'M_UNKNOWN', status: 503 })
    expect(`${(failure as Error).message} ${(failure as Error).stack}`).not.toContain('secret-session')
  })
})

describe('interactive-auth sessions', () => {
  it('come back as they were', async () => {
    const uia = redisUia(clients)
    const session = {
      id: 'u1',
      endpoint: 'POST /register',
      body: { username: 'a', deep: { list: [1, null, '\0'] } },
      completed: ['m.login.dummy'],
      facts: { localpart: 'x' },
    }
    await uia.put(session)
    expect(await uia.get('u1')).toEqual(session)
    expect(await uia.get('u2')).toBeUndefined()
  })
})

describe('nonces', () => {
  it('are good once', async () => {
    const nonces = redisNonces(clients)
    await nonces.put('n1')
    expect(await Promise.all([nonces.take('n1'), nonces.take('n1'), nonces.take('n2')])).toEqual([
      true,
      false,
      false,
    ])
  })
})

describe('rate limits', () => {
  const limit = { action: 'login', count: 2, seconds: 60 }

  it('allow a number in a window for each key, and say when the next window begins', async () => {
    const limiter = redisRateLimiter(clients, here.clock)
    here.clock.pass(60_000 - (here.clock.now() % 60_000) + 15_000)
    expect(await limiter.hit(limit, ['a', 'b'])).toBeUndefined()
    expect(await limiter.hit(limit, ['a'])).toBeUndefined()
    expect(await limiter.hit(limit, ['a'])).toBe(45_000)
    expect(await limiter.hit(limit, ['c', 'a'])).toBe(45_000)
    expect(await limiter.hit(limit, ['b'])).toBeUndefined()
    here.clock.pass(45_000)
    expect(await limiter.hit(limit, ['a'])).toBeUndefined()
  })

  it('ask nothing without a key, and once for several', async () => {
    const limiter = redisRateLimiter(clients, here.clock)
    await limiter.hit(limit, [])
    await limiter.hit(limit, ['a', 'b'])
    expect(here.calls.snapshot().redis).toBe(1)
  })
})

describe('the facts', () => {
  const owner = (prefix: string) => {
    const serve = redisEndpoint(backend)
    const send = (async (input: unknown, init?: RequestInit) => {
      const { status, json } = await serve({
        path: new URL(String(input)).pathname,
        body: String(init!.body),
      })
      return Response.json(json, { status })
    }) as typeof fetch
    return redis({ url: 'http://redis', token: 't', fetch: send }, { ...here, prefix })
  }

  it('are of this server alone where several share a Redis, and say how long keys live', async () => {
    const [ours, other] = [owner('a.0:'), owner('b.0:')]
    await redisNonces(ours).put('one')
    await redisNonces(ours).put('two')
    await redisSessions(ours, here.clock).put(alice)
    await redisNonces(other).put('three')
    await ours.within(1_000).set('lasting', 'x')
    const { kinds, looked, isWhole } = await redisKeyKinds(ours, 'a.0:')
    expect([looked, isWhole]).toEqual([4, true])
    expect(kinds[0]).toMatchObject({ kind: 'nonce', keys: 2, lasting: 0 })
    expect(kinds[0]!.shortestMs).toBeGreaterThan(30_000)
    expect(kinds[0]!.longestMs).toBeLessThanOrEqual(60_000)
    expect(kinds.find(({ kind }) => kind === 'lasting')).toMatchObject({
      keys: 1,
      lasting: 1,
      shortestMs: undefined,
    })
    expect((await redisFacts(ours)).keys).toBe(5)
  })

  it('look at a thousand keys or so, and say that there are more', async () => {
    const client = owner('').within(1_000)
    for (let index = 0; index < 1_300; index += 1) await client.set(`nonce:${index}`, '1')
    const { looked, isWhole } = await redisKeyKinds(owner(''), '')
    expect([looked, isWhole]).toEqual([1_000, false])
  })

  it('count hits and misses of each key that is looked up', async () => {
    const client = owner('').within(1_000)
    await client.set('there', '1')
    await client.mget('there', 'not', 'nor')
    await client.get('there')
    const counted = (result: string) =>
      here.metrics.all().find(({ name, labels }) => name === 'redis_lookups_total' && labels[0] === result)
        ?.values
    expect([counted('hit'), counted('miss')]).toEqual([[2], [2]])
  })
})

/** The local Redis endpoint, seen through Upstash's real client: the same against the embedded and a real server. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Redis } from '@upstash/redis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openEmbeddedRedis, openRedisServer, type RedisBackend } from '../../local/redis/backend.ts'
import { redisEndpoint } from '../../local/redis/endpoint.ts'
import { needing, redisProgram, startRedis } from '../support/real-servers.ts'

interface Opened {
  backend: RedisBackend
  close(): Promise<void>
}

async function embedded(): Promise<Opened> {
  const backend = openEmbeddedRedis(':memory:')
  return { backend, close: backend.close }
}

async function real(): Promise<Opened> {
  const server = await startRedis()
  const backend = await openRedisServer(server.url)
  return {
    backend,
    async close() {
      await backend.close()
      await server.stop()
    },
  }
}

const kinds = [
  { title: 'the embedded Redis', open: embedded, missing: false },
  { title: needing('a real Redis', redisProgram, 'redis-server'), open: real, missing: !redisProgram },
]

function serve(backend: RedisBackend): Promise<{ server: Server; url: string }> {
  const endpoint = redisEndpoint(backend)
  const server = createServer(async (request, response) => {
    const { status, json } = await endpoint({ path: request.url!, body: await text(request) })
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({ server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
    })
  })
}

/** The client with the options that the server uses. */
function clientFor(url: string): Redis {
  return new Redis({
    url,
    token: 'any',
    automaticDeserialization: false,
    enableAutoPipelining: false,
    responseEncoding: false,
    readYourWrites: false,
    enableTelemetry: false,
    retry: false,
  })
}

describe.each(kinds)('$title', ({ open, missing }) => {
  describe.skipIf(missing)('through the Upstash client', () => {
    let opened: Opened
    let server: Server
    let redis: Redis

    beforeAll(async () => {
      opened = await open()
      const served = await serve(opened.backend)
      server = served.server
      redis = clientFor(served.url)
    })
    afterAll(async () => {
      server.closeAllConnections()
      server.close()
      await opened.close()
    })
    beforeEach(() => opened.backend.flush())

    it('gets what was set, and null for what was not', async () => {
      const value = 'any text: "quotes" \r\n € 😀'
      expect(await redis.set('k', value)).toBe('OK')
      expect(await redis.get('k')).toBe(value)
      expect(await redis.get('other')).toBeNull()
      expect(await redis.mget('k', 'other')).toEqual([value, null])
      expect(await redis.exists('k', 'other', 'k')).toBe(2)
    })

    it('keeps numbers and JSON as the text they were', async () => {
      await redis.set('n', '0017')
      await redis.set('j', '{"a": 1}')
      expect(await redis.mget('n', 'j')).toEqual(['0017', '{"a": 1}'])
    })

    it('deletes, and tells how many there were', async () => {
      await redis.set('a', '1')
      await redis.set('b', '2')
      expect(await redis.del('a', 'b', 'c')).toBe(2)
      expect(await redis.get('a')).toBeNull()
    })

    it('takes a value once with getdel', async () => {
      await redis.set('nonce', 'x')
      const taken = await Promise.all([1, 2, 3].map(() => redis.getdel('nonce')))
      expect(taken.filter((value) => value === 'x')).toHaveLength(1)
      expect(taken.filter((value) => value === null)).toHaveLength(2)
    })

    it('sets only absent keys with nx, and only present keys with xx', async () => {
      expect(await redis.set('k', 'a', { xx: true })).toBeNull()
      expect(await redis.set('k', 'a', { nx: true })).toBe('OK')
      expect(await redis.set('k', 'b', { nx: true })).toBeNull()
      expect(await redis.set('k', 'c', { xx: true })).toBe('OK')
      expect(await redis.get('k')).toBe('c')
    })

    it('counts up, also by more and below zero', async () => {
      expect(await redis.incr('n')).toBe(1)
      expect(await redis.incrby('n', 41)).toBe(42)
      expect(await redis.incrby('n', -50)).toBe(-8)
      await redis.set('word', 'abc')
      await expect(redis.incr('word')).rejects.toThrow('ERR value is not an integer or out of range')
      await redis.set('most', '9223372036854775807')
      await expect(redis.incr('most')).rejects.toThrow('ERR increment or decrement would overflow')
    })

    it('forgets a key when its time is over', async () => {
      await redis.set('short', 'x', { px: 30 })
      await redis.set('long', 'x', { ex: 100 })
      expect(await redis.ttl('long')).toBeGreaterThan(90)
      expect(await redis.pttl('long')).toBeGreaterThan(90_000)
      await expect.poll(() => redis.get('short')).toBeNull()
      expect(await redis.get('long')).toBe('x')
      expect(await redis.exists('short')).toBe(0)
      expect(await redis.incr('short')).toBe(1)
      expect(await redis.ttl('short')).toBe(-1)
    })

    it('changes, keeps and drops a time to live', async () => {
      expect(await redis.ttl('none')).toBe(-2)
      expect(await redis.expire('none', 5)).toBe(0)
      await redis.set('k', 'a')
      expect(await redis.expire('k', 50)).toBe(1)
      await redis.set('k', 'b', { keepTtl: true })
      expect(await redis.ttl('k')).toBeGreaterThan(40)
      await redis.set('k', 'c')
      expect(await redis.ttl('k')).toBe(-1)
      expect(await redis.pexpire('k', 20)).toBe(1)
      await expect.poll(() => redis.get('k')).toBeNull()
      await redis.set('k', 'd')
      expect(await redis.expire('k', -1)).toBe(1)
      expect(await redis.get('k')).toBeNull()
    })

    it('keeps a counter’s time to live while it counts', async () => {
      await redis.incr('n')
      await redis.expire('n', 50)
      await redis.incr('n')
      expect(await redis.ttl('n')).toBeGreaterThan(40)
    })

    it('runs a pipeline in order and gives each command its own outcome', async () => {
      const pipeline = redis.pipeline().set('a', '1').incr('a').get('a').get('b')
      expect(await pipeline.exec()).toEqual(['OK', 2, '2', null])
    })

    it('runs a transaction', async () => {
      expect(await redis.multi().incr('n').expire('n', 60).get('n').exec()).toEqual([1, 1, '1'])
    })

    it('does nothing of a transaction with a refused command', async () => {
      const transaction = redis.multi().set('a', '1').lpush('list', 'x')
      await expect(transaction.exec()).rejects.toThrow('EXECABORT')
      expect(await redis.get('a')).toBeNull()
    })

    it('tells how many keys there are, and what they take', async () => {
      for (const key of ['a', 'b', 'c']) await redis.set(key, 'x')
      expect(await redis.exec(['dbsize'])).toBe(3)
      expect(await redis.exec(['info', 'memory'])).toMatch(/^used_memory:[1-9]\d*\r$/m)
    })

    it('goes over all keys that fit a pattern, some at a time', async () => {
      const wanted = Array.from({ length: 250 }, (_, n) => `a:${n}`)
      for (const key of [...wanted, 'b:1', 'ab:2']) await redis.set(key, 'x')
      const found: string[] = []
      let cursor = '0'
      let times = 0
      do {
        const [next, keys] = await redis.exec<[string, string[]]>([
          ...(['scan', cursor, 'match', 'a:*', 'count', '100'] as [string, ...string[]]),
        ])
        cursor = next
        found.push(...keys)
        times += 1
      } while (cursor !== '0')
      expect(times).toBeGreaterThan(1)
      expect([...new Set(found)].sort()).toEqual(wanted.sort())
    })

    it('answers ping', async () => {
      expect(await redis.ping()).toBe('PONG')
    })

    it.each([
      ['eval', () => redis.eval('return 1', [], [])],
      ['flushall', () => redis.flushall()],
      ['lpush', () => redis.lpush('list', 'x')],
    ])('refuses %s by name', async (name, call) => {
      await expect(call()).rejects.toThrow(new RegExp(`ERR unknown command '${name}'`, 'i'))
    })

    it.each([
      [['get'], "ERR wrong number of arguments for 'get' command"],
      [['set', 'k', 'v', 'ex', 'soon'], 'ERR value is not an integer or out of range'],
      [['set', 'k', 'v', 'ex', '0'], "ERR invalid expire time in 'set' command"],
      [['set', 'k', 'v', 'nx', 'xx'], 'ERR syntax error'],
      [['set', 'k', 'v', 'ex'], 'ERR syntax error'],
      [['scan', 'x'], 'ERR invalid cursor'],
      [['scan', '0', 'match'], 'ERR syntax error'],
      [['scan', '0', 'count', '0'], 'ERR syntax error'],
      [['scan', '0', 'count', 'x'], 'ERR value is not an integer or out of range'],
    ])('refuses %j as Redis does', async (command, message) => {
      expect(await opened.backend.run([command], false)).toEqual([{ error: message }])
    })

    it('gives each of many commands at once its own answer', async () => {
      const keys = Array.from({ length: 100 }, (_, n) => `k${n}`)
      await Promise.all(keys.map((key) => redis.set(key, key)))
      expect(await Promise.all(keys.map((key) => redis.get(key)))).toEqual(keys)
    })
  })
})

describe('the embedded Redis on disk', () => {
  it('has what was set, and its time to live, when opened again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'selvedge-redis-'))
    const file = join(folder, 'redis.sqlite')
    const first = openEmbeddedRedis(file)
    await first.run(
      [
        ['set', 'a', '1'],
        ['set', 'b', '2', 'ex', '100'],
      ],
      false,
    )
    // Opened beside the first, which was never closed: as after kill -9.
    const second = openEmbeddedRedis(file)
    expect(
      await second.run(
        [
          ['get', 'a'],
          ['ttl', 'b'],
        ],
        false,
      ),
    ).toEqual([{ result: '1' }, { result: expect.closeTo(100, -1) }])
    await first.close()
    await second.close()
    rmSync(folder, { recursive: true })
  })
})

describe.skipIf(!redisProgram)(needing('the client of a real Redis', redisProgram, 'redis-server'), () => {
  it('fails while the server is gone', async () => {
    const server = await startRedis()
    const backend = await openRedisServer(server.url)
    await server.stop()
    await expect(backend.run([['ping']], false)).rejects.toThrow()
    await backend.close()
    await expect(openRedisServer(server.url)).rejects.toThrow('ECONNREFUSED')
  })
})

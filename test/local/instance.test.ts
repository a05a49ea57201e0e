/** The instance that the launcher, the tests and the bench start, with a small Worker of its own. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { objectName, startServer, type TestServer } from '../support/server.ts'
import { tinyWorker } from '../support/tiny-worker.ts'

let server: TestServer

beforeAll(async () => {
  server = await startServer({ source: tinyWorker })
})

afterAll(() => server.stop())

async function ask(path: string): Promise<unknown> {
  const answer = await fetch(server.url + path)
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

describe('an instance', () => {
  it('gives the Worker its settings and keys', async () => {
    const env = (await ask('/env')) as Record<string, string>
    expect(env).toMatchObject({ SERVER_NAME: 'test.example', PUBLIC_URL: server.url, TEST_HOOKS: 'on' })
    expect(JSON.parse(env.SIGNING_KEYS!)).toEqual([
      { id: expect.stringMatching(/^ed25519:a_/), seed: expect.stringMatching(/^[A-Za-z0-9+/]{43}$/) },
    ])
    expect(JSON.parse(env.TOKEN_KEYS!)).toEqual([
      { id: expect.stringMatching(/^k_/), secret: expect.stringMatching(/^[A-Za-z0-9+/]{43}$/) },
    ])
  })

  it('lets the Worker reach Postgres and Redis, and counts the calls', async () => {
    const before = [server.postgres.calls, server.redis.calls]
    expect(await ask('/pg')).toMatchObject({ rows: [['1', null]] })
    expect(await ask('/redis')).toEqual({ result: 'PONG' })
    expect([server.postgres.calls, server.redis.calls]).toEqual([before[0]! + 1, before[1]! + 1])
  })

  it('stops and starts Postgres and Redis', async () => {
    server.postgres.stop()
    server.redis.stop()
    await expect(ask('/pg')).rejects.toThrow('503')
    await expect(ask('/redis')).rejects.toThrow('503')
    server.postgres.start()
    server.redis.start()
    await expect(ask('/pg')).resolves.toBeDefined()
    await expect(ask('/redis')).resolves.toBeDefined()
  })

  it('reaches its own FanOut entrypoint', async () => {
    expect(await ask('/fan-out')).toBe('fanned out')
  })

  it('keeps what objects committed when the runtime is killed, and evicts them', async () => {
    const name = objectName.room('test.example', '!a')
    expect(await ask(`/add?name=${name}`)).toEqual({ rows: 1, inMemory: 1 })
    expect(await ask(`/add?name=${name}`)).toEqual({ rows: 2, inMemory: 2 })
    await server.restart()
    expect(await ask(`/add?name=${name}`)).toEqual({ rows: 3, inMemory: 1 })
    await server.evict('ROOM', name)
    expect(await ask(`/add?name=${name}`)).toEqual({ rows: 4, inMemory: 1 })
    expect(await server.sql('ROOM', name, 'select count(*) as n from added')).toEqual([{ n: 4 }])
  })

  it('answers SQL of the test itself, with types', async () => {
    expect(await server.pg('select $1::int as n, true as yes, null as nothing', [7])).toEqual([
      { n: 7, yes: true, nothing: null },
    ])
  })

  it('refuses to let the Worker call loopback', async () => {
    await expect(ask(`/fetch?url=${server.url}/env`)).rejects.toThrow('500')
  })

  it('runs beside another, which shares nothing with it', async () => {
    const other = await startServer({ source: tinyWorker, host: '127.0.0.2', 'allow-private-networks': 'on' })
    try {
      const answer = await fetch(`${other.url}/add?name=${objectName.room('test.example', '!a')}`)
      expect(await answer.json()).toEqual({ rows: 1, inMemory: 1 })
      const allowed = await fetch(`${other.url}/fetch?url=${server.url}/env`)
      expect(allowed.status).toBe(200)
    } finally {
      await other.stop()
    }
  })
})

describe('the data folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-folder-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const start = (overrides = {}) => startServer({ source: tinyWorker, 'data-dir': folder, ...overrides })

  it('is refused to a second instance while the first runs', async () => {
    const first = await start()
    await expect(start()).rejects.toThrow(`--data-dir ${folder} is in use by another Selvedge`)
    await first.stop()
    const again = await start()
    await again.stop()
  })

  it('holds keys that only their owner reads, the same at each start', async () => {
    const file = join(folder, 'keys.json')
    const keys = readFileSync(file, 'utf8')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    await (await start()).stop()
    expect(readFileSync(file, 'utf8')).toBe(keys)
  })

  it('belongs to one server name', async () => {
    await expect(start({ 'server-name': 'other.example' })).rejects.toThrow(
      '--server-name is other.example, but the data belongs to test.example',
    )
  })

  it('is refused when the keys are damaged, or missing beside a database', async () => {
    const file = join(folder, 'keys.json')
    writeFileSync(file, '{"server_name": "test.example", "signing_keys": []')
    await expect(start()).rejects.toThrow('keys.json is damaged')
    rmSync(file)
    await expect(start()).rejects.toThrow('keys.json is missing beside an existing database')
  })
})

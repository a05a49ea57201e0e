/** What the log says of requests, of databases that are away, and of a runtime that died. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { api, type Client } from '../support/client.ts'
import { eventually } from '../support/eventually.ts'
import { startServer, type TestServer, type TestServerOptions } from '../support/server.ts'

type Line = Record<string, unknown>

interface Started {
  server: TestServer
  lines: Line[]
  /** How many lines came at a time. */
  writes: number[]
}

async function started(options: TestServerOptions): Promise<Started> {
  const lines: Line[] = []
  const writes: number[] = []
  const writeLog = (text: string) => {
    const came = text.split('\n')
    writes.push(came.length)
    for (const line of came) lines.push(JSON.parse(line))
  }
  const server = await startServer({ ...options, writeLog, staysAwake: 'counts the lines of the log' })
  return { server, lines, writes }
}

const requests = (lines: Line[]) => lines.filter(({ message }) => message === 'request')

describe('the log', () => {
  let server: TestServer
  let lines: Line[]
  let alice: Client
  beforeAll(async () => {
    const made = await started({ 'log-level': 'info', 'allow-private-networks': 'on' })
    server = made.server
    lines = made.lines
    alice = await api(server).register('alice')
    await eventually(
      () => requests(lines).length,
      (count) => count === 1,
    )
  })
  beforeEach(() => {
    lines.length = 0
  })
  afterAll(() => server.stop())

  const lastRequest = async () => {
    await expect.poll(() => requests(lines).length).toBeGreaterThan(0)
    return requests(lines).at(-1)!
  }

  it('says why a request was refused, with its user and its address', async () => {
    await alice.get('/rooms/!nowhere:test.example/state')
    expect(await lastRequest()).toMatchObject({
      status: 403,
      errcode: 'M_FORBIDDEN',
      user: '@alice:test.example',
      address: '127.0.0.1',
    })
  })

  it.each([
    ['without a token', 'GET', '/account/whoami', 401, 'M_MISSING_TOKEN'],
    ['for an unknown path', 'GET', '/_matrix/nothing', 404, 'M_UNRECOGNIZED'],
    ['for a body that is no JSON', 'POST', '/login', 400, 'M_NOT_JSON'],
    ['for a broken path', 'GET', '/%zz', 400, 'M_INVALID_PARAM'],
  ])('says why a request was refused %s', async (_, method, path, status, errcode) => {
    await api(server).request(method, path, undefined, method === 'POST' ? { raw: '{' } : {})
    const line = await lastRequest()
    expect(line).toMatchObject({ status, errcode, address: '127.0.0.1' })
    expect(line).not.toHaveProperty('user')
  })

  it('says why a sync was refused, which its object decides', async () => {
    await alice.sync({ since: 'rubbish' })
    expect(await lastRequest()).toMatchObject({ status: 400, errcode: 'M_INVALID_PARAM', user: alice.userId })
  })

  it('names neither user nor address of a request that was answered', async () => {
    await alice.get('/account/whoami')
    const line = await lastRequest()
    expect(Object.keys(line).sort()).toEqual(
      ['level', 'message', 'method', 'ms', 'request_id', 'route', 'status', 'time'].sort(),
    )
  })

  it('names no host that a user wrote, and shows no address of machine code', async () => {
    await alice.get('/_matrix/client/v1/media/preview_url', { url: 'http://secret-host.invalid/a' })
    await lastRequest()
    const text = JSON.stringify(lines)
    expect(text).not.toContain('secret-host')
    expect(text).not.toContain('stack')
  })

  it('gives the code of a database that is away', async () => {
    server.postgres.stop()
    server.redis.stop()
    await api(server).request('POST', '/login', {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: 'alice' },
      password: 'x',
    })
    await api(server).request('POST', '/register', { username: 'bob', password: 'long enough' })
    server.postgres.start()
    server.redis.start()
    await expect
      .poll(() => lines.find(({ message }) => message === 'postgres is unavailable'))
      .toMatchObject({
        code: 'HTTP_503',
      })
  })

  it('tells that the runtime died, and that it is back', async () => {
    await server.restart()
    await expect.poll(() => lines.map(({ message }) => message)).toContain('the Workers runtime is back')
    expect(lines.find(({ level }) => level === 'error')).toMatchObject({
      message: 'the Workers runtime died, and is started again',
      pid: expect.any(Number),
    })
  })
})

describe('the lines of a moment', () => {
  it('come together, each line by itself, and none is lost when the server stops', async () => {
    const { server, lines, writes } = await started({ 'log-level': 'info' })
    const paths = Array.from({ length: 30 }, (_, n) => `/_matrix/client/versions?n=${n}`)
    await Promise.all(paths.map((path) => api(server).request('GET', path)))
    await server.stop()
    const told = requests(lines).filter(({ route }) => route === '/_matrix/client/versions')
    expect(told).toHaveLength(30)
    expect(Math.max(...writes)).toBeGreaterThan(1)
  })
})

describe('the log at debug', () => {
  it('tells of every call to an object or a database, and its user, whatever the answer', async () => {
    const { server, lines } = await started({ 'log-level': 'debug' })
    const alice = await api(server).register('alice')
    await alice.get('/account/whoami')
    await expect
      .poll(() => requests(lines).at(-1))
      .toMatchObject({ status: 200, user: alice.userId, address: '127.0.0.1' })
    const calls = lines.filter(({ message, level }) => message === 'call' && level === 'debug')
    expect(calls.map(({ operation }) => operation)).toEqual(
      expect.arrayContaining(['postgres', 'user.openSession']),
    )
    await server.stop()
  })
})

describe('with a share of the successes', () => {
  it.each([
    ['none', '0', 0],
    ['half', '0.5', 0.5],
  ])('has lines of %s of them, and of all that were refused', async (_, sample, share) => {
    const { server, lines } = await started({ 'log-level': 'info', 'log-sample': sample })
    const http = api(server)
    const many = 200
    for (let i = 0; i < many; i += 1) await http.request('GET', '/_matrix/client/versions')
    for (let i = 0; i < 5; i += 1) await http.request('GET', '/_matrix/nothing')
    await expect.poll(() => requests(lines).filter(({ status }) => status === 404)).toHaveLength(5)
    const successes = requests(lines).filter(({ route }) => route === '/_matrix/client/versions')
    expect(Math.abs(successes.length - share * many)).toBeLessThanOrEqual(share * 80)
    for (const line of successes) expect(line.sample).toBe(share)
    expect(requests(lines).filter(({ status }) => status === 404)[0]).not.toHaveProperty('sample')
    await server.stop()
  })
})

/** Traces of requests, as a collector reads them by the schema of OTLP. */
import { afterEach, describe, expect, it } from 'vitest'
import { VERSION } from '../../../src/version.ts'
import { api, must } from '../../support/client.ts'
import { startServer, type TestServer } from '../../support/server.ts'
import { scrape } from '../../support/watching/metrics.ts'
import { type CollectedSpan, collector, decodeTraces } from '../../support/watching/otlp.ts'

const PATIENCE = { timeout: 25_000, interval: 20 }
const there = collector()

const servers: TestServer[] = []
afterEach(async () => {
  there.answer(200)
  for (const server of servers.splice(0)) await server.stop()
})

async function traced(options: { 'trace-sample'?: string; 'otlp-headers'?: string } = {}) {
  const server = await startServer({ 'trace-sample': '1', ...options, 'otlp-endpoint': there.url() })
  servers.push(server)
  return { server, http: api(server) }
}

const spansOf = (requestId: string | null) => {
  const root = there.spans.find(({ attributes }) => attributes['selvedge.request_id'] === requestId)
  return there.spans.filter(({ traceId }) => traceId === root?.traceId)
}

it('a request has a span with its route, status and id, and spans below it for what was asked of other parts', async () => {
  const { http } = await traced({ 'otlp-headers': 'x-team=ops%20team,x-key=k' })
  const alice = await http.register('alice')
  const room = await alice.createRoom()
  const sent = must(
    await http.request(
      'PUT',
      `/rooms/${encodeURIComponent(room)}/send/m.room.message/t`,
      { body: 'secret' },
      { token: alice.token },
    ),
  )
  const requestId = sent.headers.get('x-request-id')
  await expect.poll(() => spansOf(requestId).length, PATIENCE).toBeGreaterThan(1)
  const [root, ...others] = spansOf(requestId)
  const route = '/_matrix/client/v3/rooms/:roomId/send/:eventType/:txnId'
  expect(root).toMatchObject({
    name: `PUT ${route}`,
    kind: 2,
    failed: false,
    attributes: {
      'http.request.method': 'PUT',
      'http.route': route,
      'http.response.status_code': 200,
      'selvedge.request_id': requestId,
    },
    resource: { 'service.name': 'selvedge', 'service.version': VERSION, 'server.address': 'test.example' },
  })
  expect(root!.parentSpanId).toBeUndefined()
  expect(root!.traceId).toMatch(/^[0-9a-f]{32}$/)
  expect(others.map(({ name }) => name)).toContain('room.send')
  for (const { parentSpanId, start, end } of others) {
    expect(there.spans.some(({ spanId }) => spanId === parentSpanId)).toBe(true)
    expect(start >= root!.start && end <= root!.end && start <= end).toBe(true)
  }
  expect(there.requests.at(-1)).toMatchObject({
    path: '/v1/traces',
    headers: { 'content-type': 'application/json', 'x-team': 'ops team', 'x-key': 'k' },
  })
  const registered = there.spans.filter(({ name }) => name === 'postgres')
  expect(registered.map(({ attributes }) => attributes['db.system.name'])).toContain('postgresql')
  // Patterns alone: nothing that was said, and nobody.
  const text = JSON.stringify(there.spans, (_, value) => (typeof value === 'bigint' ? String(value) : value))
  for (const word of [room, alice.userId, 'secret']) expect(text).not.toContain(word)
})

/** The names of a span and of all above it, the root first. */
function wayTo(span: CollectedSpan): string[] {
  const above = there.spans.find(({ spanId }) => spanId === span.parentSpanId)
  return [...(above === undefined ? [] : wayTo(above)), span.name]
}

const waysOf = (requestId: string | null) => spansOf(requestId).map(wayTo)

describe('a trace goes on inside objects', () => {
  it('into what a Room writes for a message, and what it asks of others for a join', async () => {
    const { http } = await traced()
    const [alice, bob] = [await http.register('alice'), await http.register('bob')]
    const room = await alice.createRoom({ preset: 'public_chat' })
    const path = `/rooms/${encodeURIComponent(room)}/send/m.room.message/t`
    const sent = must(await alice.put(path, { body: 'x' }))
    const send = ['PUT /_matrix/client/v3/rooms/:roomId/send/:eventType/:txnId', 'room.send', 'room.send']
    const ways = () => waysOf(sent.headers.get('x-request-id'))
    await expect.poll(ways, PATIENCE).toContainEqual([...send, 'storage.transaction'])
    expect(ways()).toContainEqual([...send, 'storage.commit'])
    const kinds = spansOf(sent.headers.get('x-request-id')).map(({ name, kind }) => [name, kind])
    expect(kinds).toEqual(
      expect.arrayContaining([
        ['room.send', 3],
        ['room.send', 2],
        ['storage.transaction', 1],
        ['storage.commit', 1],
      ]),
    )
    const joined = must(await bob.join(room))
    const way = () => waysOf(joined.headers.get('x-request-id')).map((names) => names.slice(-2))
    await expect.poll(way, PATIENCE).toContainEqual(['room.changeMembership', 'user.membershipChanged'])
    expect(way()).toContainEqual(['room.changeMembership', 'postgres'])
  })

  it('into the rooms that a User asks for a sync, and no word of it reaches the client', async () => {
    const { http } = await traced()
    const alice = await http.register('alice')
    await alice.createRoom()
    const synced = must(await alice.sync())
    const route = 'GET /_matrix/client/v3/sync'
    const ways = () => waysOf(synced.headers.get('x-request-id'))
    await expect.poll(ways, PATIENCE).toContainEqual([route, 'user.sync', 'user.sync'])
    expect(ways().some((names) => names[2] === 'user.sync' && names[3]?.startsWith('room.'))).toBe(true)
    expect([...synced.headers.keys()].filter((name) => name.startsWith('x-trace'))).toEqual([])
  })

  it('with what an object refuses by its code, and what it cannot do as a failure', async () => {
    const { http } = await traced()
    const [alice, bob] = [await http.register('alice'), await http.register('bob')]
    const room = await alice.createRoom()
    const refused = await bob.put(`/rooms/${encodeURIComponent(room)}/send/m.room.message/t`, { body: 'x' })
    expect(refused.status).toBe(403)
    const inside = () =>
      spansOf(refused.headers.get('x-request-id')).filter(
        ({ name, kind }) => name === 'room.send' && kind === 2,
      )
    await expect
      .poll(inside, PATIENCE)
      .toMatchObject([{ failed: false, attributes: { 'rpc.service': 'room', 'error.type': 'M_FORBIDDEN' } }])
  })
})

it('a request that failed for the server has a span that says so', async () => {
  const { server, http } = await traced()
  server.postgres.stop()
  const refused = await http.request('POST', '/login', {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: 'nobody' },
    password: 'x',
  })
  server.postgres.start()
  expect(refused.status).toBe(503)
  const requestId = refused.headers.get('x-request-id')
  await expect.poll(() => spansOf(requestId).length, PATIENCE).toBeGreaterThan(0)
  expect(spansOf(requestId)[0]).toMatchObject({
    failed: true,
    attributes: { 'http.response.status_code': 503 },
  })
})

describe('not traced', () => {
  it('is a request of a share that is not to be, nor what operators ask all day', async () => {
    const { server, http } = await traced({ 'trace-sample': '0' })
    must(await http.request('GET', '/_matrix/client/versions'))
    const all = await traced()
    await fetch(`${all.server.url}/health`)
    await scrape(all.server.url)
    // What comes later is there, so what came before is not on its way any more.
    const later = must(await all.http.request('GET', '/_matrix/client/versions'))
    await expect.poll(() => spansOf(later.headers.get('x-request-id')).length, PATIENCE).toBe(1)
    const routes = new Set(there.spans.map(({ attributes }) => attributes['http.route']))
    expect([routes.has('/health'), routes.has('/metrics')]).toEqual([false, false])
    expect((await scrape(server.url)).get('selvedge_trace_spans_total{outcome="exported"}')).toBeUndefined()
  })
})

it.each([
  ['answers an error', 500, {}, { exported: 0, lost: 1 }],
  ['refuses some', 200, { partialSuccess: { rejectedSpans: '1' } }, { exported: 0, lost: 1 }],
  ['takes all', 200, {}, { exported: 1, lost: 0 }],
])(
  'spans are counted where the collector %s, and the request is answered',
  async (_, status, body, expected) => {
    const { server, http } = await traced()
    there.answer(status, body)
    must(await http.request('GET', '/_matrix/client/versions'))
    const counted = async () => {
      const scraped = await scrape(server.url)
      const of = (outcome: string) => scraped.get(`selvedge_trace_spans_total{outcome="${outcome}"}`) ?? 0
      return { exported: of('exported'), lost: of('lost') }
    }
    await expect.poll(counted, PATIENCE).toEqual(expected)
  },
)

describe('the schema', () => {
  const span = { traceId: '0'.repeat(32), spanId: '1'.repeat(16), name: 'x', kind: 2 }
  const request = (one: object) => JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [one] }] }] })

  it('reads a span', () => {
    expect(() => decodeTraces(request(span))).not.toThrow()
  })

  it.each([
    ['a field that it does not know', { ...span, traceID: 'x' }],
    ['an id that is not hexadecimal', { ...span, spanId: 'AAAA=' }],
    ['a time that is no number', { ...span, startTimeUnixNano: 'now' }],
  ])('refuses %s', (_, one) => {
    expect(() => decodeTraces(request(one))).toThrow()
  })
})

/** Traces of requests, as a collector reads them by the schema of OTLP. */
import { afterEach, describe, expect, it } from 'vitest'
import { VERSION } from '../../../src/version.ts'
import { api, must } from '../../support/client.ts'
import { startServer, type TestServer } from '../../support/server.ts'
import { scrape } from '../../support/watching/metrics.ts'
import { collector, decodeTraces } from '../../support/watching/otlp.ts'

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
  for (const { parentSpanId, kind, start, end } of others) {
    expect([kind, there.spans.some(({ spanId }) => spanId === parentSpanId)]).toEqual([3, true])
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

/** What every request meets at the edge, whatever it asks for. */
import { describe, expect, it } from 'vitest'
import { VERSION } from '../../src/version.ts'
import { type Answer, api } from '../support/client.ts'
import { startServer } from '../support/server.ts'
import { serving } from '../support/serving.ts'

const { server, http, alice } = serving(['alice'])

/** A request by its whole path: `Api` would put what is outside `/_` below the client API. */
async function plain(method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await fetch(`${server.url}${path}`, { method, headers })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.startsWith('application/json')
  return { status: answer.status, body: isJson ? JSON.parse(text) : text, headers: answer.headers }
}

const anywhere = [
  '/_matrix/client/versions',
  '/_matrix/client/v3/nowhere',
  '/_matrix/federation/v1/nowhere',
  '/nowhere',
  '/health',
]

describe('CORS', () => {
  it.each(anywhere)('is allowed for every origin on %s', async (path) => {
    const { headers } = await plain('GET', path)
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-allow-methods')).toBe('GET, POST, PUT, DELETE, OPTIONS')
    expect(headers.get('access-control-allow-headers')).toBe('X-Requested-With, Content-Type, Authorization')
  })

  it('answers OPTIONS without a token and without side effects', async () => {
    const { status, headers } = await http.request('OPTIONS', '/createRoom')
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe('*')
  })

  it('is allowed on errors', async () => {
    const { status, headers } = await http.request('POST', '/createRoom', {})
    expect(status).toBe(401)
    expect(headers.get('access-control-allow-origin')).toBe('*')
  })
})

describe('security headers', () => {
  it('forbid sniffing, scripts and framing', async () => {
    const { headers } = await http.request('GET', '/_matrix/client/versions')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.get('cache-control')).toBe('no-store')
  })
})

describe('the answers that are made with all headers at once', () => {
  const withoutId = ({ headers }: Answer) =>
    Object.fromEntries(
      [...headers].filter(([name]) => !['x-request-id', 'date', 'content-length'].includes(name)),
    )

  it('have those of any other answer, and a request id of their own', async () => {
    const roomId = await alice.createRoom()
    const sent = await alice.put(`/rooms/${roomId}/send/m.room.message/1`, { msgtype: 'm.text', body: 'x' })
    const first = await alice.sync()
    const waited = await alice.sync({ since: first.body.next_batch, timeout: '50' })
    const other = withoutId(await alice.get('/account/whoami'))
    for (const answer of [sent, first, waited]) expect(withoutId(answer)).toEqual(other)
    const ids = [sent, first, waited].map(({ headers }) => headers.get('x-request-id'))
    expect(new Set(ids).size).toBe(3)
  })
})

describe('request ids', () => {
  it('are taken over from the caller', async () => {
    const { headers } = await plain('GET', '/health', { 'x-request-id': 'trace-1.a_b' })
    expect(headers.get('x-request-id')).toBe('trace-1.a_b')
  })

  it.each(['has space', '{"a":1}', 'x'.repeat(65)])('are made anew in place of %j', async (given) => {
    const { headers } = await plain('GET', '/health', { 'x-request-id': given })
    expect(headers.get('x-request-id')).toMatch(/^[A-Za-z0-9]{12}-[a-z0-9]+$/)
  })

  it('differ from request to request', async () => {
    const [one, two] = await Promise.all([plain('GET', '/health'), plain('GET', '/health')])
    expect(one.headers.get('x-request-id')).not.toBe(two.headers.get('x-request-id'))
  })
})

describe('unknown paths and methods', () => {
  it.each([
    '/_matrix/client/v3/nowhere',
    '/_matrix/nowhere',
    '/_matrix/client/unstable/org.example/x',
    '/nowhere',
  ])('answers 404 M_UNRECOGNIZED on %s', async (path) => {
    const { status, body, headers } = await plain('GET', path)
    expect([status, body.errcode]).toEqual([404, 'M_UNRECOGNIZED'])
    expect(body.error).toEqual(expect.any(String))
    expect(headers.get('content-type')).toContain('application/json')
  })

  it.each([
    ['DELETE', '/_matrix/client/versions'],
    ['PUT', '/login'],
    ['POST', '/sync'],
    ['PATCH', '/createRoom'],
    ['GET', '/rooms/!a:b/send/m.room.message/1'],
    ['POST', '/.well-known/matrix/client'],
  ])('answers 405 M_UNRECOGNIZED on %s %s', async (method, path) => {
    const { status, body } = await http.request(method, path)
    expect([status, body.errcode]).toEqual([405, 'M_UNRECOGNIZED'])
  })
})

describe('paths', () => {
  it('refuses a broken percent escape', async () => {
    const { status, body } = await http.request('GET', '/directory/room/%zz')
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
  })

  it('decodes segments after the split', async () => {
    const room = await alice.createRoom()
    const key = 'a/b %25?#ä'
    const path = `/rooms/${encodeURIComponent(room)}/state/org.example.x/${encodeURIComponent(key)}`
    expect((await alice.put(path, { here: true })).status).toBe(200)
    const { body } = await alice.get(path, { format: 'event' })
    expect(body.state_key).toBe(key)
  })

  it('serves v3 paths as r0 too', async () => {
    const { status, body } = await alice.get('/_matrix/client/r0/capabilities')
    expect(status).toBe(200)
    expect(body.capabilities['m.room_versions'].default).toBe('12')
  })
})

describe('bodies', () => {
  const send = (raw: string | Uint8Array) =>
    http.request('POST', '/createRoom', undefined, { token: alice.token, raw })

  it.each([
    ['no JSON', '{"a":', 'M_NOT_JSON'],
    ['no UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 'M_NOT_JSON'],
    ['a list', '[]', 'M_BAD_JSON'],
    ['a string', '"text"', 'M_BAD_JSON'],
    ['null', 'null', 'M_BAD_JSON'],
    ['a wrong type', '{"name":1}', 'M_BAD_JSON'],
    ['a wrong type deep inside', '{"invite":[1]}', 'M_BAD_JSON'],
    ['an unknown choice', '{"preset":"secret_chat"}', 'M_INVALID_PARAM'],
    ['a missing key deep inside', '{"initial_state":[{"content":{}}]}', 'M_MISSING_PARAM'],
    ['nesting without end', `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`, 'M_BAD_JSON'],
  ])('answers %s with the right code', async (_, raw, errcode) => {
    const { status, body } = await send(raw)
    expect([status, body.errcode]).toEqual([400, errcode])
  })

  it('takes no body as an empty object if every key is optional', async () => {
    expect((await send('')).status).toBe(200)
  })

  it('asks for the token before it looks at the body', async () => {
    const { status, body } = await http.request('POST', '/createRoom', undefined, { raw: '{' })
    expect([status, body.errcode]).toEqual([401, 'M_MISSING_TOKEN'])
  })

  it('ignores unknown keys', async () => {
    expect((await alice.post('/createRoom', { 'org.example.new': [1] })).status).toBe(200)
  })

  it('refuses more than a mebibyte', async () => {
    const { status, body } = await send(JSON.stringify({ name: 'x'.repeat(1024 * 1024) }))
    expect([status, body.errcode]).toEqual([413, 'M_TOO_LARGE'])
  })

  it.each(['/login', '/register', '/refresh'])(
    'refuses a long one of somebody who has not said who they are: %s',
    async (path) => {
      const long = (length: number) => ({ raw: JSON.stringify({ more: 'x'.repeat(length) }) })
      const { status, body } = await http.request('POST', path, undefined, long(150_000))
      expect([status, body.errcode]).toEqual([413, 'M_TOO_LARGE'])
      expect((await http.request('POST', path, undefined, long(100_000))).status).toBeLessThan(413)
    },
  )

  it('counts a body of undeclared length while reading', async () => {
    const chunk = new TextEncoder().encode('x'.repeat(64 * 1024))
    let sent = 0
    const body = new ReadableStream({
      pull(controller) {
        sent += 1
        if (sent > 20) controller.close()
        else controller.enqueue(chunk)
      },
    })
    const answer = await fetch(`${server.url}/_matrix/client/v3/createRoom`, {
      method: 'POST',
      headers: { authorization: `Bearer ${alice.token}` },
      body,
      duplex: 'half',
    } as RequestInit)
    expect(answer.status).toBe(413)
    expect(((await answer.json()) as { errcode: string }).errcode).toBe('M_TOO_LARGE')
  })
})

describe('/health and /metrics', () => {
  it('says that the server lives', async () => {
    expect((await plain('GET', '/health')).body).toEqual({ status: 'ok', version: VERSION })
  })

  it('asks every part of the server in a deep check', async () => {
    const { status, body } = await plain('GET', '/health?deep')
    expect(status).toBe(200)
    expect(body).toEqual({ status: 'ok', version: VERSION, parts: { postgres: 'ok', redis: 'ok', r2: 'ok' } })
  })

  it('counts requests by route pattern and status, and never by path', async () => {
    const room = await alice.createRoom()
    await alice.say(room, 'hello')
    const { body, headers } = await plain('GET', '/metrics')
    expect(headers.get('content-type')).toContain('text/plain; version=0.0.4')
    const route = 'route="/_matrix/client/v3/rooms/:roomId/send/:eventType/:txnId"'
    expect(body).toMatch(new RegExp(`selvedge_http_requests_total{method="PUT",${route},status="200"} [1-9]`))
    expect(body).toMatch(
      new RegExp(`selvedge_http_request_duration_seconds_bucket{method="PUT",${route},le="\\+Inf"} [1-9]`),
    )
    expect(body).toMatch(/^selvedge_events_appended_total [1-9]/m)
    expect(body).toMatch(/^selvedge_object_requests_total{object="room",operation="send"} [1-9]/m)
    expect(body).not.toContain(room)
  })
})

describe('test hooks', () => {
  it('are an unknown path unless they are switched on', async () => {
    const closed = await startServer({ bindings: { TEST_HOOKS: 'off' } })
    try {
      const answers = await Promise.all([
        api(closed).request('GET', '/_selvedge/test/calls'),
        api(closed).request('POST', '/_selvedge/test/faults', { name: 'x', count: 1 }),
      ])
      for (const { status, body } of answers) expect([status, body.errcode]).toEqual([404, 'M_UNRECOGNIZED'])
    } finally {
      await closed.stop()
    }
  })

  it('tell the counters of calls', async () => {
    const { body } = await http.request('GET', '/_selvedge/test/calls')
    expect(body['room.create']).toBeGreaterThan(0)
  })

  it('cut a Worker off after its first RPC', async () => {
    const { status } = await http.request(
      'POST',
      '/createRoom',
      {},
      {
        token: alice.token,
        headers: { 'x-selvedge-test': 'drop-after-first-rpc' },
      },
    )
    expect(status).toBe(499)
  })
})

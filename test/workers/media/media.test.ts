/** Media: what is uploaded comes back as it was, to whoever may have it, and does no harm in a browser. */
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { watchAnswer } from '../../contract/watch.ts'
import { api, type Client, must } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { serving } from '../../support/serving.ts'

const LIMIT = 30_000_000

const { server, http, alice, bob } = serving(['alice', 'bob'], { 'max-upload-bytes': String(LIMIT) })

/** HTTP's own answers to ranges and to what is known already: the documents do not list them. */
const OF_HTTP = [206, 304, 416]

/** As `fetch`, but what the specification says of the answer is held against it. */
async function watched(input: string | URL, init: RequestInit = {}): Promise<Response> {
  const answer = await fetch(input, init)
  if (OF_HTTP.includes(answer.status)) return answer
  const contentType = answer.headers.get('content-type') ?? ''
  const body = contentType.startsWith('application/json') ? await answer.clone().json() : undefined
  watchAnswer({ method: init.method ?? 'GET', url: String(input), status: answer.status, contentType, body })
  return answer
}

interface Sent {
  type?: string
  name?: string
  client?: Client
  method?: string
  path?: string
}

/** Sends bytes, or a stream of unknown length. */
function send(
  body: BodyInit | null,
  { type, name, client = alice, method = 'POST', path = 'upload' }: Sent = {},
) {
  const url = new URL(`/_matrix/media/v3/${path}`, server.url)
  if (name !== undefined) url.searchParams.set('filename', name)
  const headers: Record<string, string> = { authorization: `Bearer ${client.token}` }
  if (type !== undefined) headers['content-type'] = type
  return watched(url, { method, headers, body, duplex: 'half' } as RequestInit)
}

async function uploaded(body: BodyInit | null, sent: Sent = {}): Promise<string> {
  const answer = await send(body, sent)
  expect(answer.status).toBe(200)
  const { content_uri: uri } = (await answer.json()) as { content_uri: string }
  expect(uri).toMatch(/^mxc:\/\/test\.example\/[A-Za-z0-9]{24}$/)
  return uri.slice('mxc://'.length)
}

function get(place: string, headers: Record<string, string> = {}, token: string | null = bob.token) {
  const auth: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
  return watched(`${server.url}/_matrix/client/v1/media/download/${place}`, {
    headers: { ...auth, ...headers },
  })
}

const errorOf = async (answer: Response) => [
  answer.status,
  ((await answer.json()) as { errcode: string }).errcode,
]
const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer())
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** A body that does not say how long it is. */
function streamOf(bytes: Uint8Array, chunk = 100_003): ReadableStream<Uint8Array> {
  let sent = 0
  return new ReadableStream({
    pull(controller) {
      if (sent >= bytes.byteLength) return controller.close()
      controller.enqueue(bytes.subarray(sent, sent + chunk))
      sent += chunk
    },
  })
}

describe('an upload', () => {
  it('comes back byte by byte, with its type and name', async () => {
    const bytes = randomBytes(70_000)
    const place = await uploaded(bytes, { type: 'image/png', name: 'cloth.png' })
    const answer = await get(place)
    expect(hashOf(await bytesOf(answer))).toBe(hashOf(bytes))
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': '70000',
      'content-disposition': 'inline; filename="cloth.png"',
      'content-security-policy':
        "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
      'access-control-allow-origin': '*',
    })
  })

  it.each([0, 5, 8 * 1024 * 1024, 20_000_001])('of unknown length comes back: %i bytes', async (size) => {
    const bytes = randomBytes(size)
    const place = await uploaded(streamOf(bytes))
    const answer = await get(place)
    expect(answer.headers.get('content-type')).toBe('application/octet-stream')
    expect(hashOf(await bytesOf(answer))).toBe(hashOf(bytes))
  })

  it('that is too large is refused, and nothing of it is left', async () => {
    const bytes = randomBytes(LIMIT + 1)
    expect(await errorOf(await send(bytes))).toEqual([413, 'M_TOO_LARGE'])
    expect(await errorOf(await send(streamOf(bytes)))).toEqual([413, 'M_TOO_LARGE'])
    const bucket = await server.instance.mf.getR2Bucket('MEDIA')
    const { objects } = await bucket.list()
    expect(objects.filter(({ size }) => size > 20_000_001)).toEqual([])
  })

  it.each([
    ['small', randomBytes(10), (bytes: Uint8Array) => bytes],
    ['large', randomBytes(1_500_000), (bytes: Uint8Array) => bytes],
    ['of unknown length', randomBytes(10), streamOf],
    ['large and of unknown length', randomBytes(9_000_000), streamOf],
  ])('keeps its hash: %s', async (_, bytes, bodyOf) => {
    const id = (await uploaded(bodyOf(bytes) as BodyInit)).split('/')[1]!
    const bucket = await server.instance.mf.getR2Bucket('MEDIA')
    const { sha256 } = (await bucket.head(`media/${id}`))!.customMetadata ?? {}
    const beside = await (await bucket.get(`sha256/${id}`))?.text()
    expect([sha256, beside].filter(Boolean)).toEqual([hashOf(bytes)])
  })

  it('is there after kill -9', async () => {
    const place = await uploaded('kept', { type: 'text/plain' })
    await server.restart()
    expect(await (await get(place)).text()).toBe('kept')
  })

  it('can be had, and others made, while Postgres is away', async () => {
    const place = await uploaded('here before', { type: 'text/plain' })
    server.postgres.stop()
    try {
      expect(await (await get(place)).text()).toBe('here before')
      expect(await (await get(await uploaded('new'))).text()).toBe('new')
    } finally {
      server.postgres.start()
    }
  })

  it.each([
    ['text/html', 'page.html', 'attachment; filename="page.html"'],
    ['image/svg+xml', 'a.svg', 'attachment; filename="a.svg"'],
    ['text/plain', 'a.txt', 'inline; filename="a.txt"'],
  ])('of type %s is shown as is safe', async (type, name, disposition) => {
    const place = await uploaded('x', { type, name })
    expect((await get(place)).headers.get('content-disposition')).toBe(disposition)
  })

  it('wants a token', async () => {
    const answer = await watched(`${server.url}/_matrix/media/v3/upload`, { method: 'POST', body: 'x' })
    expect(await errorOf(answer)).toEqual([401, 'M_MISSING_TOKEN'])
  })
})

describe('a download', () => {
  it('gives the part that is asked for', async () => {
    const place = await uploaded('0123456789')
    const part = await get(place, { range: 'bytes=2-4' })
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
      206,
      'bytes 2-4/10',
      '234',
    ])
    const beyond = await get(place, { range: 'bytes=10-' })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10'])
  })

  it('is not sent again to a client that has it', async () => {
    const place = await uploaded('once')
    const etag = (await get(place)).headers.get('etag')!
    expect((await get(place, { 'if-none-match': etag })).status).toBe(304)
  })

  it('takes the name that the path gives', async () => {
    const place = await uploaded('x', { type: 'text/plain', name: 'a.txt' })
    const answer = await get(`${place}/b%20c.txt`)
    expect(answer.headers.get('content-disposition')).toBe('inline; filename="b c.txt"')
  })

  it.each([
    ['nobody has uploaded', 'test.example/unknown', 404, 'M_NOT_FOUND'],
    ['another server has', 'other.example/abc', 404, 'M_NOT_FOUND'],
    ['is named by no server', '%20/abc', 400, 'M_INVALID_PARAM'],
    ['has no id that could be one', 'test.example/a.b', 400, 'M_INVALID_PARAM'],
  ])('of what %s is refused', async (_, place, status, errcode) => {
    expect(await errorOf(await get(place))).toEqual([status, errcode])
  })

  it('wants a token', async () => {
    expect(await errorOf(await get(await uploaded('x'), {}, null))).toEqual([401, 'M_MISSING_TOKEN'])
  })

  it.each(['v3', 'r0', 'v1'])('without a token is frozen: media/%s', async (version) => {
    const place = await uploaded('x')
    const answer = await watched(`${server.url}/_matrix/media/${version}/download/${place}`)
    expect(await errorOf(answer)).toEqual([404, 'M_NOT_FOUND'])
    const named = await watched(`${server.url}/_matrix/media/${version}/download/${place}/a.txt`)
    expect(await errorOf(named)).toEqual([404, 'M_NOT_FOUND'])
  })

  it('without a token is served where the operator wants it', async () => {
    const open = await startServer({ 'open-media': 'on' })
    try {
      const carol = await api(open).register('carol')
      const sent = await watched(`${open.url}/_matrix/media/r0/upload`, {
        method: 'POST',
        body: 'open',
        headers: { authorization: `Bearer ${carol.token}` },
      })
      const { content_uri: uri } = (await sent.json()) as { content_uri: string }
      const place = uri.slice('mxc://'.length)
      for (const path of [place, `${place}/a.txt`]) {
        const answer = await watched(`${open.url}/_matrix/media/v3/download/${path}`)
        expect([answer.status, await answer.text()]).toEqual([200, 'open'])
      }
    } finally {
      await open.stop()
    }
  })
})

describe('an id that is asked for before the upload', () => {
  async function reserved(): Promise<string> {
    const { body } = must(
      await http.request('POST', '/_matrix/media/v1/create', undefined, { token: alice.token }),
    )
    expect(body.unused_expires_at).toBeGreaterThan(Date.now() + 3_600_000)
    return body.content_uri.slice('mxc://'.length)
  }
  const fill = (place: string, body: BodyInit, client = alice) =>
    send(body, { client, method: 'PUT', path: `upload/${place}` })

  it('takes one upload, and no second', async () => {
    const place = await reserved()
    expect((await fill(place, 'first')).status).toBe(200)
    expect(await errorOf(await fill(place, 'second'))).toEqual([409, 'M_CANNOT_OVERWRITE_MEDIA'])
    expect(await (await get(place)).text()).toBe('first')
  })

  it('takes one of two uploads at once', async () => {
    const place = await reserved()
    const statuses = (await Promise.all([fill(place, 'one'), fill(place, 'other')])).map(
      ({ status }) => status,
    )
    expect(statuses.sort()).toEqual([200, 409])
  })

  it.each([
    ['both', 9_000_000, 9_000_001],
    ['one', 9_000_000, 10],
  ])('takes one of two uploads at once, %s in parts, and keeps its bytes', async (_, ...sizes) => {
    const place = await reserved()
    const sent = sizes.map((size) => randomBytes(size))
    const answers = await Promise.all(sent.map((bytes) => fill(place, streamOf(bytes))))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    const taken = sent[answers.findIndex(({ status }) => status === 200)]!
    expect(hashOf(await bytesOf(await get(place)))).toBe(hashOf(taken))
  })

  it('takes a second upload where the first was refused', async () => {
    const place = await reserved()
    expect(await errorOf(await fill(place, streamOf(randomBytes(LIMIT + 1))))).toEqual([413, 'M_TOO_LARGE'])
    expect((await fill(place, 'small')).status).toBe(200)
    expect(await (await get(place)).text()).toBe('small')
  })

  it('is one of fifty at most, until one is filled', async () => {
    const dora = await http.register('dora')
    const create = () => http.request('POST', '/_matrix/media/v1/create', undefined, { token: dora.token })
    const places: string[] = []
    for (let made = 0; made < 50; made += 1) places.push(must(await create()).body.content_uri.slice(6))
    const refused = await create()
    expect([refused.status, refused.body.errcode]).toEqual([429, 'M_LIMIT_EXCEEDED'])
    expect(refused.body.retry_after_ms).toBeGreaterThan(0)
    expect((await fill(places[0]!, 'x', dora)).status).toBe(200)
    must(await create())
  })

  it('takes a second upload where the first was broken off', async () => {
    const place = await reserved()
    const broken = new AbortController()
    const body = new ReadableStream({
      // It never ends.
      start: (controller) => controller.enqueue(randomBytes(100_000)),
    })
    const first = fetch(`${server.url}/_matrix/media/v3/upload/${place}`, {
      method: 'PUT',
      body,
      duplex: 'half',
      signal: broken.signal,
      headers: { authorization: `Bearer ${alice.token}` },
    } as RequestInit)
    const bucket = await server.instance.mf.getR2Bucket('MEDIA')
    const claim = `claimed/${place.split('/')[1]}`
    await expect.poll(() => bucket.head(claim)).not.toBeNull()
    broken.abort()
    await expect(first).rejects.toThrow()
    await expect.poll(() => bucket.head(claim)).toBeNull()
    expect((await fill(place, 'again')).status).toBe(200)
  })

  it.each([
    ['a moment', 1_000, 409],
    ['an hour', 3_600_000, 200],
  ])('is another upload’s that has not been heard of for %s', async (_, ms, status) => {
    const place = await reserved()
    const bucket = await server.instance.mf.getR2Bucket('MEDIA')
    const customMetadata = { claimed_at: String(Date.now() - ms) }
    await bucket.put(`claimed/${place.split('/')[1]}`, 'lost', { customMetadata })
    expect((await fill(place, 'x')).status).toBe(status)
  })

  it('leaves nothing behind when it has been filled, or has expired and another is asked for', async () => {
    const gus = await http.register('gus')
    const bucket = await server.instance.mf.getR2Bucket('MEDIA')
    const own = `pending/${encodeURIComponent(gus.userId)}/`
    await bucket.put(`${own}01000000000000/expired`, '')
    await bucket.put('reserved/expired', '')
    const create = () => http.request('POST', '/_matrix/media/v1/create', undefined, { token: gus.token })
    const place = must(await create()).body.content_uri.slice('mxc://'.length)
    expect(await bucket.head('reserved/expired')).toBeNull()
    expect((await bucket.list({ prefix: own })).objects).toHaveLength(1)
    await fill(place, 'x', gus)
    for (const prefix of [own, `reserved/${place.split('/')[1]}`, `claimed/${place.split('/')[1]}`]) {
      expect((await bucket.list({ prefix })).objects).toEqual([])
    }
  })

  it('lets a download wait for the upload', async () => {
    const place = await reserved()
    const waiting = get(`${place}?timeout_ms=20000`)
    await fill(place, 'at last')
    expect(await (await waiting).text()).toBe('at last')
  })

  it('says so when the upload does not come', async () => {
    const place = await reserved()
    expect(await errorOf(await get(`${place}?timeout_ms=300`))).toEqual([504, 'M_NOT_YET_UPLOADED'])
  })

  it('is its owner’s', async () => {
    expect(await errorOf(await fill(await reserved(), 'x', bob))).toEqual([403, 'M_FORBIDDEN'])
  })

  it('must have been asked for, of this server', async () => {
    expect(await errorOf(await fill('test.example/unknown', 'x'))).toEqual([404, 'M_NOT_FOUND'])
    expect(await errorOf(await fill('other.example/unknown', 'x'))).toEqual([404, 'M_NOT_FOUND'])
  })
})

it.each(['/_matrix/client/v1/media/config', '/_matrix/media/v3/config'])(
  '%s tells the largest size',
  async (path) => {
    const { body } = must(await http.request('GET', path, undefined, { token: alice.token }))
    expect(body).toEqual({ 'm.upload.size': LIMIT })
  },
)

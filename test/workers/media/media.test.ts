/** Media: what is uploaded comes back as it was, to whoever may have it, and does no harm in a browser. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { api, must } from '../../support/client.ts'
import { bucketOf, keysIn, needsPostgres } from '../../support/media/stores.ts'
import { bytesOf, errorOf, hashOf, streamOf, transfersOf, watched } from '../../support/media/transfers.ts'
import { startServer } from '../../support/server.ts'
import { serving } from '../../support/serving.ts'

const LIMIT = 30_000_000
const { server, http, alice, bob } = serving(['alice', 'bob'], { 'max-upload-bytes': String(LIMIT) })
const { send, uploaded, get } = transfersOf(server, alice, bob)

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

  it('that is too large is refused, and leaves nothing behind', async () => {
    const bytes = randomBytes(LIMIT + 1)
    expect(await errorOf(await send(bytes))).toEqual([413, 'M_TOO_LARGE'])
    expect(await errorOf(await send(streamOf(bytes)))).toEqual([413, 'M_TOO_LARGE'])
    const bucket = await bucketOf(server)
    const sizes = await Promise.all((await keysIn(bucket)).map(async (key) => (await bucket.head(key))?.size))
    expect(sizes.filter((size) => size! > 20_000_001)).toEqual([])
  })

  it.each([
    ['small', randomBytes(10), (bytes: Uint8Array) => bytes],
    ['large', randomBytes(1_500_000), (bytes: Uint8Array) => bytes],
    ['of unknown length', randomBytes(10), streamOf],
    ['large and of unknown length', randomBytes(9_000_000), streamOf],
  ])('keeps its hash: %s', async (_, bytes, bodyOf) => {
    const id = (await uploaded(bodyOf(bytes) as BodyInit)).split('/')[1]!
    const bucket = await bucketOf(server)
    const { sha256 } = (await bucket.head(`media/${id}`))!.custom
    const hash = await bucket.read(`sha256/${id}`)
    const beside = hash && (await new Response(hash).text())
    expect([sha256, beside].filter(Boolean)).toEqual([hashOf(bytes)])
  })

  it('is there after kill -9', async () => {
    const place = await uploaded('kept', { type: 'text/plain' })
    await server.restart()
    expect(await (await get(place)).text()).toBe('kept')
  })

  it.skipIf(needsPostgres)('can be downloaded, and new ones made, while Postgres is away', async () => {
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

  it('needs a token', async () => {
    const answer = await watched(`${server.url}/_matrix/media/v3/upload`, { method: 'POST', body: 'x' })
    expect(await errorOf(answer)).toEqual([401, 'M_MISSING_TOKEN'])
  })
})

describe('a download', () => {
  it('gives the requested part', async () => {
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

  it('has the name that the path gives', async () => {
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

  it('needs a token', async () => {
    expect(await errorOf(await get(await uploaded('x'), {}, null))).toEqual([401, 'M_MISSING_TOKEN'])
  })

  it.each(['v3', 'r0', 'v1'])('without a token is frozen: media/%s', async (version) => {
    const place = await uploaded('x')
    const answer = await watched(`${server.url}/_matrix/media/${version}/download/${place}`)
    expect(await errorOf(answer)).toEqual([404, 'M_NOT_FOUND'])
    const named = await watched(`${server.url}/_matrix/media/${version}/download/${place}/a.txt`)
    expect(await errorOf(named)).toEqual([404, 'M_NOT_FOUND'])
  })

  it('without a token is served if the operator wants it', async () => {
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

it.each(['/_matrix/client/v1/media/config', '/_matrix/media/v3/config'])(
  '%s tells the largest size',
  async (path) => {
    const { body } = must(await http.request('GET', path, undefined, { token: alice.token }))
    expect(body).toEqual({ 'm.upload.size': LIMIT })
  },
)

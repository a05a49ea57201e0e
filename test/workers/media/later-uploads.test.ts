/** Media whose id is asked for first, and which is uploaded later, or never. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { must } from '../../support/client.ts'
import { bucketOf, bytes, keysIn } from '../../support/media/stores.ts'
import { bytesOf, errorOf, hashOf, streamOf, transfersOf } from '../../support/media/transfers.ts'
import { serving } from '../../support/serving.ts'

const LIMIT = 30_000_000
const { server, http, alice, bob } = serving(['alice', 'bob'], { 'max-upload-bytes': String(LIMIT) })
const { send, get } = transfersOf(server, alice, bob)

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

  it('takes only one upload', async () => {
    const place = await reserved()
    expect((await fill(place, 'first')).status).toBe(200)
    expect(await errorOf(await fill(place, 'second'))).toEqual([409, 'M_CANNOT_OVERWRITE_MEDIA'])
    expect(await (await get(place)).text()).toBe('first')
  })

  it('takes only one of two uploads at once', async () => {
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

  it('takes a second upload if the first was refused', async () => {
    const place = await reserved()
    expect(await errorOf(await fill(place, streamOf(randomBytes(LIMIT + 1))))).toEqual([413, 'M_TOO_LARGE'])
    expect((await fill(place, 'small')).status).toBe(200)
    expect(await (await get(place)).text()).toBe('small')
  })

  it('is one of fifty at most, until one is used', async () => {
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

  it('takes a second upload if the first was broken off', async () => {
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
    const bucket = await bucketOf(server)
    const claim = `claimed/${place.split('/')[1]}`
    await expect.poll(() => bucket.head(claim)).toBeDefined()
    broken.abort()
    await expect(first).rejects.toThrow()
    await expect.poll(() => bucket.head(claim)).toBeUndefined()
    expect((await fill(place, 'again')).status).toBe(200)
  })

  it.each([
    ['a moment', 1_000, 409],
    ['an hour', 3_600_000, 200],
  ])('is another upload’s that has not been heard of for %s', async (_, ms, status) => {
    const place = await reserved()
    const bucket = await bucketOf(server)
    const custom = { claimed_at: String(Date.now() - ms) }
    await bucket.put(`claimed/${place.split('/')[1]}`, bytes('lost'), { custom })
    expect((await fill(place, 'x')).status).toBe(status)
  })

  it('leaves nothing behind when it has been used, or has expired and another is requested', async () => {
    const gus = await http.register('gus')
    const bucket = await bucketOf(server)
    const own = `pending/${encodeURIComponent(gus.userId)}/`
    await bucket.put(`${own}01000000000000/expired`, bytes(''), { custom: {} })
    await bucket.put('reserved/expired', bytes(''), { custom: {} })
    const create = () => http.request('POST', '/_matrix/media/v1/create', undefined, { token: gus.token })
    const place = must(await create()).body.content_uri.slice('mxc://'.length)
    expect(await bucket.head('reserved/expired')).toBeUndefined()
    expect(await keysIn(bucket, own)).toHaveLength(1)
    await fill(place, 'x', gus)
    for (const prefix of [own, `reserved/${place.split('/')[1]}`, `claimed/${place.split('/')[1]}`]) {
      expect(await keysIn(bucket, prefix)).toEqual([])
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

  it('is for its owner alone', async () => {
    expect(await errorOf(await fill(await reserved(), 'x', bob))).toEqual([403, 'M_FORBIDDEN'])
  })

  it('must have been requested, from this server', async () => {
    expect(await errorOf(await fill('test.example/unknown', 'x'))).toEqual([404, 'M_NOT_FOUND'])
    expect(await errorOf(await fill('other.example/unknown', 'x'))).toEqual([404, 'M_NOT_FOUND'])
  })
})

/** Names of media: those that people give their files, and ids that lie unused. */
import { describe, expect, it } from 'vitest'
import { must } from '../../support/client.ts'
import { bucketOf, bytes } from '../../support/media/stores.ts'
import { serving } from '../../support/serving.ts'

const { server, http, alice } = serving(['alice'])

const DAY_MS = 86_400_000
const options = () => ({ token: alice.token })
const download = (place: string) =>
  http.request('GET', `/_matrix/client/v1/media/download/${place}`, undefined, options())
const placeOf = (uri: string) => uri.slice('mxc://'.length)

async function uploaded(name: string, type = 'text/plain'): Promise<string> {
  const url = new URL('/_matrix/media/v3/upload', server.url)
  url.searchParams.set('filename', name)
  const headers = { authorization: `Bearer ${alice.token}`, 'content-type': type }
  const answer = await fetch(url, { method: 'POST', headers, body: 'cloth' })
  return placeOf(((await answer.json()) as { content_uri: string }).content_uri)
}

describe.each(['v3', 'r0', 'v1'])('the path media/%s', (version) => {
  it('takes uploads, tells the largest, and shows nothing', async () => {
    const base = `/_matrix/media/${version}`
    const { body } = await http.request('POST', `${base}/upload`, undefined, { ...options(), raw: 'cloth' })
    const place = placeOf(body.content_uri)
    expect((await download(place)).body).toBe('cloth')
    const config = await http.request('GET', `${base}/config`, undefined, options())
    expect(config.body['m.upload.size']).toEqual(expect.any(Number))
    for (const path of [
      `download/${place}`,
      `download/${place}/a`,
      `thumbnail/${place}?width=32&height=32`,
    ]) {
      const { status, body: error } = await http.request('GET', `${base}/${path}`)
      expect([status, error.errcode]).toEqual([404, 'M_NOT_FOUND'])
    }
  })
})

describe('the name of a file', () => {
  it.each([
    ['ткань.txt', `inline; filename="_____.txt"; filename*=UTF-8''%D1%82%D0%BA%D0%B0%D0%BD%D1%8C.txt`],
    ['a"b;c.txt', `inline; filename="a_b;c.txt"; filename*=UTF-8''a%22b%3Bc.txt`],
    ['a\r\nX-Evil: 1', `inline; filename="a__X-Evil: 1"; filename*=UTF-8''a%0D%0AX-Evil%3A%201`],
  ])('comes back: %j', async (name, disposition) => {
    const place = await uploaded(name)
    const { headers } = await download(place)
    expect(headers.get('content-disposition')).toBe(disposition)
    expect(headers.get('x-evil')).toBeNull()
    const named = await download(`${place}/${encodeURIComponent(name)}`)
    expect(named.headers.get('content-disposition')).toBe(disposition)
  })

  it('makes nothing safe that is unsafe', async () => {
    const place = await uploaded('picture.png', 'text/html')
    const { headers } = await download(`${place}/picture.png`)
    expect(headers.get('content-disposition')).toMatch(/^attachment;/)
    expect(headers.get('content-security-policy')).toMatch(/^sandbox;/)
  })
})

describe('an id that is asked for', () => {
  const create = async () => must(await http.request('POST', '/_matrix/media/v1/create', {}, options())).body
  const fill = (place: string) =>
    http.request('PUT', `/_matrix/media/v3/upload/${place}`, undefined, { ...options(), raw: 'cloth' })

  it('takes a type and a name with its upload', async () => {
    const place = placeOf((await create()).content_uri)
    const path = `/_matrix/media/v3/upload/${place}?filename=a.png`
    const headers = { 'content-type': 'image/png' }
    must(await http.request('PUT', path, undefined, { ...options(), raw: 'cloth', headers }))
    const answer = await download(place)
    expect(answer.headers.get('content-type')).toBe('image/png')
    expect(answer.headers.get('content-disposition')).toBe('inline; filename="a.png"')
  })

  it('is kept for a day', async () => {
    const before = Date.now()
    const { unused_expires_at: until } = await create()
    expect(until).toBeGreaterThanOrEqual(before + DAY_MS)
    expect(until).toBeLessThanOrEqual(Date.now() + DAY_MS)
  })

  it('and left unused for that long is gone, for uploads and downloads', async () => {
    const place = placeOf((await create()).content_uri)
    const bucket = await bucketOf(server)
    const key = `reserved/${place.split('/')[1]}`
    const { custom } = (await bucket.head(key))!
    const past = Object.fromEntries(
      Object.entries(custom).map(([name, value]) => [name, /^\d{13,}$/.test(value) ? '1' : value]),
    )
    expect(past).not.toEqual(custom)
    await bucket.put(key, bytes(''), { custom: past })
    for (const answer of [await fill(place), await download(place)]) {
      expect([answer.status, answer.body.errcode]).toEqual([404, 'M_NOT_FOUND'])
    }
  })
})

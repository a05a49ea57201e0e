/** Thumbnails of real images, decoded again to look at their pixels. */
import { beforeAll, describe, expect, it } from 'vitest'
import { watchAnswer } from '../../contract/watch.ts'
import { api, must } from '../../support/client.ts'
import {
  animatedWebp,
  BLUE,
  CLEAR,
  type Colour,
  GREEN,
  gif,
  halves,
  jpeg,
  png,
  RED,
  webp,
} from '../../support/media/images.ts'
import { decodingOf, mediaOf, near } from '../../support/media/thumbnails.ts'
import { startServer } from '../../support/server.ts'
import { serving } from '../../support/serving.ts'

const { server, http, alice } = serving(['alice'])
let uploaded: ReturnType<typeof mediaOf>['uploaded']
let ask: ReturnType<typeof mediaOf>['ask']
let seen: ReturnType<typeof mediaOf>['seen']
let failure: ReturnType<typeof mediaOf>['failure']

beforeAll(async () => {
  ;({ uploaded, ask, seen, failure } = mediaOf(server, alice))
})

describe('a thumbnail', () => {
  it('lies within the requested size when it is scaled', async () => {
    const media = await uploaded(png(400, 200, halves(400, RED, BLUE)), 'image/png')
    const small = await seen(media, { width: 96, height: 96, method: 'scale' })
    expect([small.type, small.width, small.height]).toEqual(['image/jpeg', 96, 48])
    expect(near(small.at(10, 24), RED) && near(small.at(85, 24), BLUE)).toBe(true)
  })

  it('is the middle of the image when it is cropped', async () => {
    const thirds = (x: number): Colour => (x < 100 ? RED : x < 200 ? GREEN : BLUE)
    const media = await uploaded(png(300, 100, thirds), 'image/png')
    const small = await seen(media, { width: 96, height: 96, method: 'crop' })
    expect([small.width, small.height]).toEqual([96, 96])
    for (const x of [3, 48, 92]) expect(near(small.at(x, 48), GREEN)).toBe(true)
  })

  it('is of one of a few sizes, no smaller than what was asked for', async () => {
    const media = await uploaded(png(1000, 1000, halves(1000, RED, BLUE)), 'image/png')
    const sizeOf = async (width: number, height: number, method: string) => {
      const small = await seen(media, { width, height, method })
      return [small.width, small.height]
    }
    expect(await sizeOf(20, 20, 'crop')).toEqual([32, 32])
    expect(await sizeOf(33, 10, 'crop')).toEqual([96, 96])
    expect(await sizeOf(200, 200, 'scale')).toEqual([240, 240])
    expect(await sizeOf(900, 900, 'crop')).toEqual([1000, 1000])
  })

  it.each([
    [32, 32, 'crop'],
    [96, 96, 'crop'],
    [320, 240, 'scale'],
    [640, 480, 'scale'],
    [800, 600, 'scale'],
  ])('is there as the specification has it: %i by %i, %s', async (width, height, method) => {
    const media = await uploaded(png(1200, 900, halves(1200, RED, BLUE)), 'image/png')
    const small = await seen(media, { width, height, method })
    expect([small.width, small.height]).toEqual([width, height])
  })

  it('is the image itself if that is no larger', async () => {
    const bytes = png(30, 20, halves(30, RED, BLUE))
    const media = await uploaded(bytes, 'image/png')
    for (const method of ['crop', 'scale']) {
      const small = await seen(media, { width: 96, height: 96, method })
      expect(Buffer.from(small.bytes).equals(Buffer.from(bytes))).toBe(true)
    }
  })

  it('keeps transparency', async () => {
    for (const [bytes, type] of [
      [png(200, 200, halves(200, CLEAR, GREEN)), 'image/png'],
      [await webp(200, 200, halves(200, CLEAR, GREEN)), 'image/webp'],
    ] as const) {
      const small = await seen(await uploaded(bytes, type), { width: 32, height: 32, method: 'crop' })
      expect(small.type).toBe('image/png')
      expect(small.at(5, 16)[3]).toBe(0)
      expect(near(small.at(27, 16), GREEN)).toBe(true)
    }
  })

  it('stands upright if the camera was turned', async () => {
    const media = await uploaded(await jpeg(400, 200, halves(400, RED, BLUE), 6), 'image/jpeg')
    const small = await seen(media, { width: 96, height: 96 })
    expect([small.type, small.width, small.height]).toEqual(['image/jpeg', 48, 96])
    expect(near(small.at(24, 10), RED) && near(small.at(24, 85), BLUE)).toBe(true)
  })

  it('moves only if that is asked for', async () => {
    const media = await uploaded(gif(200, 100, [RED, GREEN, BLUE]), 'image/gif')
    const still = await seen(media, { width: 96, height: 96 })
    expect([still.type, still.width, still.height, still.frames]).toEqual(['image/jpeg', 96, 48, 1])
    expect(near(still.at(48, 24), RED)).toBe(true)
    const moving = await seen(media, { width: 96, height: 96, animated: true })
    expect([moving.type, moving.width, moving.height, moving.frames]).toEqual(['image/gif', 96, 48, 3])
  })

  it('of a small image that moves is still, unless that is asked for', async () => {
    const bytes = gif(20, 20, [RED, BLUE])
    const media = await uploaded(bytes, 'image/gif')
    const still = await seen(media, { width: 96, height: 96, animated: false })
    expect([still.type, still.width, still.height]).toEqual(['image/jpeg', 20, 20])
    const moving = await seen(media, { width: 96, height: 96, animated: true })
    expect(Buffer.from(moving.bytes).equals(Buffer.from(bytes))).toBe(true)
  })

  it('of a WebP that moves shows its first picture', async () => {
    for (const [left, type] of [
      [RED, 'image/jpeg'],
      [CLEAR, 'image/png'],
    ] as const) {
      const media = await uploaded(await animatedWebp(200, 100, halves(200, left, BLUE)), 'image/webp')
      const small = await seen(media, { width: 96, height: 96 })
      expect([small.type, small.width, small.height]).toEqual([type, 96, 48])
      expect(near(small.at(85, 24), BLUE)).toBe(true)
    }
  })

  it('is kept: made once, the same afterwards, by ranges too', async () => {
    const media = await uploaded(png(400, 200, halves(400, RED, BLUE)), 'image/png')
    const query = { width: 96, height: 96 }
    const first = await ask(media, query)
    const whole = new Uint8Array(await first.arrayBuffer())
    const etag = first.headers.get('etag')!
    expect(first.headers.get('content-disposition')).toBe('inline')
    expect(first.headers.get('content-security-policy')).toContain('sandbox')
    const again = await ask(media, query)
    expect([again.headers.get('etag'), (await again.arrayBuffer()).byteLength]).toEqual([etag, whole.length])
    const part = await ask(media, query, { range: 'bytes=2-5' })
    expect([part.status, new Uint8Array(await part.arrayBuffer())]).toEqual([206, whole.slice(2, 6)])
    expect((await ask(media, query, { 'if-none-match': etag })).status).toBe(304)
  })

  it('is made once for all that ask at the same time', async () => {
    const media = await uploaded(png(600, 600, halves(600, RED, BLUE)), 'image/png')
    const before = await decodingOf(server)
    const all = await Promise.all(
      Array.from({ length: 6 }, () => seen(media, { width: 320, height: 320, method: 'crop' })),
    )
    expect(all.map(({ width }) => width)).toEqual([320, 320, 320, 320, 320, 320])
    expect((await decodingOf(server)).pictures).toBe(before.pictures + 1)
  })
})

describe('no thumbnail', () => {
  const query = { width: 96, height: 96 }

  it('is made of what is no image, or of half an image, and the next one is made as before', async () => {
    const whole = png(300, 300, halves(300, RED, BLUE))
    const turned = await jpeg(300, 300, halves(300, RED, BLUE))
    for (const bytes of [
      Buffer.from('no image at all'),
      whole.slice(0, 60),
      Buffer.concat([whole.slice(0, 41), Buffer.alloc(200, 7)]),
      turned.slice(0, 20),
      Buffer.from('GIF89a'),
      gif(100, 100, [RED]).slice(0, 30),
      (await webp(200, 200, halves(200, RED, BLUE))).slice(0, 40),
      Buffer.alloc(0),
    ]) {
      expect(await failure(await uploaded(bytes, 'image/png'), query)).toEqual([400, 'M_UNKNOWN'])
    }
    expect((await seen(await uploaded(whole, 'image/png'), query)).width).toBe(96)
    expect((await seen(await uploaded(turned, 'image/jpeg'), query)).width).toBe(96)
  })

  it('is made of more pixels than fit into memory, as the header tells', async () => {
    const bomb = Buffer.from(png(1, 1, () => RED))
    bomb.writeUInt32BE(60_000, 16)
    bomb.writeUInt32BE(60_000, 20)
    expect(await failure(await uploaded(bomb, 'image/png'), query)).toEqual([413, 'M_TOO_LARGE'])
  })

  it('is given without a token, of unknown media, or by the old path', async () => {
    const media = await uploaded(png(300, 300, halves(300, RED, BLUE)), 'image/png')
    const none = await fetch(
      new URL(`/_matrix/client/v1/media/thumbnail/${media}?width=32&height=32`, server.url),
    )
    expect(none.status).toBe(401)
    expect(await failure('test.example/unknown', query)).toEqual([404, 'M_NOT_FOUND'])
    expect(await failure('elsewhere.example/any', query)).toEqual([404, 'M_NOT_FOUND'])
    const old = await fetch(new URL(`/_matrix/media/v3/thumbnail/${media}?width=32&height=32`, server.url))
    expect(old.status).toBe(404)
  })

  it('is given without a size, or for an unknown method', async () => {
    const media = await uploaded(png(300, 300, halves(300, RED, BLUE)), 'image/png')
    expect(await failure(media, { width: 96 })).toEqual([400, 'M_MISSING_PARAM'])
    for (const wrong of [
      { width: 0 },
      { width: -1 },
      { width: 'wide' },
      { method: 'stretch' },
      { animated: 'maybe' },
    ]) {
      expect(await failure(media, { ...query, ...wrong })).toEqual([400, 'M_INVALID_PARAM'])
    }
  })

  it('is given before the announced upload', async () => {
    const { body } = must(await http.request('POST', '/_matrix/media/v1/create', {}, { token: alice.token }))
    const media = body.content_uri.slice('mxc://'.length)
    const answer = await ask(media, { ...query, timeout_ms: 1 })
    expect([answer.status, ((await answer.json()) as { errcode: string }).errcode]).toEqual([
      504,
      'M_NOT_YET_UPLOADED',
    ])
  })
})

describe('the work on a picture', () => {
  it('that breaks off is tried once more, and then left', async () => {
    const media = await uploaded(png(300, 300, halves(300, RED, BLUE)), 'image/png')
    must(await http.request('POST', '/_selvedge/test/faults', { name: 'thumbnails:break-off', count: 2 }))
    const before = await decodingOf(server)
    for (const side of [32, 96, 240]) {
      expect(await failure(media, { width: side, height: side })).toEqual([400, 'M_UNKNOWN'])
    }
    expect((await decodingOf(server)).pictures).toBe(before.pictures + 2)
  })

  it('is limited for each user, but an existing thumbnail is not', async () => {
    const limited = await startServer({ 'rate-limits': 'on' })
    try {
      const { uploaded, ask } = mediaOf(limited, await api(limited).register('alice'))
      const sizes = [32, 96, 200, 320, 400, 640, 700, 800, 1_000, 1_600]
      const first = await uploaded(gif(20, 20, [RED, BLUE]))
      const statuses: number[] = []
      // Small, but not to move: each size is drawn anew.
      for (let n = 0; n < 60 && !statuses.includes(429); n += 1) {
        const media = n === 0 ? first : await uploaded(gif(20, 20, [RED, BLUE]))
        for (const side of sizes) {
          for (const method of ['crop', 'scale']) {
            statuses.push((await ask(media, { width: side, height: side, method })).status)
          }
        }
      }
      expect(statuses.indexOf(429)).toBeGreaterThanOrEqual(200)
      expect((await ask(first, { width: 32, height: 32, method: 'crop' })).status).toBe(200)
    } finally {
      await limited.stop()
    }
  })
})

it('opens the old path if the operator does', async () => {
  const open = await startServer({ 'open-media': 'on' })
  try {
    const other = await api(open).register('bob')
    const headers = { authorization: `Bearer ${other.token}`, 'content-type': 'image/png' }
    const body = Buffer.from(png(300, 300, halves(300, RED, BLUE)))
    const sent = await fetch(new URL('/_matrix/media/v3/upload', open.url), { method: 'POST', headers, body })
    const { content_uri: uri } = (await sent.json()) as { content_uri: string }
    const path = `/_matrix/media/v3/thumbnail/${uri.slice('mxc://'.length)}?width=32&height=32&method=crop`
    const answer = await fetch(new URL(path, open.url))
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/jpeg'])
    watchAnswer({
      method: 'GET',
      url: String(new URL(path, open.url)),
      status: 200,
      contentType: 'image/jpeg',
      body: undefined,
    })
  } finally {
    await open.stop()
  }
})

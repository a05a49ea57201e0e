/** Pictures that few programs write, and such as are made to do harm: what each costs is counted, not timed. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { api } from '../../support/client.ts'
import {
  animatedWebp,
  apng,
  BLUE,
  CLEAR,
  type Colour,
  chunk,
  exifOf,
  GREEN,
  gif,
  halves,
  jpeg,
  png,
  RED,
  riffChunk,
  webpOf,
  webpPicture,
} from '../../support/media/images.ts'
import {
  apngWithFrame,
  emptyGif,
  flatJpeg,
  hugeWebpFrame,
  interlacedPng,
  jpegOfScans,
  plain,
  pngBomb,
} from '../../support/media/odd-images.ts'
import { decodingOf, mediaOf, near } from '../../support/media/thumbnails.ts'
import { serving } from '../../support/serving.ts'

const SMALL = { width: 96, height: 96 }

const { server } = serving()
let media: ReturnType<typeof mediaOf>
let before: Awaited<ReturnType<typeof decodingOf>>

beforeAll(async () => {
  media = mediaOf(server, await api(server).register('alice'))
})
beforeEach(async () => {
  before = await decodingOf(server)
})

async function spent() {
  const after = await decodingOf(server)
  return {
    pictures: after.pictures - before.pictures,
    pixels: after.pixels - before.pixels,
    scans: after.scans - before.scans,
  }
}

describe('before anything is decoded', () => {
  it.each([
    ['a GIF with a large screen', () => emptyGif([30_000, 30_000], [1, 1]), [413, 'M_TOO_LARGE']],
    [
      'a GIF with a large picture on a small screen',
      () => emptyGif([200, 200], [30_000, 30_000]),
      [413, 'M_TOO_LARGE'],
    ],
    ['a WebP with a large canvas', () => hugeWebpFrame(16_384, 16_384, 16_384), [413, 'M_TOO_LARGE']],
    ['a WebP with a large frame', () => hugeWebpFrame(200, 16_383, 16_383), [413, 'M_TOO_LARGE']],
    ['a WebP whose frame holds a larger picture', () => hugeWebpFrame(200, 200, 16_383), [400, 'M_UNKNOWN']],
    [
      'a WebP whose frame holds a picture that is too large without loss',
      () => hugeWebpFrame(200, 5_000, 5_000),
      [413, 'M_TOO_LARGE'],
    ],
    ['a PNG that says one size and holds another', () => pngBomb(5_000, 5_000, 3), [400, 'M_UNKNOWN']],
    ['a PNG of one long row', () => pngBomb(33_000_000, 1, 1), [413, 'M_TOO_LARGE']],
  ])('%s is refused, and is not looked at again', async (_, make, refusal) => {
    const place = await media.uploaded(make())
    expect(await media.failure(place, SMALL)).toEqual(refusal)
    const first = await spent()
    expect(first.pixels).toBeLessThanOrEqual(25_000_000)
    for (const side of [32, 320, 800]) {
      const wish = { width: side, height: side }
      expect(await media.failure(place, { ...wish, method: 'crop' })).toEqual(refusal)
      expect(await media.failure(place, { ...wish, animated: true })).toEqual(refusal)
    }
    expect((await spent()).pictures).toBe(first.pictures)
  })

  it.each([
    ['a PNG', () => manyParts(png(120, 120, plain(RED)), 33, chunk('teXt', Buffer.alloc(0)))],
    ['a WebP', () => manyParts(hugeWebpFrame(200, 200, 200), 30, riffChunk('NOTE', Buffer.alloc(0)))],
    ['a JPEG', () => manyParts(flatJpeg(256, [40], [200]), 2, Buffer.from([255, 0xfe, 0, 2]))],
  ])('%s of a million empty parts is none', { timeout: 30_000 }, async (_, make) => {
    const place = await media.uploaded(make())
    expect(await media.failure(place, SMALL)).toEqual([400, 'M_UNKNOWN'])
    expect((await spent()).pixels).toBe(0)
  })

  it('a frame of an APNG larger than we decode is left out', async () => {
    const place = await media.uploaded(apngWithFrame(200, 30_000))
    const moving = await media.seen(place, { ...SMALL, animated: true })
    expect([moving.type, moving.width]).toEqual(['image/png', 96])
    expect((await spent()).pixels).toBeLessThanOrEqual(200 * 200)
  })

  it('an image no larger than the requested size costs only a look', async () => {
    const place = await media.uploaded(png(90, 90, plain(RED)))
    for (const method of ['crop', 'scale']) await media.seen(place, { ...SMALL, method })
    expect(await spent()).toEqual({ pictures: 0, pixels: 0, scans: 0 })
  })
})

describe('a JPEG', () => {
  it('with a thousand scans is read up to the allowed number', async () => {
    const place = await media.uploaded(await jpegOfScans(1_000))
    expect((await media.seen(place, SMALL)).width).toBe(96)
    expect((await spent()).scans).toBe(100)
  })

  it.each([
    ['CMYK', [255, 0, 0, 255], [0, 0, 255, 255], 0],
    ['CMYK that is not inverted', [0, 255, 255, 0], [255, 255, 0, 0], undefined],
    ['YCCK', [179, 171, 1, 255], [226, 0, 149, 255], 2],
    ['RGB', [255, 0, 0], [0, 0, 255], 0],
  ])('in %s has its colours', async (_, left, right, adobe) => {
    const place = await media.uploaded(flatJpeg(256, left, right, adobe))
    const small = await media.seen(place, SMALL)
    expect(near(small.at(20, 48), RED)).toBe(true)
    expect(near(small.at(75, 48), BLUE)).toBe(true)
  })

  it('of one component is grey', async () => {
    const small = await media.seen(await media.uploaded(flatJpeg(256, [40], [200])), SMALL)
    expect(near(small.at(20, 48), [40, 40, 40, 255]) && near(small.at(75, 48), [200, 200, 200, 255])).toBe(
      true,
    )
  })

  it('that is cut off shows what there is', async () => {
    const whole = await jpeg(400, 400, plain(GREEN))
    const place = await media.uploaded(whole.slice(0, whole.length - 40))
    expect((await media.seen(place, SMALL)).width).toBe(96)
  })

  it.each([
    [
      'two frames',
      (bytes: Buffer) =>
        Buffer.concat([
          bytes.subarray(0, bytes.indexOf(Buffer.from([255, 0xc0]))),
          frame,
          bytes.subarray(bytes.indexOf(Buffer.from([255, 0xc0]))),
        ]),
    ],
    [
      'a scan without codes',
      (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replaceAll('\xff\xc4', '\xff\xef'), 'latin1'),
    ],
    [
      'no quantisation',
      (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replaceAll('\xff\xdb', '\xff\xef'), 'latin1'),
    ],
  ])('with %s is none', async (_, broken) => {
    const place = await media.uploaded(broken(Buffer.from(flatJpeg(256, [40], [200]))))
    expect(await media.failure(place, SMALL)).toEqual([400, 'M_UNKNOWN'])
  })
  const frame = Buffer.from([255, 0xc0, 0, 11, 8, 1, 0, 1, 0, 1, 1, 0x11, 0])
})

describe('a PNG', () => {
  it('in passes looks like one in rows', async () => {
    const small = await media.seen(
      await media.uploaded(interlacedPng(203, 101, halves(203, RED, BLUE))),
      SMALL,
    )
    expect([small.width, small.height]).toEqual([96, 48])
    expect(near(small.at(20, 24), RED) && near(small.at(80, 24), BLUE)).toBe(true)
  })

  it('with an animation stands still, unless animation is asked for', async () => {
    const place = await media.uploaded(apng(200, 100, [plain(RED), plain(BLUE), plain(CLEAR)]))
    const still = await media.seen(place, { ...SMALL, animated: false })
    expect([still.type, still.width, still.height, still.frames]).toEqual(['image/jpeg', 96, 48, 1])
    expect(near(still.at(48, 24), RED)).toBe(true)
    const moving = await media.seen(place, { ...SMALL, animated: true })
    expect([moving.type, moving.width, moving.height, moving.frames]).toEqual(['image/png', 96, 48, 3])
    expect(near(moving.at(48, 24), RED)).toBe(true)
  })

  it('that is small and animated stands still, and is the original where it may move', async () => {
    const bytes = apng(20, 20, [plain(RED), plain(BLUE)])
    const place = await media.uploaded(bytes)
    expect((await media.seen(place, { ...SMALL, animated: false })).frames).toBe(1)
    expect(Buffer.from((await media.seen(place, { ...SMALL, animated: true })).bytes)).toEqual(
      Buffer.from(bytes),
    )
  })
})

describe('a WebP with an animation', () => {
  it('stands still, unless animation is asked for', async () => {
    const bytes = await animatedWebp(200, 100, plain(RED), halves(200, BLUE, CLEAR), plain(GREEN))
    const place = await media.uploaded(bytes)
    const still = await media.seen(place, { ...SMALL, animated: false })
    expect([still.type, still.frames]).toEqual(['image/jpeg', 1])
    const moving = await media.seen(place, { ...SMALL, animated: true })
    expect([moving.type, moving.width, moving.height, moving.frames]).toEqual(['image/webp', 96, 48, 3])
    expect(near(moving.at(48, 24), RED)).toBe(true)
  })
})

it('a GIF whose last picture is cut off is shown by its first one', async () => {
  const whole = gif(200, 100, [RED, GREEN, BLUE])
  // The descriptor of the last picture is there, its pixels are not.
  const at = Buffer.from(whole).lastIndexOf(0x2c)
  const place = await media.uploaded(whole.slice(0, at + 11))
  for (const animated of [true, false]) {
    const small = await media.seen(place, { ...SMALL, animated })
    expect([small.type, small.width]).toEqual(['image/jpeg', 96])
    expect(near(small.at(48, 24), RED)).toBe(true)
  }
})

/** A picture of four corners, as it is to be seen. */
const CORNERS: Colour[] = [RED, GREEN, BLUE, [255, 255, 0, 255]]
/** By Orientation: which of them stands where in the file, from the top left by rows. */
const STORED: Record<number, number[]> = {
  1: [0, 1, 2, 3],
  2: [1, 0, 3, 2],
  3: [3, 2, 1, 0],
  4: [2, 3, 0, 1],
  5: [0, 2, 1, 3],
  6: [1, 3, 0, 2],
  7: [3, 1, 2, 0],
  8: [2, 0, 3, 1],
}

describe.each(Object.keys(STORED).map(Number))('turned by %i', (orientation) => {
  const [width, height] = orientation > 4 ? [100, 200] : [200, 100]
  const paint = (x: number, y: number) =>
    CORNERS[STORED[orientation]![(y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1)]!]!

  it.each(['image/jpeg', 'image/png', 'image/webp'])('%s stands upright', async (type) => {
    const exif = exifOf(orientation)
    const bytes =
      type === 'image/jpeg'
        ? await jpeg(width, height, paint, orientation)
        : type === 'image/png'
          ? png(width, height, paint, [chunk('eXIf', exif)])
          : webpOf(width, height, 0x08, [await webpPicture(width, height, paint), riffChunk('EXIF', exif)])
    const small = await media.seen(await media.uploaded(bytes), SMALL)
    expect([small.width, small.height]).toEqual([96, 48])
    const corners = [small.at(10, 10), small.at(85, 10), small.at(10, 38), small.at(85, 38)]
    expect(corners.map((corner, i) => near(corner, CORNERS[i]!))).toEqual([true, true, true, true])
  })
})

it('of 32 megapixels there is a thumbnail', { timeout: 60_000 }, async () => {
  const place = await media.uploaded(flatJpeg(5_792, [54], [237]))
  expect(near((await media.seen(place, SMALL)).at(10, 48), [54, 54, 54, 255])).toBe(true)
  expect((await spent()).pixels).toBe(5_792 ** 2)
})

it('a small original is served with its detected type, and shown in place', async () => {
  const bytes = png(20, 20, plain(RED))
  for (const said of ['text/html', 'application/octet-stream', 'image/gif']) {
    const small = await media.seen(await media.uploaded(bytes, said), SMALL)
    expect([small.type, small.disposition]).toEqual(['image/png', 'inline'])
  }
})

it('a request for a larger size than we make gets the original', async () => {
  const bytes = png(1_900, 1_700, plain(RED))
  const place = await media.uploaded(bytes)
  const large = await media.seen(place, { width: 1_601, height: 100 })
  expect([large.type, large.width, large.height]).toEqual(['image/png', 1_900, 1_700])
  expect(await spent()).toEqual({ pictures: 0, pixels: 0, scans: 0 })
})

/** The same with a part of it a million times. */
function manyParts(bytes: Uint8Array, at: number, part: Buffer): Uint8Array {
  const parts = Buffer.alloc(1_000_000 * part.length, part)
  return Buffer.concat([bytes.slice(0, at), parts, bytes.slice(at)])
}

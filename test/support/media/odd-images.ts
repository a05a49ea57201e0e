/** Images that few programs write, and such as are made to do harm. */
import { deflateSync } from 'node:zlib'
import { type Colour, chunk, jpeg, type Paint, pngOf, RED, riffChunk, webpOf, words } from './images.ts'

/** A GIF of a few bytes whose screen and picture have these sizes. */
export function emptyGif(screen: [number, number], picture: [number, number]): Uint8Array {
  const half = (value: number) => [value & 255, value >> 8]
  const header = [...Buffer.from('GIF89a'), ...screen.flatMap(half), 0x80, 0, 0, 255, 0, 0, 0, 0, 0]
  const image = [0x2c, 0, 0, 0, 0, ...picture.flatMap(half), 0]
  // Clear, one pixel of colour 0, end.
  return Buffer.from([...header, ...image, 2, 2, 0x44, 0x01, 0, 0x3b])
}

/** An animated WebP of some 94 bytes, whose frame holds a picture that says it is much larger. */
export function hugeWebpFrame(canvas: number, frame: number, picture: number): Uint8Array {
  const uint24 = (value: number) => [value & 255, (value >> 8) & 255, value >> 16]
  const lossless = Buffer.alloc(20)
  lossless[0] = 0x2f
  lossless.writeUInt32LE((picture - 1) | ((picture - 1) << 14), 1)
  const head = Buffer.from([0, 0, 0, 0, 0, 0, ...uint24(frame - 1), ...uint24(frame - 1), 100, 0, 0, 0])
  const frames = riffChunk('ANMF', Buffer.concat([head, riffChunk('VP8L', lossless)]))
  return webpOf(canvas, canvas, 0x02, [riffChunk('ANIM', Buffer.alloc(6)), frames, frames])
}

/** A progressive JPEG, one scan of which comes so many times. */
export async function jpegOfScans(scans: number, size = 400): Promise<Uint8Array> {
  const bytes = Buffer.from(await jpeg(size, size, (x, y) => [x % 256, y % 256, (x * y) % 256, 255]))
  const first = bytes.indexOf(Buffer.from([0xff, 0xda]))
  const next = bytes.indexOf(Buffer.from([0xff, 0xc4]), first)
  const scan = bytes.subarray(first, next)
  return Buffer.concat([bytes.subarray(0, next), ...Array<Buffer>(scans).fill(scan), bytes.subarray(next)])
}

/** PNG in the seven passes of Adam7. */
export function interlacedPng(width: number, height: number, paint: Paint): Uint8Array {
  const passes = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ] as const
  const rows: number[] = []
  for (const [left, top, right, down] of passes) {
    for (let y = top; y < height && left < width; y += down) {
      rows.push(0)
      for (let x = left; x < width; x += right) rows.push(...paint(x, y))
    }
  }
  return pngOf(width, height, [chunk('IDAT', deflateSync(Buffer.from(rows)))], 1)
}

/** A PNG that says one size and holds the pixels of another, with a profile that unpacks to 100 MB. */
export function pngBomb(width: number, height: number, rows: number): Uint8Array {
  const profile = Buffer.concat([Buffer.from('icc\0\0'), deflateSync(Buffer.alloc(100_000_000))])
  const data = deflateSync(Buffer.alloc((width * 4 + 1) * rows))
  return pngOf(width, height, [chunk('iCCP', profile), chunk('zTXt', profile), chunk('IDAT', data)])
}

/** An APNG whose second frame says that it is of this size. */
export function apngWithFrame(size: number, frame: number): Uint8Array {
  const control = (sequence: number, side: number) =>
    chunk('fcTL', Buffer.concat([words(sequence, side, side, 0, 0), Buffer.from([0, 1, 0, 10, 0, 0])]))
  const rows = deflateSync(Buffer.alloc((size * 4 + 1) * size, 0))
  return pngOf(size, size, [
    ...[chunk('acTL', words(2, 0)), control(0, size), chunk('IDAT', rows)],
    ...[control(1, frame), chunk('fdAT', Buffer.concat([words(2), rows]))],
  ])
}

/** A JPEG of two halves, each of one colour of any number of components; with Adobe's segment where it is said. */
export function flatJpeg(size: number, left: number[], right: number[], adobe?: number): Uint8Array {
  const segment = (marker: number, data: number[]) => [
    0xff,
    marker,
    (data.length + 2) >> 8,
    (data.length + 2) & 255,
    ...data,
  ]
  const ids = left.map((_, index) => index + 1)
  const half = (value: number) => [value >> 8, value & 255]
  const head = [
    ...[0xff, 0xd8, ...segment(0xdb, [0, ...Array<number>(64).fill(1)])],
    ...(adobe === undefined ? [] : segment(0xee, [...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, adobe])),
    ...segment(0xc0, [8, ...half(size), ...half(size), ids.length, ...ids.flatMap((id) => [id, 0x11, 0])]),
    // Twelve codes of four bits for the sizes of differences; one bit that says that a block ends.
    ...segment(0xc4, [
      0,
      0,
      0,
      0,
      12,
      ...Array<number>(12).fill(0),
      ...Array.from({ length: 12 }, (_, i) => i),
    ]),
    ...segment(0xc4, [0x10, 1, ...Array<number>(15).fill(0), 0]),
    ...segment(0xda, [ids.length, ...ids.flatMap((id) => [id, 0]), 0, 63, 0]),
  ]
  const blocks = size / 8
  let bits = ''
  const last = left.map(() => 0)
  for (let block = 0; block < blocks * blocks; block += 1) {
    const colour = block % blocks < blocks / 2 ? left : right
    colour.forEach((value, component) => {
      const level = (value - 128) * 8
      const difference = level - last[component]!
      last[component] = level
      const length = difference === 0 ? 0 : Math.floor(Math.log2(Math.abs(difference))) + 1
      const coded = difference < 0 ? difference + 2 ** length - 1 : difference
      bits += `${length.toString(2).padStart(4, '0')}${length === 0 ? '' : coded.toString(2).padStart(length, '0')}0`
    })
  }
  const data: number[] = []
  for (let at = 0; at < bits.length; at += 8) {
    const byte = Number.parseInt(bits.slice(at, at + 8).padEnd(8, '1'), 2)
    data.push(byte, ...(byte === 255 ? [0] : []))
  }
  return Buffer.from([...head, ...data, 0xff, 0xd9])
}

/** One colour all over. */
export const plain =
  (colour: Colour = RED): Paint =>
  () =>
    colour

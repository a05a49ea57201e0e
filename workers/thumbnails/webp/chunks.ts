/** The chunks of a WebP (RFC 9649): its pictures, and their sizes as the decoder will find them. */
import { Unreadable } from '../picture.ts'
import { joined } from '../png/encode.ts'

const HEADER_BYTES = 12
const CHUNK_BYTES = 8
/** Of an ANMF chunk, before the chunks of its picture: place, size, duration and flags. */
const FRAME_BYTES = 16
/** Far more than frames are looked at. */
const MAX_CHUNKS = 10_000
const ALPHA = 0x10
const ANIMATION = 0x02

export interface Chunk {
  name: string
  data: Uint8Array
  /** With its own header, and the byte that makes its length even. */
  whole: Uint8Array
}

export function* chunksOf(bytes: Uint8Array, from = HEADER_BYTES): Generator<Chunk> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let chunks = 0
  for (let at = from; at + CHUNK_BYTES <= bytes.length; ) {
    chunks += 1
    if (chunks > MAX_CHUNKS) throw new Unreadable('too many chunks')
    const length = view.getUint32(at + 4, true)
    const end = at + CHUNK_BYTES + length
    const name = String.fromCharCode(...bytes.subarray(at, at + 4))
    const whole = bytes.subarray(at, end + (length % 2))
    yield { name, data: bytes.subarray(at + CHUNK_BYTES, end), whole }
    at = end + (length % 2)
  }
}

/** A picture that stands still, as a file of its own. */
export interface Still {
  width: number
  height: number
  lossless: boolean
  file: Uint8Array
}

const PICTURE: ReadonlySet<string> = new Set(['ALPH', 'VP8 ', 'VP8L'])

/** @param chunks of a file or of a frame, of which the picture must have the size @throws Unreadable */
export function stillOf(chunks: Iterable<Chunk>, size?: { width: number; height: number }): Still {
  const picture: Chunk[] = []
  for (const chunk of chunks) {
    if (PICTURE.has(chunk.name)) picture.push(chunk)
    if (chunk.name.startsWith('VP8') && chunk.name !== 'VP8X') break
  }
  const coded = picture.at(-1)
  if (coded === undefined || coded.name === 'ALPH' || picture.length > 2) throw new Unreadable('no picture')
  const own = sizeOf(coded)
  if (size !== undefined && (own.width !== size.width || own.height !== size.height)) {
    throw new Unreadable('a picture that is not as large as it was said to be')
  }
  const parts = picture.map(({ whole }) => whole)
  if (picture.length > 1) parts.unshift(extended(own, ALPHA))
  return { ...own, lossless: coded.name === 'VP8L', file: riff(parts) }
}

/** What the decoder will go by. */
function sizeOf({ name, data }: Chunk): { width: number; height: number } {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  if (data.length < 10) throw new Unreadable('a picture cut off')
  if (name === 'VP8L') {
    const bits = view.getUint32(1, true)
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  return { width: view.getUint16(6, true) & 0x3fff, height: view.getUint16(8, true) & 0x3fff }
}

export interface WebpFrame {
  x: number
  y: number
  width: number
  height: number
  /** ms */
  delay: number
  over: boolean
  clear: boolean
  chunks: Iterable<Chunk>
}

export function frameOf({ data }: Chunk): WebpFrame {
  if (data.length < FRAME_BYTES) throw new Unreadable('a frame cut off')
  const [x, y, width, height, delay] = [0, 3, 6, 9, 12].map((at) => uint24(data, at)) as [
    number,
    number,
    number,
    number,
    number,
  ]
  const flags = data[15]!
  const place = { x: 2 * x, y: 2 * y, width: width + 1, height: height + 1 }
  return {
    ...place,
    delay,
    over: (flags & 2) === 0,
    clear: (flags & 1) === 1,
    chunks: chunksOf(data, FRAME_BYTES),
  }
}

export function uint24(data: Uint8Array, at: number): number {
  return data[at]! + data[at + 1]! * 256 + data[at + 2]! * 65_536
}

function bytesOf24(...values: number[]): number[] {
  return values.flatMap((value) => [value & 255, (value >> 8) & 255, (value >> 16) & 255])
}

/** VP8X: what else there is, and the size of the canvas. */
function extended({ width, height }: { width: number; height: number }, flags: number): Uint8Array {
  return chunk('VP8X', Uint8Array.from([flags, 0, 0, 0, ...bytesOf24(width - 1, height - 1)]))
}

function chunk(name: string, data: Uint8Array): Uint8Array {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, data.length, true)
  return joined([new TextEncoder().encode(name), length, data, new Uint8Array(data.length % 2)])
}

function riff(parts: readonly Uint8Array[]): Uint8Array {
  return chunk('RIFF', joined([new TextEncoder().encode('WEBP'), ...parts]))
}

/** An animation of files that stand still, each as large as the canvas. */
export function animationOf(
  size: { width: number; height: number },
  frames: { file: Uint8Array; delay: number }[],
  plays: number,
): Uint8Array {
  const written = frames.map(({ file, delay }) => {
    const picture = [...chunksOf(file)].filter(({ name }) => PICTURE.has(name)).map(({ whole }) => whole)
    const place = bytesOf24(0, 0, size.width - 1, size.height - 1, Math.min(delay, 0xff_ffff))
    // It replaces what was there before.
    return chunk('ANMF', joined([Uint8Array.from([...place, 2]), ...picture]))
  })
  const loops = chunk('ANIM', Uint8Array.from([0, 0, 0, 0, plays & 255, (plays >> 8) & 255]))
  return riff([extended(size, ANIMATION | ALPHA), loops, ...written])
}

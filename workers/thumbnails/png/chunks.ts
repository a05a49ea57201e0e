/** The chunks of a PNG, and the header, palette and frames that they hold (PNG, third edition). */
import { Unreadable } from '../picture.ts'

export interface Chunk {
  name: string
  data: Uint8Array
}

const SIGNATURE_BYTES = 8
/** Twenty times those of the largest file that a program writes. */
const MAX_CHUNKS = 50_000

/** In their order; nothing is unpacked, so what is said beside the picture costs nothing. */
export function* chunksOf(bytes: Uint8Array): Generator<Chunk> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let chunks = 0
  for (let at = SIGNATURE_BYTES; at + 12 <= bytes.length; ) {
    chunks += 1
    if (chunks > MAX_CHUNKS) throw new Unreadable('too many chunks')
    const length = view.getUint32(at)
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    const end = Math.min(at + 8 + length, bytes.length)
    yield { name, data: bytes.subarray(at + 8, end) }
    if (name === 'IEND') return
    at = end + 4
  }
}

/** The grey, RGB, palette, grey with alpha and RGBA of §11.2.1, by their numbers: samples a pixel, and allowed depths. */
const COLOUR_TYPES: Readonly<Record<number, { samples: number; depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
}

export interface Header {
  width: number
  height: number
  depth: number
  colourType: number
  samples: number
  interlaced: boolean
  /** RGB, three bytes a colour. */
  palette?: Uint8Array
  /** As the file says what shines through: of a palette one byte a colour, else one colour of 16 bits a sample. */
  transparency?: Uint8Array
}

export function readHeader(data: Uint8Array): Header {
  if (data.length < 13) throw new Unreadable('a header cut off')
  const view = new DataView(data.buffer, data.byteOffset)
  const [depth, colourType, compression, filter, interlace] = data.subarray(8)
  const kind = COLOUR_TYPES[colourType!]
  const isPlain = compression === 0 && filter === 0 && interlace! < 2
  const [width, height] = [view.getUint32(0), view.getUint32(4)]
  if (!kind?.depths.includes(depth!) || !isPlain || width === 0 || height === 0)
    throw new Unreadable('a header of another kind')
  return {
    width,
    height,
    depth: depth!,
    colourType: colourType!,
    samples: kind.samples,
    interlaced: interlace === 1,
  }
}

/** One picture: that of the file, or a frame of its animation. */
export interface FrameControl {
  x: number
  y: number
  width: number
  height: number
  /** ms */
  delay: number
  dispose: number
  blend: number
}

/** §11.3.6.2 */
export function readFrameControl(data: Uint8Array): FrameControl {
  if (data.length < 26) throw new Unreadable('a frame cut off')
  const view = new DataView(data.buffer, data.byteOffset)
  const delay = (view.getUint16(20) * 1_000) / (view.getUint16(22) || 100)
  const [width, height, x, y] = [4, 8, 12, 16].map((at) => view.getUint32(at)) as [
    number,
    number,
    number,
    number,
  ]
  return { x, y, width, height, delay, dispose: view.getUint8(24), blend: view.getUint8(25) }
}

/** Animated WebP: its first picture as a WebP of its own, which is all that the decoder reads (RFC 9649). */

const HEADER_BYTES = 12
const CHUNK_BYTES = 8
/** Of an ANMF chunk, before the chunks of its picture: place, size, duration and flags. */
const FRAME_BYTES = 16
const ALPHA = 0x10

/** The image itself where it does not move. */
export function stillOf(bytes: Uint8Array): Uint8Array {
  const frame = chunksOf(bytes, HEADER_BYTES).find(({ name }) => name === 'ANMF')
  if (frame === undefined) return bytes
  const picture = chunksOf(frame.data, FRAME_BYTES).filter(({ name }) => PICTURE.has(name))
  const hasAlpha = picture.some(({ name }) => name === 'ALPH')
  const parts = picture.map(({ whole }) => whole)
  if (hasAlpha) parts.unshift(extended(frame.data))
  return riff(parts)
}

const PICTURE: ReadonlySet<string> = new Set(['ALPH', 'VP8 ', 'VP8L'])

interface Chunk {
  name: string
  data: Uint8Array
  /** With its own header, and the byte that makes its length even. */
  whole: Uint8Array
}

function chunksOf(bytes: Uint8Array, from: number): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const chunks: Chunk[] = []
  for (let at = from; at + CHUNK_BYTES <= bytes.length; ) {
    const length = view.getUint32(at + 4, true)
    const end = at + CHUNK_BYTES + length
    const name = String.fromCharCode(...bytes.subarray(at, at + 4))
    const whole = bytes.subarray(at, end + (length % 2))
    chunks.push({ name, data: bytes.subarray(at + CHUNK_BYTES, end), whole })
    at = end + (length % 2)
  }
  return chunks
}

/** VP8X: what else there is, and the size of the canvas, which is the frame's. */
function extended(frame: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(CHUNK_BYTES + 10)
  chunk.set(new TextEncoder().encode('VP8X'))
  chunk[4] = 10
  chunk[CHUNK_BYTES] = ALPHA
  chunk.set(frame.subarray(6, 12), CHUNK_BYTES + 4)
  return chunk
}

function riff(parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 4)
  const bytes = new Uint8Array(CHUNK_BYTES + length)
  const encoder = new TextEncoder()
  bytes.set(encoder.encode('RIFF'))
  new DataView(bytes.buffer).setUint32(4, length, true)
  bytes.set(encoder.encode('WEBP'), CHUNK_BYTES)
  let at = HEADER_BYTES
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

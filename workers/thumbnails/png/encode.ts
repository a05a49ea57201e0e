/** Writes PNG: one picture, or an animation (PNG, third edition, §5 and §11). */
import type { Picture } from '../picture.ts'

const SIGNATURE = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

export async function encodePng(picture: Picture): Promise<Uint8Array> {
  return joined([SIGNATURE, headerOf(picture), chunk('IDAT', await packed(picture)), chunk('IEND')])
}

/** Frames as large as the picture, one after the other. */
export function apngEncoder(size: { width: number; height: number }, count: number, plays: number) {
  const parts = [SIGNATURE, headerOf(size), chunk('acTL', words(count, plays))]
  let sequence = 0
  return {
    async add(picture: Picture, delay: number): Promise<void> {
      const timing = Uint8Array.from([...halves(Math.min(delay, 0xffff), 1_000), 0, 0])
      const control = joined([words(sequence, size.width, size.height, 0, 0), timing])
      const isFirst = sequence === 0
      const data = await packed(picture)
      parts.push(chunk('fcTL', control))
      sequence += 1
      parts.push(isFirst ? chunk('IDAT', data) : chunk('fdAT', joined([words(sequence), data])))
      if (!isFirst) sequence += 1
    },
    bytes: () => joined([...parts, chunk('IEND')]),
  }
}

/** RGBA, eight bits each. */
function headerOf({ width, height }: { width: number; height: number }): Uint8Array {
  return chunk('IHDR', joined([words(width, height), Uint8Array.from([8, 6, 0, 0, 0])]))
}

/** Each row as the difference from the one above it, which packs well. */
async function packed({ width, height, data }: Picture): Promise<Uint8Array> {
  const stride = width * 4
  const rows = new Uint8Array((stride + 1) * height)
  for (let y = 0, at = 0; y < height; y += 1) {
    rows[at] = y === 0 ? 0 : 2
    at += 1
    for (let from = y * stride; from < (y + 1) * stride; from += 1, at += 1) {
      rows[at] = data[from]! - (y === 0 ? 0 : data[from - stride]!)
    }
  }
  const stream = new Blob([rows]).stream().pipeThrough(new CompressionStream('deflate'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

function chunk(name: string, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const body = joined([new TextEncoder().encode(name), data])
  return joined([words(data.length), body, words(crc32(body))])
}

const CRCS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  return crc
})

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ CRCS[(crc ^ byte) & 255]!
  return (crc ^ 0xffffffff) >>> 0
}

function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length)
  const view = new DataView(bytes.buffer)
  values.forEach((value, index) => {
    view.setUint32(4 * index, value)
  })
  return bytes
}

function halves(...values: number[]): number[] {
  return values.flatMap((value) => [value >> 8, value & 255])
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** WebP: the picture of a file that stands still, or the first of an animation, and all of an animation. */
import type { Animation, AnimationFrame, OpenEncoder } from '../animation.ts'
import { decodeWebp, encodeWebp } from '../codecs.ts'
import { handIn, type OpenRows, type Picture, TooLarge } from '../picture.ts'
import type { Work } from '../work.ts'
import { animationOf, chunksOf, frameOf, type Still, stillOf, uint24 } from './chunks.ts'

/** What the decoder takes of the 128 MB of an isolate: the picture, without loss a second time, and the file. */
const MAX_BYTES = 88 * 1024 * 1024

/** Hands in the rows of the picture, or of the first of several on their canvas. */
export async function decodeStill(bytes: Uint8Array, work: Work, open: OpenRows): Promise<void> {
  const first = firstFrame(bytes)
  if (first === undefined) {
    await decode(stillOf(chunksOf(bytes)), work, (picture) => handIn(picture, open))
    return
  }
  const still = stillOf(first.chunks, first)
  work.open(first.canvas)
  await decode(still, work, (picture) => handInAt(picture, first, open))
}

function firstFrame(bytes: Uint8Array) {
  let canvas: { width: number; height: number } | undefined
  for (const chunk of chunksOf(bytes)) {
    if (chunk.name === 'VP8X' && chunk.data.length >= 10) {
      canvas = { width: uint24(chunk.data, 4) + 1, height: uint24(chunk.data, 7) + 1 }
    }
    if (chunk.name === 'ANMF' && canvas !== undefined) return { ...frameOf(chunk), canvas }
  }
  return undefined
}

interface Placed {
  x: number
  y: number
  canvas: { width: number; height: number }
}

/** Around it the canvas is transparent. */
function handInAt({ width, height, data }: Picture, { x, y, canvas }: Placed, open: OpenRows): void {
  const rows = open(canvas)
  const shown = Math.max(0, Math.min(width, canvas.width - x))
  for (let row = 0; row < canvas.height; row += 1) {
    rows.pixels.fill(0)
    const from = (row - y) * width * 4
    if (row >= y && row < y + height) rows.pixels.set(data.subarray(from, from + shown * 4), x * 4)
    rows.next()
  }
}

/** @param use gets the picture in the decoder's own memory, which is there as long as that runs */
function decode(still: Still, work: Work, use: (picture: Picture) => void): Promise<void> {
  const { width, height, lossless, file } = still
  if (width * height * (lossless ? 8 : 4) + 2 * file.length > MAX_BYTES)
    throw new TooLarge('no memory for this')
  work.open(still)
  return decodeWebp(file, use)
}

/** The animation of a WebP; undefined where it has none. */
export function webpAnimation(bytes: Uint8Array, work: Work): Animation | undefined {
  const animation: Animation = { width: 0, height: 0, plays: 0, frames: [] }
  for (const chunk of chunksOf(bytes)) {
    const { name, data } = chunk
    if (name === 'VP8X' && data.length >= 10) {
      animation.width = uint24(data, 4) + 1
      animation.height = uint24(data, 7) + 1
    } else if (name === 'ANIM' && data.length >= 6) animation.plays = data[4]! + data[5]! * 256
    else if (name === 'ANMF') {
      const { clear, chunks, ...frame } = frameOf(chunk)
      const pixels = async () => {
        let copy: Uint8ClampedArray | undefined
        await decode(stillOf(chunks, frame), work, (picture) => {
          copy = picture.data.slice()
        })
        return copy ?? new Uint8ClampedArray(0)
      }
      animation.frames.push({ ...frame, dispose: clear ? 'clear' : 'keep', pixels } satisfies AnimationFrame)
    }
  }
  return animation.frames.length < 2 ? undefined : animation
}

export const webpEncoder: OpenEncoder = (size, _, plays) => {
  const frames: { file: Uint8Array; delay: number }[] = []
  return {
    async add(picture, delay) {
      frames.push({ file: await encodeWebp(picture), delay })
    },
    finish: () => ({ contentType: 'image/webp', bytes: animationOf(size, frames, plays) }),
  }
}

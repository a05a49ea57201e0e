/** GIF: its first picture row by row, and the frames of an animation. */
import type { Animation, AnimationFrame } from '../animation.ts'
import { type OpenRows, Unreadable } from '../picture.ts'
import type { Work } from '../work.ts'
import { type GifFrame, readGif } from './blocks.ts'
import { unpack } from './lzw.ts'

/** One more than an animation may have. */
const FRAMES_LOOKED_AT = 201

/** Hands in the first picture, on its screen. */
export function decodeGif(bytes: Uint8Array, work: Work, open: OpenRows): void {
  const screen = readGif(bytes, 1)
  const [frame] = screen.frames
  if (frame === undefined) throw new Unreadable('no picture')
  work.open(screen)
  const indices = indicesOf(bytes, frame, work)
  const colours = coloursOf(frame)
  const lines = linesOf(frame)
  const rows = open(screen)
  const pixels = new Uint32Array(rows.pixels.buffer)
  for (let y = 0; y < screen.height; y += 1) {
    pixels.fill(0)
    const line = lines[y - frame.y]
    if (line !== undefined) {
      const end = Math.min(frame.width, screen.width - frame.x)
      for (let x = 0; x < end; x += 1) pixels[frame.x + x] = colours[indices[line * frame.width + x]!]!
    }
    rows.next()
  }
}

const DISPOSALS: Readonly<Record<number, AnimationFrame['dispose']>> = { 2: 'clear', 3: 'restore' }

/** The animation of a GIF; undefined where it has none. */
export function gifAnimation(bytes: Uint8Array, work: Work): Animation | undefined {
  const { width, height, plays, frames } = readGif(bytes, FRAMES_LOOKED_AT)
  if (frames.length < 2) return undefined
  return {
    ...{ width, height, plays },
    frames: frames.map((frame): AnimationFrame => {
      const { x, y, width, height, delay, disposal } = frame
      const pixels = async () => pixelsOf(bytes, frame, work)
      return { ...{ x, y, width, height, delay, pixels }, dispose: DISPOSALS[disposal] ?? 'keep', over: true }
    }),
  }
}

function indicesOf(bytes: Uint8Array, frame: GifFrame, work: Work): Uint8Array {
  work.open(frame)
  const indices = new Uint8Array(frame.width * frame.height)
  if (unpack(bytes, frame.data, indices) === 0) throw new Unreadable('a picture without pixels')
  return indices
}

function pixelsOf(bytes: Uint8Array, frame: GifFrame, work: Work): Uint8ClampedArray {
  const indices = indicesOf(bytes, frame, work)
  const colours = coloursOf(frame)
  const pixels = new Uint32Array(indices.length)
  linesOf(frame).forEach((line, y) => {
    for (let x = 0; x < frame.width; x += 1) {
      pixels[y * frame.width + x] = colours[indices[line * frame.width + x]!]!
    }
  })
  return new Uint8ClampedArray(pixels.buffer)
}

/** RGBA by index, as words of this machine. */
function coloursOf({ palette, transparent }: GifFrame): Uint32Array {
  const colours = new Uint8Array(256 * 4)
  for (let index = 0; index < 256; index += 1) {
    if (index === transparent) continue
    colours.set(palette.subarray(index * 3, index * 3 + 3), index * 4)
    colours[index * 4 + 3] = 255
  }
  return new Uint32Array(colours.buffer)
}

/** Appendix E: in which order an interlaced picture has its rows; by row, where it stands in the data. */
function linesOf({ height, interlaced }: GifFrame): Int32Array {
  const lines = Int32Array.from({ length: height }, (_, y) => y)
  if (!interlaced) return lines
  let stored = 0
  for (const [first, step] of [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ] as const) {
    for (let y = first; y < height; y += step) {
      lines[y] = stored
      stored += 1
    }
  }
  return lines
}

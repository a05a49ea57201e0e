/** Pictures that move: their frames put onto one canvas, each made smaller, and written again in the format they came in. */
import { type Box, type Cut, cutFor } from '../../src/media/thumbnail-size.ts'
import type { Thumbnail, ThumbnailRequest } from '../../src/ports/media.ts'
import { pause } from './pause.ts'
import { handIn, type Picture } from './picture.ts'
import { resampling } from './resample.ts'

/** An animation of more is shown by its first picture: frames, pixels of the canvas, and of all that is drawn and written. */
const MAX_FRAMES = 200
const MAX_CANVAS_PIXELS = 5_000_000
const MAX_DRAWN_PIXELS = 60_000_000
const MAX_WRITTEN_PIXELS = 20_000_000

export interface AnimationFrame extends Box {
  x: number
  y: number
  /** ms */
  delay: number
  /** What becomes of its place before the next frame: nothing, transparent, or as it was before. */
  dispose: 'keep' | 'clear' | 'restore'
  /** Whether what is below shines through, or is replaced. */
  over: boolean
  /** RGBA. */
  pixels(): Promise<Uint8ClampedArray>
}

export interface Animation extends Box {
  frames: AnimationFrame[]
  /** 0 for ever. */
  plays: number
}

export interface AnimationEncoder {
  add(picture: Picture, delay: number): Promise<void> | void
  finish(): Thumbnail
}

/** Opens an encoder of so many frames. */
export type OpenEncoder = (size: Box, frames: number, plays: number) => AnimationEncoder

/** The animation, smaller; undefined where it is more than we take on. */
export async function animatedThumbnail(
  animation: Animation,
  { within, method }: ThumbnailRequest,
  open: OpenEncoder,
): Promise<Thumbnail | undefined> {
  const { frames, plays } = animation
  const whole: Cut = {
    source: { x: 0, y: 0, width: animation.width, height: animation.height },
    target: animation,
  }
  const cut = cutFor(animation, within, method) ?? whole
  if (!isBearable(animation, cut.target)) return undefined
  const { width, height } = cut.target
  const encoder = open({ width, height }, frames.length, plays)
  let index = 0
  for await (const canvas of canvases(animation)) {
    const small = resampling(canvas, { source: cut.source, target: { width, height } })
    handIn(canvas, small.open)
    await encoder.add(small.picture(), frames[index]!.delay)
    index += 1
    await pause()
  }
  return encoder.finish()
}

function isBearable({ width, height, frames }: Animation, target: Box): boolean {
  return (
    frames.length <= MAX_FRAMES &&
    width * height <= MAX_CANVAS_PIXELS &&
    width * height * frames.length <= MAX_DRAWN_PIXELS &&
    target.width * target.height * frames.length <= MAX_WRITTEN_PIXELS &&
    frames.every((frame) => frame.width * frame.height <= MAX_CANVAS_PIXELS)
  )
}

/** The canvas after each frame; the same one, so use it before the next. */
async function* canvases({ width, height, frames }: Animation): AsyncGenerator<Picture> {
  const canvas: Picture = { width, height, data: new Uint8ClampedArray(width * height * 4) }
  for (const frame of frames) {
    const pixels = await frame.pixels()
    const before = frame.dispose === 'restore' ? canvas.data.slice() : undefined
    draw(canvas, frame, pixels)
    yield canvas
    if (before !== undefined) canvas.data.set(before)
    else if (frame.dispose === 'clear') draw(canvas, { ...frame, over: false }, undefined)
  }
}

/** What lies beyond the canvas is not drawn; no pixels make the place transparent. */
function draw(canvas: Picture, frame: AnimationFrame, pixels: Uint8ClampedArray | undefined): void {
  const right = Math.min(frame.width, canvas.width - frame.x)
  const bottom = Math.min(frame.height, canvas.height - frame.y)
  for (let y = 0; y < bottom && right > 0; y += 1) {
    const to = ((frame.y + y) * canvas.width + frame.x) * 4
    const from = y * frame.width * 4
    if (pixels === undefined) canvas.data.fill(0, to, to + right * 4)
    else if (!frame.over) canvas.data.set(pixels.subarray(from, from + right * 4), to)
    else for (let at = 0; at < right * 4; at += 4) blend(canvas.data, to + at, pixels, from + at)
  }
}

function blend(below: Uint8ClampedArray, to: number, above: Uint8ClampedArray, from: number): void {
  const alpha = above[from + 3]!
  if (alpha === 0) return
  const left = (below[to + 3]! * (255 - alpha)) / 255
  const cover = alpha + left
  for (let i = 0; i < 3; i += 1) below[to + i] = (above[from + i]! * alpha + below[to + i]! * left) / cover
  below[to + 3] = cover
}

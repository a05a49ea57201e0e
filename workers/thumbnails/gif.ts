/** GIF: its first picture, or all of them made smaller. */
import { applyPalette, GIFEncoder, quantize } from 'gifenc'
import { GifReader } from 'omggif'
import { type Cut, cutFor } from '../../src/media/thumbnail-size.ts'
import type { ThumbnailRequest } from '../../src/ports.ts'
import { cutOut } from './codecs.ts'
import type { Picture } from './picture.ts'

/** An animation of more is shown by its first picture: pixels that would have to be read, and frames. */
const MAX_ANIMATED_PIXELS = 40_000_000
const MAX_FRAMES = 200

/** GIF89a §Graphic Control Extension, what becomes of a frame before the next one. */
const TO_BACKGROUND = 2
const TO_PREVIOUS = 3

export function firstFrame(bytes: Uint8Array): Picture {
  const reader = new GifReader(bytes)
  const canvas = emptyCanvas(reader)
  reader.decodeAndBlitFrameRGBA(0, canvas.data)
  return canvas
}

/** The animation, smaller; undefined where it is more than we take on. */
export async function animatedThumbnail(
  bytes: Uint8Array,
  { within, method }: ThumbnailRequest,
): Promise<Uint8Array | 'small_enough' | undefined> {
  const reader = new GifReader(bytes)
  const frames = reader.numFrames()
  const cut = cutFor(reader, within, method)
  if (cut === undefined) return 'small_enough'
  if (frames > MAX_FRAMES || frames * reader.width * reader.height > MAX_ANIMATED_PIXELS) return undefined
  const encoder = GIFEncoder()
  const { width, height } = cut.target
  let index = 0
  for (const canvas of framesOf(reader)) {
    const { data } = await cutOut(canvas, cut)
    const palette = quantize(data, 256, { format: 'rgba4444', oneBitAlpha: true })
    const pixels = applyPalette(data, palette, 'rgba4444')
    const transparent = palette.findIndex((colour) => colour[3] === 0)
    encoder.writeFrame(pixels, width, height, {
      palette,
      // Hundredths of a second in the file, ms here.
      delay: reader.frameInfo(index).delay * 10,
      // Forever: what the source said of it is not told to us by every file.
      repeat: 0,
      dispose: TO_BACKGROUND,
      ...(transparent >= 0 && { transparent: true, transparentIndex: transparent }),
    })
    index += 1
  }
  encoder.finish()
  return encoder.bytes()
}

/** The canvas after each frame; the same one, so use it before the next. */
function* framesOf(reader: GifReader): Generator<Picture> {
  const canvas = emptyCanvas(reader)
  for (let index = 0; index < reader.numFrames(); index += 1) {
    const frame = reader.frameInfo(index)
    const before = frame.disposal === TO_PREVIOUS ? canvas.data.slice() : undefined
    reader.decodeAndBlitFrameRGBA(index, canvas.data)
    yield canvas
    if (before !== undefined) canvas.data.set(before)
    else if (frame.disposal === TO_BACKGROUND) clear(canvas, frame)
  }
}

function clear(canvas: Picture, { x, y, width, height }: Cut['source']): void {
  for (let row = y; row < y + height; row += 1) {
    const start = (row * canvas.width + x) * 4
    canvas.data.fill(0, start, start + width * 4)
  }
}

function emptyCanvas({ width, height }: GifReader): Picture {
  return { width, height, data: new Uint8ClampedArray(width * height * 4) }
}

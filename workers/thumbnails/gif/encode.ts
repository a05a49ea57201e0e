/** Writes an animation as GIF. */
import { applyPalette, GIFEncoder, quantize } from 'gifenc'
import type { OpenEncoder } from '../animation.ts'
import { isOpaque } from '../picture.ts'

/** GIF89a §Graphic Control Extension: each frame is whole, and the next one begins with nothing. */
const TO_BACKGROUND = 2

export const gifEncoder: OpenEncoder = ({ width, height }, _, plays) => {
  const encoder = GIFEncoder()
  return {
    add(picture, delay) {
      const { data } = picture
      // Finer colours, where nothing shines through.
      const format = isOpaque(picture) ? 'rgb565' : 'rgba4444'
      const palette = quantize(data, 256, { format, oneBitAlpha: true })
      const pixels = applyPalette(data, palette, format)
      const transparent = palette.findIndex((colour) => colour[3] === 0)
      encoder.writeFrame(pixels, width, height, {
        palette,
        delay,
        // Of the encoder, -1 is once, 0 for ever, and what is more the times after the first.
        repeat: plays === 0 ? 0 : plays === 1 ? -1 : plays - 1,
        dispose: TO_BACKGROUND,
        ...(transparent >= 0 && { transparent: true, transparentIndex: transparent }),
      })
    },
    finish() {
      encoder.finish()
      return { contentType: 'image/gif', bytes: encoder.bytes() }
    },
  }
}

/** From a JPEG's samples to RGB: grey, YCbCr, RGB, and the inks of CMYK. */
import type { Component, Tables } from './frame.ts'

/** Fills RGBA of one row: `lines` are the components' samples, `columns` where each pixel finds its own. */
export type Paint = (
  pixels: Uint8ClampedArray,
  lines: readonly Uint8ClampedArray[],
  columns: readonly Int32Array[],
) => void

/** How Adobe's segment says that colours are transformed: YCbCr, or YCCK; 0 says not at all. */
const NOT_TRANSFORMED = 0
const YCCK = 2

export function paintOf(components: readonly Component[], { adobe }: Tables): Paint {
  if (components.length === 1) return grey
  if (components.length === 3) {
    const isRgb =
      adobe === NOT_TRANSFORMED || String.fromCharCode(...components.map(({ id }) => id)) === 'RGB'
    return isRgb ? rgb : ycc
  }
  // Adobe's programs write how much paper is left in place of how much ink there is.
  return inks(adobe === YCCK, adobe !== undefined)
}

const grey: Paint = (pixels, [line], [column]) => {
  for (let x = 0, at = 0; at < pixels.length; x += 1, at += 4) {
    const value = line![column![x]!]!
    pixels[at] = value
    pixels[at + 1] = value
    pixels[at + 2] = value
    pixels[at + 3] = 255
  }
}

const rgb: Paint = (pixels, lines, columns) => {
  for (let x = 0, at = 0; at < pixels.length; x += 1, at += 4) {
    for (let i = 0; i < 3; i += 1) pixels[at + i] = lines[i]![columns[i]![x]!]!
    pixels[at + 3] = 255
  }
}

/** ITU T.871 §7. */
const ycc: Paint = (pixels, [luma, blue, red], [columns, blueColumns, redColumns]) => {
  for (let x = 0, at = 0; at < pixels.length; x += 1, at += 4) {
    const y = luma![columns![x]!]!
    const cb = blue![blueColumns![x]!]! - 128
    const cr = red![redColumns![x]!]! - 128
    pixels[at] = y + 1.402 * cr
    pixels[at + 1] = y - 0.344136 * cb - 0.714136 * cr
    pixels[at + 2] = y + 1.772 * cb
    pixels[at + 3] = 255
  }
}

function inks(isTransformed: boolean, isInverted: boolean): Paint {
  const colours = isTransformed ? ycc : rgb
  return (pixels, lines, columns) => {
    colours(pixels, lines, columns)
    const [black, column] = [lines[3]!, columns[3]!]
    for (let x = 0, at = 0; at < pixels.length; x += 1, at += 4) {
      const k = black[column[x]!]!
      const left = isInverted ? k : 255 - k
      for (let i = at; i < at + 3; i += 1) {
        // What Adobe transforms is what it inverts.
        const value = pixels[i]!
        pixels[i] = ((isTransformed === isInverted ? 255 - value : value) * left) / 255
      }
    }
  }
}

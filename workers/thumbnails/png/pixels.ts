/** From the samples of a PNG's row to RGBA (§13). */
import type { Header } from './chunks.ts'

/** Writes the `x`th pixel of a row to `out`, at `at`. */
export type ReadPixel = (row: Uint8Array, x: number, out: Uint8ClampedArray, at: number) => void

export function pixelReader(header: Header): ReadPixel {
  const { depth, colourType, samples } = header
  if (colourType === 3) return ofPalette(header)
  const hasAlpha = colourType >= 4
  const isGrey = samples < 3
  if (depth === 8 && header.transparency === undefined) return ofBytes(samples, { hasAlpha, isGrey })
  const [most, isClear] = [2 ** depth - 1, clearColour(header)]
  return (row, x, out, at) => {
    const first = x * samples
    const value = (index: number) => sampleAt(row, first + index, depth)
    const red = value(0)
    const green = isGrey ? red : value(1)
    const blue = isGrey ? red : value(2)
    out[at] = (red * 255) / most
    out[at + 1] = (green * 255) / most
    out[at + 2] = (blue * 255) / most
    if (hasAlpha) out[at + 3] = (value(samples - 1) * 255) / most
    else out[at + 3] = isClear(red, green, blue) ? 0 : 255
  }
}

/** What nearly all pictures are. */
function ofBytes(samples: number, { hasAlpha, isGrey }: { hasAlpha: boolean; isGrey: boolean }): ReadPixel {
  const [green, blue] = isGrey ? [0, 0] : [1, 2]
  return (row, x, out, at) => {
    const first = x * samples
    out[at] = row[first]!
    out[at + 1] = row[first + green]!
    out[at + 2] = row[first + blue]!
    out[at + 3] = hasAlpha ? row[first + samples - 1]! : 255
  }
}

function ofPalette({ depth, palette, transparency }: Header): ReadPixel {
  const colours = palette ?? new Uint8Array(0)
  return (row, x, out, at) => {
    const index = sampleAt(row, x, depth)
    for (let i = 0; i < 3; i += 1) out[at + i] = colours[index * 3 + i] ?? 0
    out[at + 3] = transparency?.[index] ?? 255
  }
}

function sampleAt(row: Uint8Array, index: number, depth: number): number {
  if (depth === 8) return row[index]!
  if (depth === 16) return row[2 * index]! * 256 + row[2 * index + 1]!
  const bit = index * depth
  return (row[bit >> 3]! >> (8 - depth - (bit & 7))) & ((1 << depth) - 1)
}

/** The one colour that shines through in what has no alpha of its own. */
function clearColour({
  transparency,
  samples,
}: Header): (red: number, green: number, blue: number) => boolean {
  if (transparency === undefined || transparency.length < 2 * samples) return () => false
  const [red, green, blue] = [0, 2, 4].map((at) => sampleAt(transparency, at / 2, 16)) as [
    number,
    number,
    number,
  ]
  return samples === 1 ? (grey) => grey === red : (r, g, b) => r === red && g === green && b === blue
}

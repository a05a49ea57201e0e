/**
 * Brings a part of a picture to another size while its rows come in: each pixel of the result is the mean of the area
 * that it covers. Of the source no more than one row is in memory.
 */
import type { Box, Cut } from '../../src/media/thumbnail-size.ts'
import type { OpenRows, Picture, Rows } from './picture.ts'

export interface Resampling {
  open: OpenRows
  /** The result, once all rows are in. */
  picture(): Picture
}

/**
 * @param full the size of the whole picture, in whose pixels `cut` is given; what comes in may be smaller by a factor
 */
export function resampling(full: Box, { source, target }: Cut): Resampling {
  const picture: Picture = { ...target, data: new Uint8ClampedArray(target.width * target.height * 4) }
  return {
    open(size) {
      const scale = { x: size.width / full.width, y: size.height / full.height }
      const columns = spread(size.width, source.x * scale.x, source.width * scale.x, target.width)
      const lines = spread(size.height, source.y * scale.y, source.height * scale.y, target.height)
      return averaging(picture, size, columns, lines)
    },
    picture: () => picture,
  }
}

/** Which pixels of the result one of the source falls into, and with what weight: `first[i]` to `first[i + 1]` of both lists. */
interface Spread {
  first: Int32Array
  to: Int32Array
  weight: Float32Array
}

function spread(size: number, start: number, length: number, target: number): Spread {
  const ratio = target / length
  const first = new Int32Array(size + 1)
  const to: number[] = []
  const weight: number[] = []
  for (let i = 0; i < size; i += 1) {
    const from = Math.max(0, (i - start) * ratio)
    const end = Math.min(target, (i + 1 - start) * ratio)
    for (let at = Math.floor(from); at < end; at += 1) {
      to.push(at)
      weight.push(Math.min(end, at + 1) - Math.max(from, at))
    }
    first[i + 1] = to.length
  }
  return { first, to: Int32Array.from(to), weight: Float32Array.from(weight) }
}

function averaging({ width, data }: Picture, size: Box, columns: Spread, lines: Spread): Rows {
  const pixels = new Uint8ClampedArray(size.width * 4)
  /** One row of the source, brought to the width of the result; colours by what they cover. */
  const line = new Float32Array(width * 4)
  const sums = new Float32Array(width * 4)
  let summed = 0
  let y = 0
  const finish = () => {
    write(sums, data, summed * width * 4)
    sums.fill(0)
    summed += 1
  }
  return {
    pixels,
    next() {
      const end = lines.first[y + 1] ?? 0
      let at = lines.first[y] ?? 0
      y += 1
      if (at < end) narrow(pixels, line, columns, size.width)
      for (; at < end; at += 1) {
        while (summed < lines.to[at]!) finish()
        const weight = lines.weight[at]!
        for (let i = 0; i < line.length; i += 1) sums[i] = sums[i]! + line[i]! * weight
      }
      if (y === size.height) while (summed * width * 4 < data.length) finish()
    },
  }
}

/** What is transparent has no colour to give: each pixel counts as much as it covers. */
function narrow(
  pixels: Uint8ClampedArray,
  line: Float32Array,
  { first, to, weight }: Spread,
  width: number,
): void {
  line.fill(0)
  for (let x = 0, from = 0; x < width; x += 1, from += 4) {
    const end = first[x + 1]!
    for (let at = first[x]!; at < end; at += 1) {
      const cover = weight[at]! * pixels[from + 3]!
      const into = to[at]! * 4
      line[into] = line[into]! + cover * pixels[from]!
      line[into + 1] = line[into + 1]! + cover * pixels[from + 1]!
      line[into + 2] = line[into + 2]! + cover * pixels[from + 2]!
      line[into + 3] = line[into + 3]! + cover
    }
  }
}

function write(sums: Float32Array, data: Uint8ClampedArray, start: number): void {
  for (let i = 0; i < sums.length; i += 4) {
    const cover = sums[i + 3]!
    // What rounds to nothing has no colour.
    if (cover < 0.5) continue
    data[start + i] = sums[i]! / cover
    data[start + i + 1] = sums[i + 1]! / cover
    data[start + i + 2] = sums[i + 2]! / cover
    data[start + i + 3] = cover
  }
}

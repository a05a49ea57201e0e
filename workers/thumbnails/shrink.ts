/** Makes a picture smaller by a whole factor: what is left for the codec is small, whose own way takes twenty times the memory. */
import type { Cut } from '../../src/media/thumbnail-size.ts'
import type { Picture } from './picture.ts'

/** A finer filter makes the last step, from no more than this many times the size that is wanted. */
const LEFT = 2

/** A part of a picture, as a picture of its own, in which each pixel is the mean of a square of the source's. */
export function shrunk(picture: Picture, { source, target }: Cut): Picture {
  const ratio = Math.min(source.width / target.width, source.height / target.height)
  const factor = Math.max(1, Math.floor(ratio / LEFT))
  const width = Math.max(target.width, Math.floor(source.width / factor))
  const height = Math.max(target.height, Math.floor(source.height / factor))
  const data = new Uint8ClampedArray(width * height * 4)
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      mean(picture, source.x + x * factor, source.y + y * factor, factor, data, (y * width + x) * 4)
    }
  }
  return { width, height, data }
}

/** What is transparent has no colour to give: each pixel counts as much as it covers. */
function mean(
  { data, width }: Picture,
  left: number,
  top: number,
  side: number,
  out: Uint8ClampedArray,
  at: number,
): void {
  let [red, green, blue, cover] = [0, 0, 0, 0]
  for (let y = top; y < top + side; y += 1) {
    let from = (y * width + left) * 4
    for (let x = 0; x < side; x += 1, from += 4) {
      const alpha = data[from + 3] ?? 0
      red += (data[from] ?? 0) * alpha
      green += (data[from + 1] ?? 0) * alpha
      blue += (data[from + 2] ?? 0) * alpha
      cover += alpha
    }
  }
  if (cover === 0) return
  out[at] = red / cover
  out[at + 1] = green / cover
  out[at + 2] = blue / cover
  out[at + 3] = cover / (side * side)
}

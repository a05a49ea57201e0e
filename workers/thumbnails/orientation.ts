/** Turns a picture upright: EXIF's Orientation. */
import type { Picture } from './picture.ts'

/** By Orientation: whether rows become columns, and whether what then stands at the right or at the bottom comes first. */
const TURNS: Readonly<Record<number, { swap: boolean; fromRight: boolean; fromBottom: boolean }>> = {
  2: { swap: false, fromRight: true, fromBottom: false },
  3: { swap: false, fromRight: true, fromBottom: true },
  4: { swap: false, fromRight: false, fromBottom: true },
  5: { swap: true, fromRight: false, fromBottom: false },
  6: { swap: true, fromRight: false, fromBottom: true },
  7: { swap: true, fromRight: true, fromBottom: true },
  8: { swap: true, fromRight: true, fromBottom: false },
}

/** The picture as it is meant to be seen. */
export function upright(picture: Picture, orientation: number): Picture {
  const turn = TURNS[orientation]
  if (turn === undefined) return picture
  const { width, height } = picture
  const size = turn.swap ? { width: height, height: width } : { width, height }
  const from = new Uint32Array(picture.data.buffer)
  const to = new Uint32Array(from.length)
  for (let y = 0, at = 0; y < size.height; y += 1) {
    for (let x = 0; x < size.width; x += 1, at += 1) {
      // Where this pixel of the result stands in the source.
      let [column, row] = turn.swap ? [y, x] : [x, y]
      if (turn.fromRight) column = width - 1 - column
      if (turn.fromBottom) row = height - 1 - row
      to[at] = from[row * width + column]!
    }
  }
  return { ...size, data: new Uint8ClampedArray(to.buffer) }
}

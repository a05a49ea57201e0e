/** RGBA, four bytes a pixel, rows from the top. */
export interface Picture {
  width: number
  height: number
  data: Uint8ClampedArray<ArrayBuffer>
}

/** Takes a picture row by row, from the top: the decoder fills `pixels` and calls `next`. */
export interface Rows {
  /** RGBA of one row; the same memory each time. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>
  /** Hands in the next row. */
  next(): void
}

/** Opens the rows of a picture that a decoder has made this much smaller, on both sides, than it is in the file. */
export type OpenRows = (size: { width: number; height: number }) => Rows

/** Whether nothing shines through. */
export function isOpaque({ data }: Picture): boolean {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return false
  return true
}

/** Hands in all rows of a picture. */
export function handIn({ width, height, data }: Picture, open: OpenRows): void {
  const rows = open({ width, height })
  for (let y = 0; y < height; y += 1) {
    rows.pixels.set(data.subarray(y * width * 4, (y + 1) * width * 4))
    rows.next()
  }
}

/** A file that is not what it says it is, or is cut off. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable'
}

/** A picture that cannot be decoded in the memory there is. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge'
}

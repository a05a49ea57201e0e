/** The packed pixels of a GIF (GIF89a, appendix F). */
import { Unreadable } from '../picture.ts'

const MAX_CODES = 4096

/** Fills `pixels` with indices of colours; what the data do not reach stays 0. Answers how many they were. */
export function unpack(bytes: Uint8Array, at: number, pixels: Uint8Array): number {
  const firstBits = bytes[at] ?? 0
  if (firstBits < 1 || firstBits > 11) throw new Unreadable('codes of a size that is none')
  const clear = 1 << firstBits
  const [end, codes] = [clear + 1, codesOf(bytes, at + 1)]
  // A string of pixels is another one and a pixel after it.
  const before = new Uint16Array(MAX_CODES)
  const last = new Uint8Array(MAX_CODES)
  const length = new Uint16Array(MAX_CODES)
  for (let code = 0; code < clear; code += 1) {
    last[code] = code
    length[code] = 1
  }
  let [bits, next, previous, filled] = [firstBits + 1, end + 1, -1, 0]
  while (filled < pixels.length) {
    const code = codes(bits)
    if (code === -1 || code === end) break
    if (code === clear) {
      ;[bits, next, previous] = [firstBits + 1, end + 1, -1]
      continue
    }
    if (code > next || (code === next && previous === -1)) break
    // The string that is about to be made ends as it begins.
    const known = code === next ? previous : code
    const total = code === next ? length[previous]! + 1 : length[code]!
    let first = known
    let to = filled + length[known]! - 1
    for (let step = known, left = length[known]!; left > 0; left -= 1, to -= 1) {
      if (to < pixels.length) pixels[to] = last[step]!
      first = step
      step = before[step]!
    }
    if (code === next && filled + total - 1 < pixels.length) pixels[filled + total - 1] = last[first]!
    if (previous !== -1 && next < MAX_CODES) {
      before[next] = previous
      last[next] = last[first]!
      length[next] = length[previous]! + 1
      next += 1
      if (next === 1 << bits && bits < 12) bits += 1
    }
    previous = code
    filled += total
  }
  return Math.min(filled, pixels.length)
}

/** Reads codes of any size from the blocks; -1 at their end. */
function codesOf(bytes: Uint8Array, from: number): (bits: number) => number {
  let at = from
  let left = bytes[at] ?? 0
  let [value, held] = [0, 0]
  return (bits) => {
    while (held < bits) {
      if (left === 0) return -1
      at += 1
      if (at >= bytes.length) return -1
      value |= bytes[at]! << held
      held += 8
      left -= 1
      if (left > 0) continue
      at += 1
      left = bytes[at] ?? 0
    }
    const code = value & ((1 << bits) - 1)
    value >>>= bits
    held -= bits
    return code
  }
}

/** From coefficients to samples, in blocks of 8 × 8 or of 4, 2 or 1: the cosine transform is smaller by itself (T.81 §A.3.3). */

export type Side = 1 | 2 | 4 | 8

/**
 * Turns the coefficients of a block into samples.
 * @param steps of the quantisation, as the coefficients are kept: row by row, `side` of each
 */
export type Transform = (
  kept: Int16Array,
  at: number,
  steps: Float32Array,
  samples: Uint8ClampedArray,
  into: number,
  stride: number,
) => void

export function transform(side: Side): Transform {
  const cosines = cosinesOf(side)
  const half = new Float32Array(side * side)
  return (kept, at, steps, samples, into, stride) => {
    half.fill(0)
    for (let row = 0, from = 0; row < side; row += 1) {
      for (let column = 0; column < side; column += 1, from += 1) {
        const coefficient = kept[at + from]!
        // Most of them.
        if (coefficient === 0) continue
        const value = coefficient * steps[from]!
        for (let y = 0, place = column; y < side; y += 1, place += side) {
          half[place] = half[place]! + cosines[y * side + row]! * value
        }
      }
    }
    for (let y = 0; y < side; y += 1) {
      for (let x = 0; x < side; x += 1) {
        let sum = 128
        for (let column = 0; column < side; column += 1) {
          sum += cosines[x * side + column]! * half[y * side + column]!
        }
        samples[into + y * stride + x] = sum
      }
    }
  }
}

/** By place and frequency. */
function cosinesOf(side: number): Float32Array {
  return Float32Array.from({ length: side * side }, (_, i) => {
    const [place, frequency] = [Math.floor(i / side), i % side]
    const scale = frequency === 0 ? Math.SQRT1_2 : 1
    return 0.5 * scale * Math.cos(((2 * place + 1) * frequency * Math.PI) / (2 * side))
  })
}

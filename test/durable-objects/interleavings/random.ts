/** Choices from a seed, so that a failing run can be asked for again. */

export interface Choices {
  /** In [0, 1). */
  next(): number
  chance(probability: number): boolean
  below(n: number): number
  pick<T>(list: readonly T[]): T
}

/** A small generator (mulberry32): the same seed makes the same choices. */
export function choicesFrom(seed: number): Choices {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number) => Math.floor(next() * n)
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick: (list) => list[below(list.length)]!,
  }
}

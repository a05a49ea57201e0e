/** Long lists in pieces that are asked together. */

/** The list in pieces of at most `size`, in its order. */
export function slicesOf<T>(all: readonly T[], size: number): T[][] {
  const slices: T[][] = []
  for (let start = 0; start < all.length; start += size) slices.push(all.slice(start, start + size))
  return slices
}

/** Pieces of `size`, or larger ones where there would be more than `most` of them. */
export function slicesWithin<T>(all: readonly T[], size: number, most: number): T[][] {
  return slicesOf(all, Math.max(size, Math.ceil(all.length / most)))
}

/** How the wakes of many are parted: a request and all that it sets off may call few Workers. */
import { slicesOf } from '../../../src/slices.ts'

const SLICE = 50
/** Of the 32 Workers that a request may call, those for wakes; of more people the slices are larger. */
const MOST_SLICES = 24
/** So many are called by one Worker at most. */
export const LARGEST_SLICE = 400

/** Where a subscriber stands. */
export interface Place {
  acked: number
  /** The position of the newest thing that is news for this one alone. */
  own: number
}

/** Subscribers in one place, by what each of them is told: those with news of their own must ask for it. */
export function inPlaces<S extends Place>(behind: readonly S[]): S[][] {
  return [...Map.groupBy(behind, ({ own, acked }) => `${own > acked} ${acked}`).values()]
}

/** Slices of one place each, those of the largest places first; `rest`: for the others there are too few Workers. */
export function wakeSlices<S extends Place>(behind: readonly S[]): { slices: S[][]; rest: boolean } {
  // Half of the slices are for the shorter last ones of their places.
  const size = Math.min(LARGEST_SLICE, Math.max(SLICE, Math.ceil(behind.length / (MOST_SLICES / 2))))
  const slices = inPlaces(behind)
    .toSorted((a, b) => b.length - a.length)
    .flatMap((place) => slicesOf(place, size))
  return { slices: slices.slice(0, MOST_SLICES), rest: slices.length > MOST_SLICES }
}

/** Many users asked at once: from here, or in slices through stateless Workers, of which a request may call few. */
import { MatrixError } from '../src/protocol/errors.ts'
import { slicesWithin } from '../src/slices.ts'

/** Up to this many users are asked from here; each may cost two calls, of which an invocation has a few hundred. */
const ASKED_AT_ONCE = 50
/** A request and all that it sets off may call few Workers: of more users the slices are larger. */
const MOST_SLICES = 24
const LARGEST_SLICE = 240
/** The same beside the groups of Rooms that a sync asks for. */
export const SLICES_OF_A_SYNC = 8

export interface Ways<Q, A> {
  here(some: readonly Q[]): Promise<A[]>
  there(slice: Q[]): Promise<A[]>
  /** The most slices. */
  most?: number
}

/**
 * Answers in the order of the questions: asked here, if they are few, or in slices through stateless Workers.
 * @param isSlice this is a slice already, which asks everybody itself
 * @throws MatrixError M_TOO_LARGE
 */
export async function inSlices<Q, A>(
  all: readonly Q[],
  { here, there, most = MOST_SLICES }: Ways<Q, A>,
  { isSlice }: { isSlice?: boolean },
): Promise<A[]> {
  if (isSlice || all.length <= ASKED_AT_ONCE) return here(all)
  const limit = most * LARGEST_SLICE
  if (all.length > limit) {
    throw new MatrixError('M_TOO_LARGE', `Too many users at once: name at most ${limit} in one request`)
  }
  return (await Promise.all(slicesWithin(all, ASKED_AT_ONCE, most).map(there))).flat()
}

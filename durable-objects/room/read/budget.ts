/** What one answer of a Room holds at most: a call between objects carries 32 MiB, and an isolate has 128 MB for many. */

/** Characters of JSON in one part of an answer: a page of events, a slice of the state. */
export const PART_LENGTH = 2_000_000
/** The same in what a room adds to a sync, where many rooms come together. */
export const SYNC_PART_LENGTH = 1_000_000

/**
 * An event takes at most this many times its own JSON in an answer: what it replaced, its edit, its thread's newest
 * reply.
 */
const GROWTH = 6

/** How many characters are left for a part. Its first piece always fits, so that each further request makes progress. */
export class Budget {
  #left: number
  #used = false

  constructor(length = PART_LENGTH) {
    this.#left = length
  }

  /** Whether a piece of this length still fits; it is counted. */
  takes(length: number): boolean {
    const fits = !this.#used || length <= this.#left
    this.#used = true
    this.#left -= length
    return fits
  }
}

/**
 * Makes what an answer shows of `rows`, one after another, as far as the budget goes. Nothing is measured where the
 * rows themselves say that it fits.
 */
export function shownWithin<Row extends { pdu: string }, Shown>(
  rows: readonly Row[],
  show: (row: Row) => Shown,
  length = PART_LENGTH,
): Shown[] {
  const stored = rows.reduce((sum, { pdu }) => sum + pdu.length, 0)
  if (stored * GROWTH <= length) return rows.map(show)
  const budget = new Budget(length)
  const shown: Shown[] = []
  for (const row of rows) {
    const one = show(row)
    if (!budget.takes(JSON.stringify(one).length)) break
    shown.push(one)
  }
  return shown
}

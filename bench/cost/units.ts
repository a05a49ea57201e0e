/** What one run of an operation uses, as the test counted it, and how that grows with the people it reaches. */

/** What the server counts. */
export const COUNTED = [
  'requests',
  'refusals',
  'lines',
  'objectRequests',
  'alarms',
  'rowsRead',
  'rowsWritten',
  'redisCommands',
  'heldMs',
  'r2Writes',
  'r2Reads',
] as const

/**
 * `requests`: of clients; `refusals`: those of them that failed, whose lines in the log are never left out; `lines`:
 * all other lines in the log; `heldMs`: how long timers kept objects awake.
 */
export type Counted = Record<(typeof COUNTED)[number], number>

/** Of an operation that reaches `n` people or rooms: `base + n * each`. */
export interface Measured {
  base: Counted
  each: Counted
}

export const NOTHING: Counted = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Counted

export function combined(a: Counted, b: Counted, factor = 1): Counted {
  return Object.fromEntries(COUNTED.map((name) => [name, a[name] + factor * b[name]])) as Counted
}

export function scaled(a: Counted, factor: number): Counted {
  return combined(NOTHING, a, factor)
}

/** The line through two measurements; what would fall with more people is noise, and counts as not growing. */
export function lineThrough(few: { n: number; cost: Counted }, many: { n: number; cost: Counted }): Measured {
  const slope = scaled(combined(many.cost, few.cost, -1), 1 / (many.n - few.n))
  const each = Object.fromEntries(COUNTED.map((name) => [name, Math.max(0, slope[name])])) as Counted
  return { base: combined(few.cost, each, -few.n), each }
}

/** What it costs for `n`. */
export function costFor({ base, each }: Measured, n: number): Counted {
  return combined(base, each, n)
}

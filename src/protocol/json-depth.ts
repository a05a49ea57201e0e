/** How deep a parsed value is nested: code that walks it could exhaust its stack. */

/** Deeper values are of no use to anybody. */
export const MAX_DEPTH = 200

/** @param text of which the value was made: a nesting of n needs at least 2n characters, so short ones are not walked */
export function isTooDeep(value: unknown, text: string): boolean {
  return text.length > 2 * MAX_DEPTH && isDeeperThan(value, MAX_DEPTH)
}

/** Walks level by level, so that the walk itself needs no stack. */
function isDeeperThan(value: unknown, limit: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limit) return true
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
  }
  return false
}

/** Counters of what costs money, by operation: requests to Postgres and Redis, RPCs, rows written. */
import type { CallCounters } from './ports/system.ts'

/** Fresh counters, all at zero. `heard` is told of each count. */
export function countCalls(heard?: (name: string, n: number) => void): CallCounters {
  const counts = new Map<string, number>()
  return {
    count(name, n = 1) {
      counts.set(name, (counts.get(name) ?? 0) + n)
      heard?.(name, n)
    },
    snapshot: () => Object.fromEntries(counts),
  }
}

/** The slowest calls to each store in the last hour: a few, in memory. */
import type { SlowCall, SlowCalls, Store } from '../ports/metrics.ts'
import type { Clock } from '../ports/system.ts'

const KEPT = 20
const KEPT_MS = 3_600_000
const LONGEST_TEXT = 300

export function rememberSlowCalls(clock: Clock): SlowCalls {
  const byStore: Record<Store, SlowCall[]> = { postgres: [], redis: [] }
  const lately = (store: Store) => byStore[store].filter(({ at }) => clock.now() - at < KEPT_MS)
  return {
    note(store, call) {
      const calls = byStore[store]
      const least = calls.at(-1)
      if (
        calls.length === KEPT &&
        least !== undefined &&
        call.ms <= least.ms &&
        clock.now() - least.at < KEPT_MS
      )
        return
      const what = call.what.replace(/\s+/g, ' ').trim().slice(0, LONGEST_TEXT)
      byStore[store] = [...lately(store), { ...call, what }].sort((a, b) => b.ms - a.ms).slice(0, KEPT)
    },
    slowest: lately,
  }
}

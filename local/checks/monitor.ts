/** Repeats checks for a while, and sums up how each has done. */
import type { Check, Result, Visit } from './check.ts'
import { runChecks } from './engine.ts'
import { pause } from './outcome.ts'

export interface Watching {
  everyMs: number
  forMs: number
  signal: AbortSignal
  /** Told after each round. */
  tell: (round: number, results: Result[]) => void
}

/** The last result of each check, with how long it took in each round; failed if it has failed in any. */
export async function watch(
  checks: readonly Check[],
  visit: Visit,
  { everyMs, forMs, signal, tell }: Watching,
): Promise<Result[]> {
  const rounds: Result[][] = []
  for (const end = Date.now() + forMs; ; ) {
    const started = Date.now()
    const results = await runChecks(checks, visit, { signal })
    rounds.push(results)
    tell(rounds.length, results)
    const next = started + everyMs
    if (next >= end || signal.aborted) break
    await untilOrStopped(Math.max(0, next - Date.now()), signal)
  }
  return summed(rounds)
}

function untilOrStopped(ms: number, signal: AbortSignal): Promise<void> {
  return Promise.race([
    pause(ms),
    new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
  ])
}

function summed(rounds: Result[][]): Result[] {
  return (rounds[0] ?? []).map(({ group, name }) => {
    const all = rounds.flatMap((round) => round.filter((result) => result.name === name))
    const failures = all.filter(({ state }) => state === 'failed')
    const values = all.map(({ ms }) => ms)
    const worst = failures.at(-1) ?? all.at(-1)!
    const sorted = values.toSorted((a, b) => a - b)
    const note =
      failures.length > 0
        ? `${failures.length} of ${all.length} rounds failed, the last with: ${worst.note}`
        : `${all.length} rounds, median ${Math.round(sorted[Math.floor(sorted.length / 2)]!)} ms${worst.note === undefined ? '' : `; ${worst.note}`}`
    return { group, name, state: worst.state, ms: worst.ms, note, series: [{ name, unit: 'ms', values }] }
  })
}

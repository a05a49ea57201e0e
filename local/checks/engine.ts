/** Runs checks one after the other, each by name with its time, and cleans up after them whatever has failed. */
import { performance } from 'node:perf_hooks'
import { messageOf } from '../start-error.ts'
import type { Check, Finding, Result, Visit } from './check.ts'
import { asker } from './http.ts'
import { Failed, Skipped } from './outcome.ts'

const LIMIT_MS = 30_000

export interface Running {
  /** Told of each result as it comes. */
  tell?: (result: Result) => void
  /** Ends the checks early; what was made is cleaned up all the same. */
  signal?: AbortSignal
}

/** Runs `checks`, then cleans up what they have made. */
export async function runChecks(
  checks: readonly Check[],
  visit: Visit,
  { tell = () => {}, signal }: Running = {},
): Promise<Result[]> {
  const results: Result[] = []
  const run = async (check: Check) => {
    const result = await resultOf(check, visit)
    results.push(result)
    tell(result)
  }
  for (const check of checks) {
    if (signal?.aborted) break
    await run(check)
  }
  // The newest thing is removed first. A clean-up may add clean-ups of its own.
  for (let step = visit.cleanUps.pop(); step !== undefined; step = visit.cleanUps.pop()) {
    await run({ ...step, group: 'clean-up' })
  }
  return results
}

async function resultOf({ group, name, limitMs = LIMIT_MS, run }: Check, visit: Visit): Promise<Result> {
  const started = performance.now()
  const done = (state: Result['state'], finding: Finding = {}): Result => ({
    group,
    name,
    state,
    ms: Math.round((performance.now() - started) * 10) / 10,
    ...finding,
  })
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(), limitMs)
  try {
    return done('passed', (await run(visit, asker(visit.url, over.signal))) ?? {})
  } catch (error) {
    if (error instanceof Skipped) return done('skipped', { note: error.message })
    if (over.signal.aborted) return done('failed', { note: `no end within ${limitMs / 1000} s` })
    return done('failed', { note: error instanceof Failed ? error.message : messageOf(error) })
  } finally {
    clearTimeout(timer)
  }
}

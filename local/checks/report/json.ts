/** The report as JSON: everything that was found, for other programs. */
import type { Result } from '../check.ts'
import { msOf } from './terminal.ts'

export interface Report {
  url: string
  /** Which plan it was. */
  plan: string
  started_ts: number
  /** Of all checks together. */
  ms: number
  passed: number
  failed: number
  skipped: number
  checks: readonly Result[]
}

export function reportOf(url: string, plan: string, started: number, results: readonly Result[]): Report {
  const count = (state: Result['state']) => results.filter((result) => result.state === state).length
  return {
    url,
    plan,
    started_ts: started,
    ms: msOf(results),
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    checks: results,
  }
}

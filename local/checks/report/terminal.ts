/** The report as lines of a terminal. */
import type { Result } from '../check.ts'

const SIGNS: Record<Result['state'], string> = { passed: 'ok  ', failed: 'FAIL', skipped: 'skip' }

/** One check: its state, its time, its name, and what it has to say. */
export function lineOf({ state, ms, name, note }: Result): string {
  const line = `${SIGNS[state]}  ${String(Math.round(ms)).padStart(6)} ms  ${name}`
  if (note === undefined) return line
  return state === 'passed' ? `${line} (${note})` : `${line}: ${note}`
}

/** The last line, which counts. */
export function sumOf(results: readonly Result[]): string {
  const count = (state: Result['state']) => results.filter((result) => result.state === state).length
  return `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped, in ${(msOf(results) / 1000).toFixed(1)} s`
}

/** What all checks took together. */
export function msOf(results: readonly Result[]): number {
  return results.reduce((sum, { ms }) => sum + ms, 0)
}

export function hasFailed(results: readonly Result[]): boolean {
  return results.some(({ state }) => state === 'failed')
}

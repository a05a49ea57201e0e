/** Appendices §Glob-style matching: `*` for any run of characters, `?` for one. */
import { MatchWork } from './match-work.ts'

/**
 * Whether the whole text matches, as far as the work allows: at worst it is the product of both lengths, and patterns
 * come from clients.
 */
export function matchesGlob(pattern: string, text: string, work = new MatchWork()): boolean {
  let p = 0
  let t = 0
  /** Where to go on when what followed the last `*` did not fit. */
  let star = -1
  let resume = 0
  while (t < text.length) {
    if (!work.step()) return false
    const wanted = pattern[p]
    if (wanted === '*') {
      star = p
      resume = t
      p += 1
    } else if (wanted === '?' || (wanted !== undefined && wanted === text[t])) {
      p += 1
      t += 1
    } else if (star !== -1) {
      resume += 1
      p = star + 1
      t = resume
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p += 1
  return p === pattern.length
}

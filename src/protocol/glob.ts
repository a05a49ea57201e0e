/** Appendices §Glob-style matching: `*` for any run of characters, `?` for one. */

/** Whether the whole text matches. Linear but for the product of both lengths, since patterns come from clients. */
export function matchesGlob(pattern: string, text: string): boolean {
  let p = 0
  let t = 0
  /** Where to go on when what followed the last `*` did not fit. */
  let star = -1
  let resume = 0
  while (t < text.length) {
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

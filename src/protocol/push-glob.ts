/** Client-Server API §`event_match`: globs, against a whole value or between word boundaries. */

const WORD = /[A-Za-z0-9_]/

/** Whether the whole of `text` matches: `*` stands for any characters, `?` for one. Letter case is no matter. */
export function matchesWhole(pattern: string, text: string): boolean {
  const value = text.toLowerCase()
  return matches(
    pattern.toLowerCase(),
    value,
    (at) => at === 0,
    (at) => at === value.length,
  )
}

/** "Surrounded by word boundaries": a part of `text` matches that begins and ends beside no letter, digit or `_`. */
export function matchesWords(pattern: string, text: string): boolean {
  if (pattern === '') return false
  const value = text.toLowerCase()
  const isBoundary = (at: number) =>
    at === 0 || at === value.length || !isWord(value, at - 1) || !isWord(value, at)
  return matches(pattern.toLowerCase(), value, isBoundary, isBoundary)
}

function isWord(text: string, at: number): boolean {
  return WORD.test(text[at] ?? '')
}

/**
 * The earliest place for each piece between stars is always as good as a later one, so there is no going back:
 * patterns come from clients, and a room must not hang on one.
 */
function matches(
  pattern: string,
  text: string,
  mayStart: (at: number) => boolean,
  mayEnd: (at: number) => boolean,
): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return find(first, text, 0, mayStart, mayEnd) !== undefined
  let at = first === '' ? 0 : find(first, text, 0, mayStart, always)
  for (const piece of rest) at = at === undefined ? undefined : find(piece, text, at, always, always)
  if (at === undefined) return false
  return last === '' || find(last, text, at, always, mayEnd) !== undefined
}

const always = () => true

/** The end of the earliest occurrence of a piece at or after `from`. */
function find(
  piece: string,
  text: string,
  from: number,
  mayStart: (at: number) => boolean,
  mayEnd: (at: number) => boolean,
): number | undefined {
  for (let at = from; at <= text.length; at += 1) {
    if (!mayStart(at)) continue
    const end = endOfPiece(piece, text, at)
    if (end !== undefined && mayEnd(end)) return end
  }
  return undefined
}

/** Where a piece that begins at `at` ends, if it stands there. */
function endOfPiece(piece: string, text: string, at: number): number | undefined {
  if (!piece.includes('?')) return text.startsWith(piece, at) ? at + piece.length : undefined
  let end = at
  for (const wanted of piece) {
    const found = text.codePointAt(end)
    if (found === undefined) return undefined
    const character = String.fromCodePoint(found)
    if (wanted !== '?' && wanted !== character) return undefined
    end += character.length
  }
  return end
}

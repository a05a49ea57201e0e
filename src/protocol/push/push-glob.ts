/** Client-Server API §`event_match`: patterns of push rules, against a whole value or between word boundaries. */
import type { MatchWork } from '../matching/match-work.ts'
import { isInWord, type PushText, wordsOf } from './push-text.ts'

/** A longer pattern finds nothing; no client can store one. */
export const MAX_PATTERN_BYTES = 1_024

/** Code units, or whole characters where `?` must stand for one of them. */
type Text = string | readonly string[]

type Bound = (at: number) => boolean
const anywhere: Bound = () => true

const utf8 = new TextEncoder()
/** Of a code unit in UTF-8: four are for two units. */
const MOST_BYTES_OF_A_UNIT = 3

export function isPatternTooLong(pattern: string): boolean {
  const { length } = pattern
  // Nearly all are so short that their bytes need no counting.
  if (length * MOST_BYTES_OF_A_UNIT <= MAX_PATTERN_BYTES) return false
  return length > MAX_PATTERN_BYTES || utf8.encode(pattern).length > MAX_PATTERN_BYTES
}

/** A text to be found between word boundaries as it is written: a keyword, or a name with a star in it. */
export class PushLiteral {
  readonly #wanted: string
  /** "Surrounded by word boundaries": each word of the pattern is a whole word of the text. */
  readonly #words: readonly string[]

  constructor(wanted: string) {
    this.#wanted = isPatternTooLong(wanted) ? '' : wanted.toLowerCase()
    this.#words = wordsOf(this.#wanted)
  }

  standsIn(text: PushText, work: MatchWork): boolean {
    const wanted = this.#wanted
    if (wanted === '' || !work.step(this.#words.length)) return false
    if (!this.#words.every((word) => text.words.has(word))) return false
    if (this.#words[0] === wanted) return true
    return find(wanted, { text: text.lower, from: 0, ...between(text.lower) }, work) !== undefined
  }
}

/** A pattern in which `*` stands for any characters and `?` for one. Letter case is no matter. */
export class PushGlob {
  readonly #literal: PushLiteral | undefined
  /** Absent: too long, and so found nowhere. */
  readonly #pattern: string | undefined
  /** Whether `?` makes whole characters count. */
  readonly #counts: boolean
  /** What stands between the stars. */
  readonly #pieces: readonly Text[]

  constructor(pattern: string) {
    const lower = pattern.toLowerCase()
    this.#pattern = isPatternTooLong(pattern) ? undefined : lower
    this.#literal = /[*?]/.test(pattern) ? undefined : new PushLiteral(pattern)
    this.#counts = pattern.includes('?')
    const pieces = lower.split('*')
    this.#pieces = this.#counts ? pieces.map((piece) => [...piece]) : pieces
  }

  /** Whether the whole of the text matches. */
  matchesWhole(value: PushText, work: MatchWork): boolean {
    if (this.#pattern === undefined) return false
    if (this.#literal !== undefined) return value.lower === this.#pattern
    if (!work.step()) return false
    const text = this.#textOf(value)
    const [first = '', ...rest] = this.#pieces
    if (indexOf(first, text, 0, work) !== 0) return false
    const last = rest.pop()
    if (last === undefined) return text.length === first.length
    const at = findAll(rest, text, first.length, work)
    const end = text.length - last.length
    return at !== undefined && end >= at && indexOf(last, text, end, work) === end
  }

  /** "Surrounded by word boundaries": whether a part of the text matches that begins and ends at one. */
  matchesWords(value: PushText, work: MatchWork): boolean {
    if (this.#pattern === undefined || this.#pattern === '') return false
    if (this.#literal !== undefined) return this.#literal.standsIn(value, work)
    const text = this.#textOf(value)
    const { mayStart, mayEnd } = between(text)
    const [first = '', ...rest] = this.#pieces
    const last = rest.pop()
    if (last === undefined) return find(first, { text, from: 0, mayStart, mayEnd }, work) !== undefined
    const begun = first.length === 0 ? 0 : find(first, { text, from: 0, mayStart, mayEnd: anywhere }, work)
    const at = begun === undefined ? undefined : findAll(rest, text, begun, work)
    if (at === undefined) return false
    return last.length === 0 || find(last, { text, from: at, mayStart: anywhere, mayEnd }, work) !== undefined
  }

  #textOf(value: PushText): Text {
    return this.#counts ? value.points : value.lower
  }
}

function between(text: Text): { mayStart: Bound; mayEnd: Bound } {
  const isBoundary: Bound = (at) =>
    at === 0 || at === text.length || !isInWord(text[at - 1]) || !isInWord(text[at])
  return { mayStart: isBoundary, mayEnd: isBoundary }
}

/** The end of the pieces, one after the other: the earliest place for each is as good as a later one. */
function findAll(pieces: readonly Text[], text: Text, from: number, work: MatchWork): number | undefined {
  let at = from
  for (const piece of pieces) {
    const found = indexOf(piece, text, at, work)
    if (found === -1) return undefined
    at = found + piece.length
  }
  return at
}

/** The end of the earliest occurrence of a piece that begins and ends where it may. */
function find(
  piece: Text,
  { text, from, mayStart, mayEnd }: { text: Text; from: number; mayStart: Bound; mayEnd: Bound },
  work: MatchWork,
): number | undefined {
  for (let at = indexOf(piece, text, from, work); at !== -1; at = indexOf(piece, text, at + 1, work)) {
    const end = at + piece.length
    if (mayStart(at) && mayEnd(end)) return end
  }
  return undefined
}

/** The earliest occurrence of a piece at or after `from`; -1 if there is none, or if no work is left to find it. */
function indexOf(piece: Text, text: Text, from: number, work: MatchWork): number {
  if (work.isOver || from + piece.length > text.length) return -1
  if (typeof text !== 'string') return indexOfCharacters(piece as readonly string[], text, from, work)
  const found = text.indexOf(piece as string, from)
  return work.search((found === -1 ? text.length : found) - from + piece.length) ? found : -1
}

/** The places of the piece's first character that is no `?` come by native search; the rest is compared there. */
function indexOfCharacters(
  piece: readonly string[],
  text: readonly string[],
  from: number,
  work: MatchWork,
): number {
  const anchor = piece.findIndex((character) => character !== '?')
  if (anchor === -1) return from
  const wanted = piece[anchor] as string
  const next = (at: number) => text.indexOf(wanted, at + anchor)
  for (let found = next(from); found !== -1; found = next(found - anchor + 1)) {
    const at = found - anchor
    if (at + piece.length > text.length) return -1
    const differs = piece.findIndex((character, i) => character !== '?' && character !== text[at + i])
    if (!work.step(differs === -1 ? piece.length : differs)) return -1
    if (differs === -1) return at
  }
  work.search(text.length - from)
  return -1
}

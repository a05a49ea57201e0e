/**
 * Cuts a JSON text into the texts of its parts. An answer with a room's whole state is too large to be parsed at once, and
 * each event is checked by its own text.
 */
import { MatrixError } from '../errors.ts'

/** The texts of an object's values, by their keys; of a key that stands twice the last one. @throws MatrixError M_NOT_JSON */
export function membersOf(text: string): Map<string, string> {
  const cutter = new Cutter(text)
  const members = new Map<string, string>()
  for (const key of cutter.parts('{', '}', { most: MOST_MEMBERS })) {
    members.set(keyOf(key), cutter.valueOfKey())
  }
  return members
}

/** The texts of a list's values. @throws MatrixError M_NOT_JSON; M_TOO_LARGE above `most` */
export function elementsOf(text: string, most: number): string[] {
  return [...new Cutter(text).parts('[', ']', { most })]
}

/** Beside what an answer is defined to have. */
const MOST_MEMBERS = 1_000

const QUOTE = 34
const BACKSLASH = 92
const OPENING: ReadonlySet<number> = new Set(['{', '['].map((char) => char.charCodeAt(0)))
const CLOSING: ReadonlySet<number> = new Set(['}', ']'].map((char) => char.charCodeAt(0)))
const SPACES: ReadonlySet<number> = new Set([' ', '\t', '\n', '\r'].map((char) => char.charCodeAt(0)))
/** What ends a number or a literal. */
const COMMA = 44
const COLON = 58

/** Finds where values end. What stands within them is for their readers to judge. */
class Cutter {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The values between the brackets of the whole text; of an object the keys, each to be followed by `valueOfKey`. */
  *parts(opening: string, closing: string, { most }: { most: number }): Generator<string> {
    this.#require(opening)
    let count = 0
    this.#skipSpace()
    if (!this.#take(closing)) {
      do {
        count += 1
        if (count > most)
          throw new MatrixError('M_TOO_LARGE', `There must be at most ${most} values in a list`)
        yield this.#value()
      } while (this.#take(','))
      this.#require(closing)
    }
    this.#skipSpace()
    if (this.#at !== this.#text.length) throw notJson()
  }

  valueOfKey(): string {
    this.#require(':')
    return this.#value()
  }

  #value(): string {
    this.#skipSpace()
    const from = this.#at
    const first = this.#text.charCodeAt(from)
    if (first === QUOTE) this.#skipString()
    else if (OPENING.has(first)) this.#skipNested()
    else this.#skipScalar()
    if (this.#at === from) throw notJson()
    return this.#text.slice(from, this.#at)
  }

  #skipNested(): void {
    let depth = 0
    while (this.#at < this.#text.length) {
      const char = this.#text.charCodeAt(this.#at)
      if (char === QUOTE) {
        this.#skipString()
        continue
      }
      this.#at += 1
      if (OPENING.has(char)) depth += 1
      else if (CLOSING.has(char)) depth -= 1
      if (depth === 0) return
    }
    throw notJson()
  }

  #skipString(): void {
    let end = this.#at
    do {
      end = this.#text.indexOf('"', end + 1)
      if (end === -1) throw notJson()
    } while (this.#isEscaped(end))
    this.#at = end + 1
  }

  /** An odd number of backslashes stands before it. */
  #isEscaped(at: number): boolean {
    let from = at
    while (this.#text.charCodeAt(from - 1) === BACKSLASH) from -= 1
    return (at - from) % 2 === 1
  }

  #skipScalar(): void {
    while (this.#at < this.#text.length) {
      const char = this.#text.charCodeAt(this.#at)
      if (char === COMMA || char === COLON || CLOSING.has(char) || SPACES.has(char)) return
      this.#at += 1
    }
  }

  #skipSpace(): void {
    while (SPACES.has(this.#text.charCodeAt(this.#at))) this.#at += 1
  }

  #take(char: string): boolean {
    this.#skipSpace()
    if (this.#text[this.#at] !== char) return false
    this.#at += 1
    return true
  }

  #require(char: string): void {
    if (!this.#take(char)) throw notJson()
  }
}

function keyOf(text: string): string {
  try {
    const key: unknown = JSON.parse(text)
    if (typeof key === 'string') return key
  } catch {
    // Below.
  }
  throw notJson()
}

const notJson = () => new MatrixError('M_NOT_JSON', 'Not JSON')

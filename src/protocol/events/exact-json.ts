/**
 * Reads JSON without losing a number: events of room versions below 6 may hold floats and large integers, and their
 * hashes cover them as they were written.
 */
import { MatrixError } from '../errors.ts'
import { ExactNumber, type JsonObject, type JsonValue, MAX_NESTING } from './canonical-json.ts'

const SPACE = /[ \t\n\r]*/y
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/sy
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const LITERAL = /true|false|null/y

const LITERALS: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ['true', true],
  ['false', false],
  ['null', null],
])

/** Servers on CPython refuse integers of more digits, and nearly all rooms have one. */
const MAX_DIGITS = 4_300

/**
 * The value of a text, as `JSON.parse` has it, but with an `ExactNumber` for each number that canonical JSON must write
 * otherwise than JavaScript does. Only for hashing and signing: read the value of `JSON.parse`.
 *
 * @throws MatrixError M_NOT_JSON where the text is not JSON; M_BAD_JSON where it is nested too deeply, or has a number
 *   beyond doubles
 */
export function parseExactJson(text: string): JsonValue {
  const plain = plainValue(text)
  if (plain !== undefined) return plain
  const parser = new Parser(text)
  const value = parser.value(0)
  if (!parser.isAtEnd()) throw notJson()
  return value
}

/** The strings of a text that is JSON. In other texts the search would take time without bound. */
const STRINGS = /"[^"\\]*(?:\\.[^"\\]*)*"/g
/** Numbers that doubles may not hold, or that are written otherwise than JavaScript does. */
const OTHER_NUMBERS = /\d[.eE]|\d{16}|-0/

/** The value of a text from which `JSON.parse` loses nothing, as from most events; undefined: it may lose something. */
function plainValue(text: string): JsonValue | undefined {
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
  const bare = text.replace(STRINGS, '')
  // Each level takes a character at least.
  return bare.length <= MAX_NESTING && !OTHER_NUMBERS.test(bare) ? value : undefined
}

class Parser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  isAtEnd(): boolean {
    this.#read(SPACE)
    return this.#at === this.#text.length
  }

  value(depth: number): JsonValue {
    if (depth > MAX_NESTING) throw new MatrixError('M_BAD_JSON', 'JSON is nested too deeply')
    this.#read(SPACE)
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth)
      case '[':
        return this.#array(depth)
      case '"':
        return this.#string()
      default:
        return this.#scalar()
    }
  }

  #object(depth: number): JsonObject {
    const members: [string, JsonValue][] = []
    this.#at++
    if (this.#take('}')) return {}
    do {
      this.#read(SPACE)
      const key = this.#string()
      if (!this.#take(':')) throw notJson()
      members.push([key, this.value(depth + 1)])
    } while (this.#take(','))
    if (!this.#take('}')) throw notJson()
    // Of a key that stands twice the last one counts, as by JSON.parse; `__proto__` stays a key.
    return Object.fromEntries(members)
  }

  #array(depth: number): JsonValue[] {
    const items: JsonValue[] = []
    this.#at++
    if (this.#take(']')) return items
    do items.push(this.value(depth + 1))
    while (this.#take(','))
    if (!this.#take(']')) throw notJson()
    return items
  }

  #string(): string {
    const quoted = this.#read(STRING)
    if (quoted === '') throw notJson()
    try {
      return JSON.parse(quoted) as string
    } catch {
      throw notJson()
    }
  }

  #scalar(): JsonValue {
    const literal = LITERALS.get(this.#read(LITERAL))
    if (literal !== undefined) return literal
    const number = this.#read(NUMBER)
    if (number === '') throw notJson()
    const canonical = canonicalNumber(number)
    const double = Number(number)
    if (canonical === String(double)) return double
    return new ExactNumber(canonical) as unknown as JsonValue
  }

  /** Takes a character, with the space around it. */
  #take(character: string): boolean {
    this.#read(SPACE)
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #read(sticky: RegExp): string {
    sticky.lastIndex = this.#at
    const [found = ''] = sticky.exec(this.#text) ?? []
    this.#at += found.length
    return found
  }
}

/**
 * A number as Synapse writes it: an integer with all its digits, a float as Python does. The specification leaves open
 * how floats are written, and nearly every event that has one was made by Synapse.
 */
function canonicalNumber(text: string): string {
  if (!/[.eE]/.test(text)) {
    if (text.replace('-', '').length > MAX_DIGITS)
      throw new MatrixError('M_BAD_JSON', 'A number has too many digits')
    return text === '-0' ? '0' : text
  }
  const value = Number(text)
  if (!Number.isFinite(value)) throw new MatrixError('M_BAD_JSON', 'Numbers must fit in 64 bits')
  return floatText(value)
}

/** Below 10^-4 and from 10^16 on with an exponent of at least two digits, else with a point. */
function floatText(value: number): string {
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const [digits = '', exponentText = '0'] = Math.abs(value).toExponential().split('e')
  const exponent = Number(exponentText)
  if (value !== 0 && (exponent < -4 || exponent >= 16)) {
    const size = String(Math.abs(exponent)).padStart(2, '0')
    return `${sign}${digits}e${exponent < 0 ? '-' : '+'}${size}`
  }
  const plain = digits.replace('.', '')
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${plain}`
  const whole = plain.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${sign}${whole}.${plain.slice(exponent + 1) || '0'}`
}

function notJson(): MatrixError {
  return new MatrixError('M_NOT_JSON', 'The text is not valid JSON')
}

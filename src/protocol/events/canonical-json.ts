/** Canonical JSON: the one encoding of a value that hashes and signatures cover. Appendices §Canonical JSON. */
import { MatrixError } from '../errors.ts'

/**
 * A number of an old room version that a double does not keep as it was written. It stands in for a `JsonValue` in the
 * values of `parseExactJson` alone, which are hashed and signed and not read.
 */
export class ExactNumber {
  /** As canonical JSON has it. */
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject

/** Members that are `undefined` count as absent. */
export type JsonObject = { [key: string]: JsonValue | undefined }

/** Deeper values are refused before they exhaust the stack; CPython's parser, and so Synapse, stops there too. */
export const MAX_NESTING = 1000

/** Printable ASCII without quotation mark and backslash: a string that needs quotes and nothing else. */
const PLAIN = /^[ !#-[\]-~]*$/

/** Which numbers there are: canonical JSON knows integers; events of old room versions may hold any. */
export type Numbers = 'integers' | 'any'

/**
 * Encodes a value as canonical JSON.
 * @throws MatrixError M_BAD_JSON for floats, integers beyond ±(2^53-1), lone surrogates, and what is not JSON
 */
export function canonicalJson(value: JsonValue, numbers: Numbers = 'integers'): string {
  return encode(value, 0, NUMBERS[numbers])
}

const FLOAT = /\d[.eE]/
const STRING = /"(?:[^"\\]+|\\.)*"/g

/**
 * Whether a text of JSON writes a number with a point or an exponent. A parser makes `1` of `1.0` and of `1e0`, but
 * canonical JSON has integers alone, and other servers refuse such a text.
 */
export function writesFloats(json: string): boolean {
  return FLOAT.test(json) && FLOAT.test(json.replace(STRING, '""'))
}

/** The error for an event with such a number. */
export function floatInEvent(): MatrixError {
  return new MatrixError(
    'M_BAD_JSON',
    'Numbers in events must be written as integers: 1, and neither 1.0 nor 1e0',
  )
}

type EncodeNumber = (value: number) => string

const NUMBERS: Readonly<Record<Numbers, EncodeNumber>> = { integers: encodeInteger, any: encodeAny }

function encode(value: JsonValue | undefined, depth: number, encodeNumber: EncodeNumber): string {
  switch (typeof value) {
    case 'string':
      return encodeString(value)
    case 'number':
      return encodeNumber(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      if (value instanceof ExactNumber) return encodeExact(value, encodeNumber)
      if (depth === MAX_NESTING) throw new MatrixError('M_BAD_JSON', 'JSON is nested too deeply')
      return Array.isArray(value)
        ? encodeArray(value, depth + 1, encodeNumber)
        : encodeObject(value, depth + 1, encodeNumber)
    default:
      throw new MatrixError('M_BAD_JSON', `A value of type ${typeof value} has no JSON form`)
  }
}

/** `JSON.stringify` writes exactly the escapes of the grammar, but would let lone surrogates through as escapes. */
function encodeString(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`
  if (!text.isWellFormed()) throw new MatrixError('M_BAD_JSON', 'Text contains a lone surrogate')
  return JSON.stringify(text)
}

/** Safe integers never print with an exponent, and -0 prints as 0. */
function encodeInteger(value: number): string {
  if (!Number.isSafeInteger(value)) throw integerOutOfRange()
  return String(value)
}

function integerOutOfRange(): MatrixError {
  return new MatrixError('M_BAD_JSON', 'Numbers must be integers between -(2^53-1) and 2^53-1')
}

/** Appendices §Canonical JSON: room versions before 6 "MUST NOT strictly enforce the JSON format". */
function encodeAny(value: number): string {
  if (!Number.isFinite(value)) throw new MatrixError('M_BAD_JSON', 'Numbers must fit in 64 bits')
  return String(value)
}

function encodeExact({ text }: ExactNumber, encodeNumber: EncodeNumber): string {
  if (encodeNumber === encodeAny) return text
  throw FLOAT.test(text) ? floatInEvent() : integerOutOfRange()
}

function encodeArray(values: JsonValue[], depth: number, encodeNumber: EncodeNumber): string {
  let json = '['
  let separator = ''
  for (const value of values) {
    json += separator + encode(value, depth, encodeNumber)
    separator = ','
  }
  return `${json}]`
}

function encodeObject(value: JsonObject, depth: number, encodeNumber: EncodeNumber): string {
  const keys = Object.keys(value).sort()
  const plain = keys.every(isPlain)
  if (!plain) keys.sort(byCodePoint)
  let json = '{'
  let separator = ''
  for (const key of keys) {
    const member = value[key]
    if (member === undefined) continue
    json += `${separator}${plain ? `"${key}"` : encodeString(key)}:${encode(member, depth, encodeNumber)}`
    separator = ','
  }
  return `${json}}`
}

function isPlain(text: string): boolean {
  return PLAIN.test(text)
}

/** The default order is by UTF-16 unit, in which astral characters (surrogates) precede U+E000 to U+FFFF. */
function byCodePoint(a: string, b: string): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const unitA = a.charCodeAt(i)
    const unitB = b.charCodeAt(i)
    if (unitA !== unitB) return codePointRank(unitA) - codePointRank(unitB)
  }
  return a.length - b.length
}

/** Moves surrogates above every other unit, so that units compare as the code points they belong to. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

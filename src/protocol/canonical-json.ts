/** Canonical JSON: the one encoding of a value that hashes and signatures cover. Appendices §Canonical JSON. */
import { MatrixError } from './errors.ts'

export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject

/** Members that are `undefined` count as absent. */
export type JsonObject = { [key: string]: JsonValue | undefined }

/** Deeper values are refused before they exhaust the stack; CPython's parser, and so Synapse, stops there too. */
const MAX_NESTING = 1000

/** Printable ASCII without quotation mark and backslash: a string that needs quotes and nothing else. */
const PLAIN = /^[ !#-[\]-~]*$/

/**
 * Encodes a value as canonical JSON.
 * @throws MatrixError M_BAD_JSON for floats, integers beyond ±(2^53-1), lone surrogates, and what is not JSON
 */
export function canonicalJson(value: JsonValue): string {
  return encode(value, 0)
}

function encode(value: JsonValue | undefined, depth: number): string {
  switch (typeof value) {
    case 'string':
      return encodeString(value)
    case 'number':
      return encodeInteger(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      if (depth === MAX_NESTING) throw new MatrixError('M_BAD_JSON', 'JSON is nested too deeply')
      return Array.isArray(value) ? encodeArray(value, depth + 1) : encodeObject(value, depth + 1)
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
  if (!Number.isSafeInteger(value)) {
    throw new MatrixError('M_BAD_JSON', 'Numbers must be integers between -(2^53-1) and 2^53-1')
  }
  return String(value)
}

function encodeArray(values: JsonValue[], depth: number): string {
  let json = '['
  let separator = ''
  for (const value of values) {
    json += separator + encode(value, depth)
    separator = ','
  }
  return `${json}]`
}

function encodeObject(value: JsonObject, depth: number): string {
  const keys = Object.keys(value).sort()
  const plain = keys.every(isPlain)
  if (!plain) keys.sort(byCodePoint)
  let json = '{'
  let separator = ''
  for (const key of keys) {
    const member = value[key]
    if (member === undefined) continue
    json += `${separator}${plain ? `"${key}"` : encodeString(key)}:${encode(member, depth)}`
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

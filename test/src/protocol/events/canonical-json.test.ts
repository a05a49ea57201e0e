/** Canonical JSON, with the examples of the specification's appendices. */
import { expect, test } from 'vitest'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import { canonicalJson, type JsonValue } from '../../../../src/protocol/events/canonical-json.ts'

/** Appendices §Canonical JSON, Examples: the given JSON text and the expected one. */
const EXAMPLES: [given: string, expected: string][] = [
  ['{}', '{}'],
  ['{ "one": 1, "two": "Two" }', '{"one":1,"two":"Two"}'],
  ['{ "b": "2", "a": "1" }', '{"a":"1","b":"2"}'],
  ['{"b":"2","a":"1"}', '{"a":"1","b":"2"}'],
  [
    `{ "auth": { "success": true, "mxid": "@john.doe:example.com", "profile": { "display_name": "John Doe",
       "three_pids": [ { "medium": "email", "address": "john.doe@example.org" },
                       { "medium": "msisdn", "address": "123456789" } ] } } }`,
    '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}',
  ],
  ['{ "a": "日本語" }', '{"a":"日本語"}'],
  ['{ "本": 2, "日": 1 }', '{"日":1,"本":2}'],
  ['{ "a": "\\u65E5" }', '{"a":"日"}'],
  ['{ "a": null }', '{"a":null}'],
  ['{ "a": -0, "b": 1e10 }', '{"a":0,"b":10000000000}'],
]

test.each(EXAMPLES)('encodes the specification example %s', (given, expected) => {
  expect(canonicalJson(JSON.parse(given))).toBe(expected)
})

test('sorts keys by code point, so an astral key comes after U+FFFD', () => {
  const value = { '\u{1F600}': 1, '\uFFFD': 2, '\uE000': 3, z: 4 }
  expect(Object.keys(value).sort()[1]).toBe('\u{1F600}')
  expect(canonicalJson(value)).toBe('{"z":4,"\uE000":3,"\uFFFD":2,"\u{1F600}":1}')
})

test('sorts astral keys by all of their code points, and a prefix before what it begins', () => {
  const value = { 'a\u{1F601}': 1, 'a\u{1F600}b': 2, 'a\u{1F600}': 3, a: 4, 'a\uFFFD': 5 }
  expect(canonicalJson(value)).toBe('{"a":4,"a\uFFFD":5,"a\u{1F600}":3,"a\u{1F600}b":2,"a\u{1F601}":1}')
})

test('sorts keys that look like integers as text', () => {
  expect(canonicalJson({ 9: 'a', 10: 'b', 1: 'c' })).toBe('{"1":"c","10":"b","9":"a"}')
})

test('uses the short escapes, lower-case \\u00xx for other controls, and no escape beyond', () => {
  const text = '\b\t\n\f\r"\\/\u0000\u001F\u007F\u2028é\u{1F600}'
  expect(canonicalJson(text)).toBe('"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u001f\u007F\u2028é\u{1F600}"')
})

test('escapes keys as it escapes text', () => {
  expect(canonicalJson({ 'a"b': 1, 'a\nb': 2 })).toBe('{"a\\nb":2,"a\\"b":1}')
})

test('keeps a key called __proto__', () => {
  expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"x":1}}'))).toBe('{"__proto__":{"x":1},"b":1}')
})

test('skips members that are undefined', () => {
  expect(canonicalJson({ a: undefined, b: 1, c: undefined })).toBe('{"b":1}')
})

test('encodes the greatest and the least integer', () => {
  expect(canonicalJson([9007199254740991, -9007199254740991])).toBe('[9007199254740991,-9007199254740991]')
})

test('gives the same text for its own output', () => {
  const text = canonicalJson({ b: [{ d: 1, c: '\u{1F600}' }, [], true, false, null], a: { '': '' } })
  expect(canonicalJson(JSON.parse(text))).toBe(text)
})

const REFUSED: [name: string, value: unknown][] = [
  ['a float', { a: 1.5 }],
  ['2^53', [9007199254740992]],
  ['-(2^53)', [-9007199254740992]],
  ['infinity', Number.POSITIVE_INFINITY],
  ['NaN', Number.NaN],
  ['a lone high surrogate', { a: 'x\uD83Dy' }],
  ['a lone low surrogate', ['\uDE00']],
  ['a lone surrogate in a key', { '\uD83D': 1 }],
  ['undefined in an array', [undefined]],
  ['a bigint', { a: 1n }],
  ['a function', { a: () => 1 }],
]

test.each(REFUSED)('refuses %s as M_BAD_JSON', (_name, value) => {
  expect(() => canonicalJson(value as JsonValue)).toThrow(
    expect.objectContaining({ name: 'MatrixError', errcode: 'M_BAD_JSON' }),
  )
})

test('refuses what is nested 100,000 deep with an error, not an exhausted stack', () => {
  const depth = 100_000
  expect(() => canonicalJson(JSON.parse('['.repeat(depth) + ']'.repeat(depth)))).toThrow(MatrixError)
})

test('encodes what is nested 1,000 deep', () => {
  const text = '['.repeat(1000) + ']'.repeat(1000)
  expect(canonicalJson(JSON.parse(text))).toBe(text)
})

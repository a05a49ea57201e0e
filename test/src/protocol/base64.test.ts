/** Unpadded base64, with the examples of the specification's appendices. */
import { expect, test } from 'vitest'
import { decodeBase64, decodeBase64Url, encodeBase64, encodeBase64Url } from '../../../src/protocol/base64.ts'

/** Appendices §Unpadded Base64. */
const EXAMPLES: [text: string, base64: string][] = [
  ['', ''],
  ['f', 'Zg'],
  ['fo', 'Zm8'],
  ['foo', 'Zm9v'],
  ['foob', 'Zm9vYg'],
  ['fooba', 'Zm9vYmE'],
  ['foobar', 'Zm9vYmFy'],
]

test.each(EXAMPLES)('encodes %j as %j', (text, base64) => {
  expect(encodeBase64(new TextEncoder().encode(text))).toBe(base64)
})

test.each(EXAMPLES)('decodes back to %j from %j, padded or not', (text, base64) => {
  const padded = base64.padEnd(Math.ceil(base64.length / 4) * 4, '=')
  expect(new TextDecoder().decode(decodeBase64(base64))).toBe(text)
  expect(new TextDecoder().decode(decodeBase64(padded))).toBe(text)
  expect(new TextDecoder().decode(decodeBase64Url(padded))).toBe(text)
})

const HIGH = Uint8Array.of(0xfb, 0xff, 0xfe)

test('writes the 62nd and 63rd character by alphabet', () => {
  expect(encodeBase64(HIGH)).toBe('+//+')
  expect(encodeBase64Url(HIGH)).toBe('-__-')
  expect(decodeBase64('+//+')).toEqual(HIGH)
  expect(decodeBase64Url('-__-')).toEqual(HIGH)
})

test('refuses the characters of the other alphabet', () => {
  expect(() => decodeBase64('-__-')).toThrow('base64')
  expect(() => decodeBase64Url('+//+')).toThrow('base64')
})

test.each(['A', 'AAAAA', 'Zg===', 'Zm 9v', 'Zm9v\n', 'Z=g', 'Zm9*'])('refuses %j', (text) => {
  expect(() => decodeBase64(text)).toThrow(expect.objectContaining({ errcode: 'M_INVALID_PARAM' }))
})

test('ignores leftover bits of the last character', () => {
  expect(decodeBase64('Zh')).toEqual(decodeBase64('Zg'))
})

test('encodes only the window of a view', () => {
  const bytes = Uint8Array.of(1, 2, 0x66, 0x6f, 0x6f, 3)
  expect(encodeBase64(bytes.subarray(2, 5))).toBe('Zm9v')
})

test('decodes to plain bytes that own their memory', () => {
  const bytes = decodeBase64('Zm9v')
  expect(bytes.constructor).toBe(Uint8Array)
  expect(bytes.buffer.byteLength).toBe(3)
})

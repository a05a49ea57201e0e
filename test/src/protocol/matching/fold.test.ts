/** The form in which texts are compared. */
import { expect, it } from 'vitest'
import { fold } from '../../../../src/protocol/matching/fold.ts'

it.each([
  ['case', 'ÄLICE', 'alice'],
  ['accents, composed or not', 'e\u0301 \u00e9', 'e e'],
  ['width and ligatures', 'ＡＢＣ ﬁ', 'abc fi'],
  ['the Turkish dotted I', 'İstanbul', 'istanbul'],
])('knows no difference of %s', (_, text, folded) => {
  expect(fold(text)).toBe(folded)
})

it.each([
  ['Thai vowels and tones', 'ที่'],
  ['Devanagari vowels', 'हिन्दी'],
  ['Japanese voicing', 'がぎぐ'],
  ['Hangul', '서울'],
])('keeps %s', (_, text) => {
  expect(fold(text)).toBe(text.normalize('NFC'))
})

/** Globs: `*` and `?`. */
import { expect, it } from 'vitest'
import { matchesGlob } from '../../../../src/protocol/matching/glob.ts'

it.each([
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['*', 'anything', true],
  ['a*c', 'abc', true],
  ['a*c', 'abcb', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['*b*', 'abc', true],
  ['*ab', 'aab', true],
  ['a*b*c', 'axxbxxbxc', true],
  ['a.c', 'abc', false],
  ['ab', 'abc', false],
])('%j against %j is %s', (pattern, text, matches) => {
  expect(matchesGlob(pattern, text)).toBe(matches)
})

it('does not hang on a pattern made to hang', () => {
  expect(matchesGlob(`${'*a'.repeat(200)}b`, 'a'.repeat(5_000))).toBe(false)
})

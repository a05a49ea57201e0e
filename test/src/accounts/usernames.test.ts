/** User names. */
import { describe, expect, it } from 'vitest'
import { knownLocalpart, newLocalpart } from '../../../src/accounts/usernames.ts'

const server = 'test.example'

describe('user names', () => {
  it.each(['alice', 'q', '3', 'a.b_c=d-e/f+g', '_bridge'])('%s may be a new one', (name) => {
    expect(newLocalpart(name, server)).toBe(name)
  })

  it('are taken in small letters', () => {
    expect(newLocalpart('Alice', server)).toBe('alice')
  })

  it.each(['', 'a b', 'ä', '@alice:test.example', 'a:b', 'a!', 'a\0', '\u212Aate', 'x'.repeat(242)])(
    '%j may not',
    (name) => {
      expect(() => newLocalpart(name, server)).toThrow(
        expect.objectContaining({ errcode: 'M_INVALID_USERNAME' }),
      )
    },
  )

  it("mean this server's users at login, by localpart or by full id", () => {
    expect(knownLocalpart('Bob', server)).toBe('bob')
    expect(knownLocalpart('@bob:test.example', server)).toBe('bob')
    expect(knownLocalpart('@bob:other.example', server)).toBeUndefined()
  })
})

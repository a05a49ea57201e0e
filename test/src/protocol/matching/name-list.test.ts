/** Lists of names that clients write: what they cover, and how long they may be. */
import { describe, expect, it } from 'vitest'
import { isCovered, isListed, listFault } from '../../../../src/protocol/matching/name-list.ts'

const many = (count: number, name: (n: number) => string) => Array.from({ length: count }, (_, n) => name(n))

describe('a list of names', () => {
  it('holds what it names, and covers what its patterns match', () => {
    const list = ['m.room.*', 'm.*.key', 'plain', '*']
    expect(isListed(list, 'plain')).toBe(true)
    expect([isListed(list, 'other'), isListed(list, undefined), isListed(list, 7)]).toEqual([
      false,
      false,
      false,
    ])
    expect(isCovered(list.slice(0, 3), 'm.room.name')).toBe(true)
    expect(isCovered(list.slice(0, 3), 'm.secret.key')).toBe(true)
    expect(isCovered(list.slice(0, 3), 'm.secret')).toBe(false)
    expect(isCovered(list, 'anything')).toBe(true)
    expect(isCovered([], 'anything')).toBe(false)
  })

  it.each([
    ['names', many(1_001, (n) => `n${n}`), 'more than 1000 entries'],
    ['patterns', many(101, (n) => `n${n}*`), 'more than 100 entries with a star'],
    ['characters', ['x'.repeat(256)], 'more than 255 characters'],
  ])('has a bound of %s', (_, list, fault) => {
    expect(listFault(list)).toContain(fault)
    expect(listFault(list.slice(1))).toBeUndefined()
  })

  it('looks at no more names than the bound, however it became longer', () => {
    expect(
      isListed(
        many(2_000, (n) => `n${n}`),
        'n999',
      ),
    ).toBe(true)
    expect(
      isListed(
        many(2_000, (n) => `n${n}`),
        'n1000',
      ),
    ).toBe(false)
    expect(
      isCovered(
        many(200, (n) => `n${n}*`),
        'n150x',
      ),
    ).toBe(true)
    expect(
      isCovered(
        many(200, (n) => `n${n}_*`),
        'n150_x',
      ),
    ).toBe(false)
  })
})

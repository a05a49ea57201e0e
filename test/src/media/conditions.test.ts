/** Which part of ten bytes is asked for. */
import { describe, expect, it } from 'vitest'
import { oneRange } from '../../../src/media/conditions.ts'

describe('a range', () => {
  it.each([
    [undefined, undefined],
    ['bytes=0-0', { offset: 0, length: 1 }],
    ['bytes=2-', { offset: 2, length: 8 }],
    ['bytes=-3', { offset: 7, length: 3 }],
    ['bytes=-30', { offset: 0, length: 10 }],
    ['bytes=5-99', { offset: 5, length: 5 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-2', undefined],
    ['bytes=0-1,3-4', undefined],
    ['bytes=0-1,,', { offset: 0, length: 2 }],
    ['BYTES= 0-1', { offset: 0, length: 2 }],
    ['lines=1-2', undefined],
    ['bytes=-', undefined],
  ])('%j of ten bytes is %j', (header, expected) => {
    expect(oneRange(header, 10)).toEqual(expected)
  })
})

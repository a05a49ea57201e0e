/** How many requests are under way. */
import { expect, it } from 'vitest'
import { UnderWay } from '../../../workers/middleware/under-way.ts'

it('counts those that have begun and not ended', () => {
  const underWay = new UnderWay()
  const ends = [0, 1, 2].map((at) => underWay.begin(at))
  expect(underWay.count(3)).toBe(3)
  ends[1]?.()
  expect(underWay.count(3)).toBe(2)
  for (const end of ends) end()
  expect(underWay.count(3)).toBe(0)
})

it('forgets one that was cut off after half a minute, and no other', () => {
  const underWay = new UnderWay()
  underWay.begin(0)
  const end = underWay.begin(20_000)
  expect(underWay.count(29_999)).toBe(2)
  expect(underWay.count(30_000)).toBe(1)
  end()
  expect(underWay.count(30_000)).toBe(0)
})

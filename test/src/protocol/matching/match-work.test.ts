/** How the work of matching is counted. */
import { expect, it } from 'vitest'
import { MatchWork } from '../../../../src/protocol/matching/match-work.ts'

it('a native search costs a step for some characters, and one at least', () => {
  const work = new MatchWork(1_000)
  expect([work.search(0), work.spent]).toEqual([true, 1])
  expect([work.search(8_000), work.spent, work.isOver]).toEqual([false, 1_002, true])
})

it('a walk pays for each of its evaluations, of which none pays for those before it', () => {
  const walk = MatchWork.walk()
  const spend = () => walk.evaluation((work) => work.step(200_000))
  expect(Array.from({ length: 39 }, spend)).not.toContain(false)
  expect([walk.spent, walk.isOver]).toEqual([7_800_000, false])
  spend()
  expect(walk.isOver).toBe(true)
})

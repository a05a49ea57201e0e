/** Questions that are asked together: each id has its own answer. */
import { expect, it } from 'vitest'
import { together } from '../../src/known-ids.ts'

it('everything asked in one turn is one question, and in the next turn another', async () => {
  const questions: string[][] = []
  const isThere = together(async (ids) => {
    questions.push(ids)
    return ids.filter((id) => id !== 'nobody')
  })
  expect(await Promise.all(['alice', 'nobody', 'bob', 'alice'].map(isThere))).toEqual([
    true,
    false,
    true,
    true,
  ])
  expect(await isThere('carol')).toBe(true)
  expect(questions).toEqual([['alice', 'nobody', 'bob'], ['carol']])
})

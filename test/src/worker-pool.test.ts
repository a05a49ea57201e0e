import { describe, expect, it } from 'vitest'
import { slicesOf, slicesWithin } from '../../src/slices.ts'
import { inTurns } from '../../src/worker-pool.ts'

describe('work in turns', () => {
  it('works on no more pieces at once than it may, until all are done', async () => {
    let running = 0
    let most = 0
    const done: number[] = []
    await inTurns([1, 2, 3, 4, 5], 2, async (one) => {
      running += 1
      most = Math.max(most, running)
      await Promise.resolve()
      running -= 1
      done.push(one)
    })
    expect(most).toBe(2)
    expect(done.toSorted()).toEqual([1, 2, 3, 4, 5])
  })

  it('takes what the work puts back, and ends when the work empties the queue', async () => {
    const queue = [1, 2, 3, 4]
    const done: number[] = []
    await inTurns(queue, 1, async (one) => {
      done.push(one)
      if (one === 1) queue.unshift(10)
      if (one === 2) queue.length = 0
    })
    expect(done).toEqual([1, 10, 2])
  })
})

it('slices keep the order, and the last one is shorter', () => {
  expect(slicesOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]])
  expect(slicesOf([], 2)).toEqual([])
})

it('slices are larger where there would be too many of them', () => {
  const all = Array.from({ length: 10 }, (_, n) => n)
  expect(slicesWithin(all, 2, 5).map(({ length }) => length)).toEqual([2, 2, 2, 2, 2])
  expect(slicesWithin(all, 2, 3).map(({ length }) => length)).toEqual([4, 4, 2])
  expect(slicesWithin([], 2, 3)).toEqual([])
})

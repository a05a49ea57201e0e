/** Buckets: what may be taken at once, and when there is more. */
import { expect, it } from 'vitest'
import { Buckets } from '../../../workers/middleware/buckets.ts'

const allowance = { burst: 3, perSecond: 2 }

it('a bucket says when it has tokens again', () => {
  const buckets = new Buckets()
  const take = (now: number) => buckets.take('a', allowance, now)
  for (let i = 0; i < allowance.burst; i += 1) expect(take(1_000)).toBeUndefined()
  expect(take(1_000)).toBe(500)
  expect(take(1_250)).toBe(250)
  expect(take(1_500)).toBeUndefined()
  expect(take(1_500)).toBe(500)
})

it('a batch larger than a burst passes once, and is paid for afterwards', () => {
  const buckets = new Buckets()
  expect(buckets.take('a', allowance, 0, 10)).toBeUndefined()
  expect(buckets.take('a', allowance, 0)).toBe(4_000)
  expect(buckets.take('b', allowance, 0)).toBeUndefined()
})

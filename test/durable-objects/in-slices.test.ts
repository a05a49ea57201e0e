/** Many users asked at once, within what a request may call. */
import { beforeEach, describe, expect, it } from 'vitest'
import { inSlices, SLICES_OF_A_SYNC, type Ways } from '../../durable-objects/in-slices.ts'
import { LIMITS } from '../../src/limiter.ts'

const users = (count: number) => Array.from({ length: count }, (_, n) => n)
const double = async (some: readonly number[]) => some.map((n) => 2 * n)

let slices: number[][]
beforeEach(() => {
  slices = []
})

const ways: Ways<number, number> = {
  here: double,
  there(slice) {
    slices.push(slice)
    return double(slice)
  },
}

describe('users that are asked', () => {
  it.each([50, 51, 1_700, 5_760])('are answered in their order when they are %i', async (count) => {
    expect(await inSlices(users(count), ways, {})).toEqual(users(count).map((n) => 2 * n))
    expect(slices.length).toBeLessThan(LIMITS.services)
    for (const slice of slices) expect(2 * slice.length).toBeLessThanOrEqual(LIMITS.calls)
  })

  it('are asked from here when they are few', async () => {
    await inSlices(users(50), ways, {})
    expect(slices).toEqual([])
  })

  it('are not sliced again in a slice', async () => {
    expect(await inSlices(users(200), ways, { isSlice: true })).toHaveLength(200)
    expect(slices).toEqual([])
  })

  it('are refused when one request cannot reach them', async () => {
    await expect(inSlices(users(5_761), ways, {})).rejects.toMatchObject({ errcode: 'M_TOO_LARGE' })
  })

  it('leave Workers for the rooms of a sync', async () => {
    await inSlices(users(1_000), { ...ways, most: SLICES_OF_A_SYNC }, {})
    expect(slices).toHaveLength(SLICES_OF_A_SYNC)
  })
})

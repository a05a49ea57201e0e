/** The turns of password hashes. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { inTurn } from '../../../src/accounts/hash-queue.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

it('a turn is given back when its work ends, and when it fails', async () => {
  let done = 0
  const work = async () => {
    done += 1
    if (done % 2 === 0) throw new Error('no hash')
  }
  const oneByOne = async () => {
    for (let i = 0; i < 20; i += 1) await inTurn(work).catch(() => undefined)
  }
  void oneByOne()
  // Less than it takes until a turn is taken for forgotten.
  await vi.advanceTimersByTimeAsync(1_000)
  expect(done).toBe(20)
})

it('of ten requests at once two begin, six wait and two are refused', async () => {
  let begun = 0
  const end: (() => void)[] = []
  const work = () => {
    begun += 1
    return new Promise<void>((resolve) => {
      end.push(resolve)
    })
  }
  const refused: unknown[] = []
  for (let i = 0; i < 10; i += 1) void inTurn(work).catch((error) => refused.push(error))
  await vi.advanceTimersByTimeAsync(100)
  expect(begun).toBe(2)
  expect(refused).toEqual([
    expect.objectContaining({ errcode: 'M_LIMIT_EXCEEDED' }),
    expect.objectContaining({ errcode: 'M_LIMIT_EXCEEDED' }),
  ])
  while (end.length > 0) {
    end.shift()?.()
    await vi.advanceTimersByTimeAsync(100)
  }
  expect(begun).toBe(8)
})

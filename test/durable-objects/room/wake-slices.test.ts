/** Wakes of rooms in which many are awake: few Workers are called for them, and nobody is left out. */
import { describe, expect, it } from 'vitest'
import { inPlaces, type Place, wakeSlices } from '../../../durable-objects/room/tell/wake-slices.ts'
import { LIMITS } from '../../../src/limiter.ts'

const awake = (count: number, places = 1): Place[] =>
  Array.from({ length: count }, (_, n) => ({ acked: n % places, own: -1 }))

describe('the slices of wakes', () => {
  it.each([201, 1_000, 4_000])('reach all of %i subscribers through few Workers', (count) => {
    const { slices, rest } = wakeSlices(awake(count))
    expect(slices.flat()).toHaveLength(count)
    expect(slices.length).toBeLessThan(LIMITS.services)
    expect(rest).toBe(false)
  })

  it('hold 50 subscribers while these are few', () => {
    expect(wakeSlices(awake(201)).slices.map(({ length }) => length)).toEqual([50, 50, 50, 50, 1])
  })

  it('hold no more than an invocation may call', () => {
    const { slices, rest } = wakeSlices(awake(50_000))
    expect(Math.max(...slices.map(({ length }) => length))).toBeLessThan(LIMITS.calls)
    expect(slices.length).toBeLessThan(LIMITS.services)
    expect(rest).toBe(true)
  })

  it('leave out small places first, and say so', () => {
    const many = awake(500)
    const scattered = Array.from({ length: 60 }, (_, n) => ({ acked: n + 1, own: -1 }))
    const { slices, rest } = wakeSlices([...scattered, ...many])
    expect(slices.slice(0, 10).flat()).toEqual(many)
    expect(slices.length).toBeLessThan(LIMITS.services)
    expect(rest).toBe(true)
  })

  it('are of one place each', () => {
    for (const slice of wakeSlices(awake(900, 7)).slices) {
      expect(new Set(slice.map(({ acked }) => acked)).size).toBe(1)
    }
  })
})

it('subscribers with news of their own stand apart from others in the same place', () => {
  const places = inPlaces([
    { acked: 1, own: 2 },
    { acked: 1, own: 0 },
    { acked: 1, own: 1 },
  ])
  expect(places).toEqual([
    [{ acked: 1, own: 2 }],
    [
      { acked: 1, own: 0 },
      { acked: 1, own: 1 },
    ],
  ])
})

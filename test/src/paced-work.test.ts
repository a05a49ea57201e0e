/** Work that is done once for all who have asked. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { PacedWork } from '../../src/paced-work.ts'

let times: number[]
let hasWork: boolean
let paced: PacedWork

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
  times = []
  hasWork = true
  const work = () => {
    times.push(Date.now())
    return hasWork
  }
  paced = new PacedWork({ everyMs: 1_000, now: () => Date.now(), work })
})
afterEach(() => void vi.useRealTimers())

/** Asks at these moments, and lets all come that is due. */
function askAt(...moments: number[]): void {
  for (const at of moments) {
    vi.advanceTimersByTime(at - Date.now())
    paced.ask()
    vi.advanceTimersByTime(0)
  }
  vi.advanceTimersByTime(10_000)
}

it('is done in the next turn after a rest, and not sooner', () => {
  paced.ask()
  expect(times).toEqual([])
  vi.advanceTimersByTime(0)
  expect(times).toEqual([0])
})

it('is done once for everything that asks before it has rested', () => {
  askAt(0, 10, 500, 900)
  expect(times).toEqual([0, 1_000])
})

it('is done again at once after a rest', () => {
  askAt(0, 3_000)
  expect(times).toEqual([0, 3_000])
})

it('need not rest after a time without anything to do', () => {
  hasWork = false
  askAt(0, 10)
  expect(times).toEqual([0, 10])
})

it('is not done again for earlier askers when it was done ahead of its time', () => {
  paced.ask()
  paced.do()
  vi.advanceTimersByTime(10_000)
  expect(times).toEqual([0])
})

it('waits no longer than it rests, even if the clock was put back', () => {
  vi.setSystemTime(1_000_000)
  paced.do()
  vi.setSystemTime(0)
  askAt(0)
  expect(times).toEqual([1_000_000, 1_000])
})

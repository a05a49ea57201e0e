/** How long news wait for company, by how late turns come (decision 18). */
import { expect, it } from 'vitest'
import { Lateness } from '../../durable-objects/lateness.ts'

const STEP_MS = 20

/** After turns that came so late (ms), one each 20 ms for so many ms. */
function after(late: number, ms: number, lateness = new Lateness(), from = 0) {
  let now = from
  for (; now < from + ms; now += STEP_MS) lateness.turned(now - late, now)
  return { lateness, now, pause: lateness.pause(now) }
}

it('nobody waits on a machine that keeps up', () => {
  expect(after(0, 5_000).pause).toBe(0)
  expect(after(12, 5_000).pause).toBe(0)
})

it('one turn that came very late makes nobody wait for long', () => {
  const { lateness, now } = after(0, 1_000)
  lateness.turned(now - 300, now)
  expect(lateness.pause(now)).toBeLessThan(20)
})

it('the pause grows for as long as turns come late, the more the later they are', () => {
  const [short, long, later] = [after(60, 500).pause, after(60, 1_000).pause, after(120, 1_000).pause]
  expect(short).toBeGreaterThan(50)
  expect(long).toBeGreaterThan(short)
  expect(later).toBeGreaterThan(long)
})

it('the pause is two seconds at most', () => {
  expect(after(10_000, 5_000).pause).toBe(2_000)
})

it('the pause shrinks when turns come in time again', () => {
  const { lateness, now, pause } = after(60, 1_000)
  const again = after(0, 500, lateness, now)
  expect(again.pause).toBeLessThan(pause)
  // Four times as fast as it grew: it took a second.
  expect(after(0, 3_000, lateness, again.now).pause).toBe(0)
})

it('what was measured more than a second ago makes nobody wait', () => {
  const { lateness, now } = after(10_000, 5_000)
  expect(lateness.pause(now + 1_100)).toBe(0)
  lateness.turned(now + 1_100, now + 1_100)
  expect(lateness.pause(now + 1_100)).toBe(0)
})

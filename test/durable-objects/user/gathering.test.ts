/** How long news wait for company (decision 18). */
import { expect, it } from 'vitest'
import { Gathering } from '../../../durable-objects/user/sync/gathering.ts'

/** A user who was served at 0, on a machine with such a pause (ms). */
function servedAt0(pause: number): Gathering {
  const gathering = new Gathering({ pause: () => pause })
  gathering.served(0)
  return gathering
}

it('nothing waits on a machine that keeps up', () => {
  expect(servedAt0(0).wait(0, false)).toBe(0)
})

it('news wait until the pause is over since the user was served', () => {
  expect(servedAt0(500).wait(0, false)).toBe(500)
  expect(servedAt0(500).wait(200, false)).toBe(300)
})

it('nothing waits after a rest, however late the machine is', () => {
  expect(servedAt0(500).wait(600, false)).toBe(0)
  expect(new Gathering({ pause: () => 500 }).wait(0, false)).toBe(0)
})

it('while others wait for their first sync, a user that was served waits 1.5 s, however well the machine keeps up', () => {
  expect(servedAt0(0).wait(0, true)).toBe(1_500)
  expect(servedAt0(2_000).wait(500, true)).toBe(1_000)
  expect(servedAt0(0).wait(1_500, true)).toBe(0)
  expect(new Gathering({ pause: () => 0 }).wait(0, true)).toBe(0)
})

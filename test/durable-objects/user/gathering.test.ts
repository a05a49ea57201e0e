/** How long news wait for company (decision 18). */
import { expect, it } from 'vitest'
import { Gathering } from '../../../durable-objects/user/sync/gathering.ts'

/** A user who was served at 0, on a machine whose last twenty turns came this late (ms). */
function servedAt0(late: number): Gathering {
  const gathering = new Gathering()
  for (let turn = 0; turn < 20; turn += 1) gathering.turned(1_000 * turn, 1_000 * turn + late)
  gathering.served(0)
  return gathering
}

it('nothing waits on a machine that keeps up', () => {
  expect(servedAt0(0).wait(0, false)).toBe(0)
  expect(servedAt0(5).wait(0, false)).toBe(0)
})

it('nothing waits after a rest, however late the machine is', () => {
  expect(servedAt0(500).wait(600, false)).toBe(0)
  expect(new Gathering().wait(0, false)).toBe(0)
})

it('on a machine that is behind, news wait longer the later its turns come', () => {
  const [little, more] = [servedAt0(15).wait(0, false), servedAt0(60).wait(0, false)]
  expect(little).toBeGreaterThan(0)
  expect(more).toBeGreaterThan(little)
})

it('nothing waits for longer than 600 ms', () => {
  expect(servedAt0(10_000).wait(0, false)).toBe(600)
  expect(servedAt0(10_000).wait(100, false)).toBe(500)
})

it('a machine that has caught up lets nothing wait', () => {
  const gathering = servedAt0(500)
  for (let turn = 0; turn < 20; turn += 1) gathering.turned(turn, turn)
  expect(gathering.wait(0, false)).toBe(0)
})

it('while others wait for their first sync, a user that was served waits 1.5 s, however well the machine keeps up', () => {
  expect(servedAt0(0).wait(0, true)).toBe(1_500)
  expect(servedAt0(10_000).wait(500, true)).toBe(1_000)
  expect(servedAt0(0).wait(1_500, true)).toBe(0)
  expect(new Gathering().wait(0, true)).toBe(0)
})

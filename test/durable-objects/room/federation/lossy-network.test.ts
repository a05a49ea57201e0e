/**
 * Five servers share a room over a network that loses requests and answers and falls into parts, while they are thrown out
 * of memory and one or another keeps no rule: all end with the same events and the same state. NETWORK_STEPS,
 * NETWORK_SEED and NETWORK_SEEDS make it longer, or another history.
 */
import { describe, expect, it } from 'vitest'
import { Commotion } from '../../../support/federation/network/commotion.ts'
import { Oracle } from '../../../support/federation/network/oracle.ts'

const STEPS = Number(process.env.NETWORK_STEPS ?? 700)
const FIRST = Number(process.env.NETWORK_SEED ?? 1)
const SEEDS = Array.from({ length: Number(process.env.NETWORK_SEEDS ?? 3) }, (_, index) => FIRST + index)
const ALL_NIGHT = 24 * 3_600_000
const [ACCEPTED, REJECTED, SOFT_FAILED] = [0, 1, 2]

/** What each server has, held against what the graph of all events says. */
function expectTheSame(room: Commotion): void {
  const oracle = new Oracle(room.version, room.made)
  for (const { name, room: here } of room.servers) {
    const heads = here.store.extremities.map(({ eventId }) => eventId)
    expect([name, here.current()]).toEqual([name, oracle.afterAll(heads)])
    const rows = here.rows('SELECT event_id, flags FROM events')
    const flags = new Map(rows.map((row) => [String(row.event_id), row.flags]))
    const wrong = [...flags].filter(
      ([id, flag]) => !oracle.has(id) || (flag === REJECTED) !== oracle.rejected.has(id),
    )
    expect([name, wrong]).toEqual([name, []])
    const taken = (id: string) => flags.get(id) === ACCEPTED || flags.get(id) === SOFT_FAILED
    expect([name, oracle.behind(heads).filter((id) => !taken(id))]).toEqual([name, []])
  }
}

describe.each(SEEDS)('NETWORK_SEED=%i', (seed) => {
  it(`after ${STEPS} steps all have the same`, { timeout: ALL_NIGHT }, async () => {
    const room = new Commotion(seed)
    await room.begin()
    for (let step = 0; step < STEPS; step++) await room.step()
    await room.settle()
    expectTheSame(room)
  })
})

it('after an outage in which one said more than it tells the others, all have the same', async () => {
  const room = new Commotion(FIRST)
  await room.begin()
  await room.outage(520)
  await room.settle()
  expectTheSame(room)
})

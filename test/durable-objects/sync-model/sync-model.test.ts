/**
 * The contract of sync as a model: rooms, one User object, its devices, and everything that may be lost, late or
 * doubled between them. Without any one of its rules something is lost; `sync-interleavings.test.ts` tries the objects
 * themselves in the same way.
 */
import { describe, expect, it } from 'vitest'
import { RULES, type Rule } from './rules.ts'
import { World } from './world.ts'

const RUNS = Number(process.env.MODEL_RUNS ?? 30_000)
/** Rare losses take longer to find. */
const MOST_RUNS = 500_000

/** The first loss in this many runs. */
function firstLoss(runs: number, without?: Rule): string | undefined {
  for (let seed = 0; seed < runs; seed += 1) {
    const loss = new World(seed, without).run()
    if (loss !== undefined) return `seed ${seed}: ${loss}`
  }
  return undefined
}

it('with all of its rules, sync loses nothing and leaves no gap', () => {
  expect(firstLoss(RUNS)).toBeUndefined()
}, 120_000)

describe('sync loses something without the rule that', () => {
  it.each(Object.entries(RULES).map(([rule, says]) => [says, rule as Rule]))(
    '%s',
    (_, rule) => {
      expect(firstLoss(MOST_RUNS, rule)).toMatch(/asleep|stalled|gap/)
    },
    120_000,
  )
})

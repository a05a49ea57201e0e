/** How fast the services answer: a thousand operations of Redis, a hundred updates of presence. */
import type { Clock } from '../../../src/ports/system.ts'
import type { AppContext } from '../../app-env.ts'

/** Asked one by one, for the time of each; the others go by pipelines, since an invocation has a few hundred calls. */
const SINGLE = 100
const PIPELINES = 18
const IN_A_PIPELINE = 50
const UPDATES = 100

export interface Timed {
  operations: number
  /** Of all of them. */
  ms: number
  per_second: number
  /** Of those that went one by one: half of them, and 99 of 100, took no longer, ms. */
  half_ms: number
  most_ms: number
}

export interface ServiceTimes {
  redis: Timed
  presence: Timed
}

/** @throws MatrixError when one of them does not answer */
export async function timeServices(c: AppContext): Promise<ServiceTimes> {
  const { clock, storeFacts } = c.var.ports
  const redis = await timed(clock, SINGLE, () => storeFacts.probe(1))
  const startedAt = clock.now()
  for (let index = 0; index < PIPELINES; index += 1) await storeFacts.probe(IN_A_PIPELINE)
  const together = clock.now() - startedAt
  const presence = await timed(clock, UPDATES, () => tellPresence(c))
  return {
    redis: resultOf(redis, { operations: SINGLE + PIPELINES * IN_A_PIPELINE, ms: sum(redis) + together }),
    presence: resultOf(presence, { operations: UPDATES, ms: sum(presence) }),
  }
}

/** As a Room tells a user that somebody is there, or has gone; each time it is news. */
async function tellPresence(c: AppContext): Promise<void> {
  const now = c.var.ports.clock.now()
  const userId = `@PROBE:${c.var.ports.config.serverName}`
  const state = { userId, presence: 'online', since: now, lastActive: now } as const
  await c.var.objects.probe().hearPresences([{ state, met: true }])
}

/** The time of each, ms. One after another: what is measured is the way there and back. */
async function timed(clock: Clock, times: number, work: () => Promise<unknown>): Promise<number[]> {
  const each: number[] = []
  for (let index = 0; index < times; index += 1) {
    const startedAt = clock.now()
    await work()
    each.push(clock.now() - startedAt)
  }
  return each.sort((a, b) => a - b)
}

function resultOf(each: readonly number[], { operations, ms }: { operations: number; ms: number }): Timed {
  return {
    operations,
    ms,
    // A clock of whole milliseconds may have seen none pass.
    per_second: Math.round((operations / Math.max(1, ms)) * 1000),
    half_ms: each[Math.floor(each.length / 2)] ?? 0,
    most_ms: each[Math.ceil(each.length * 0.99) - 1] ?? 0,
  }
}

function sum(each: readonly number[]): number {
  return each.reduce((total, ms) => total + ms, 0)
}

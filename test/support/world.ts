/** The small ports, for tests of one piece: a clock that stands until told, real randomness, a silent log. */
import { countCalls } from '../../src/calls.ts'
import { createLogger } from '../../src/log.ts'
import { Registry } from '../../src/metrics/registry.ts'
import { rememberSlowCalls } from '../../src/metrics/slow-calls.ts'
import type { Logger } from '../../src/ports/log.ts'
import type { SlowCalls } from '../../src/ports/metrics.ts'
import type { UiaSession, UiaStore } from '../../src/ports/sessions.ts'
import type { CallCounters, Clock, Random } from '../../src/ports/system.ts'
import { systemRandom } from '../../src/system.ts'

export interface TestClock extends Clock {
  pass(ms: number): void
}

/** A clock that stands at `start` until the test lets time pass. */
export function standingClock(start = 1_700_000_000_000): TestClock {
  let now = start
  return {
    now: () => now,
    pass(ms) {
      now += ms
    },
  }
}

export interface World {
  clock: TestClock
  random: Random
  log: Logger
  calls: CallCounters
  metrics: Registry
  slowCalls: SlowCalls
}

export function world(): World {
  const clock = standingClock()
  return {
    clock,
    random: systemRandom,
    log: createLogger('silent', clock),
    calls: countCalls(),
    metrics: new Registry(),
    slowCalls: rememberSlowCalls(clock),
  }
}

/** Interactive-auth sessions in memory, as they come back from JSON; tells how often it was written. */
export function memoryUia(): UiaStore & { writes(): number } {
  const sessions = new Map<string, string>()
  let writes = 0
  return {
    writes: () => writes,
    async get(id) {
      const text = sessions.get(id)
      return text === undefined ? undefined : (JSON.parse(text) as UiaSession)
    },
    async put(session) {
      writes += 1
      sessions.set(session.id, JSON.stringify(session))
    },
    take: async (id) => sessions.delete(id),
  }
}

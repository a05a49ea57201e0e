/** Cloudflare's limits, as tests enforce them. */
import { describe, expect, it } from 'vitest'
import {
  checkValue,
  countCall,
  countService,
  LIMITS,
  LimitPassed,
  limitCalls,
  limitedFetch,
  passedLimits,
  shared,
  withinLimits,
} from '../../src/limiter.ts'

function call(times: number, operation = 'room.send'): void {
  for (let i = 0; i < times; i += 1) countCall(operation)
}

/** A `fetch` whose answers wait until they are let go. */
function hanging() {
  const waiting: (() => void)[] = []
  const send = (() =>
    new Promise((resolve) => waiting.push(() => resolve(new Response())))) as unknown as typeof fetch
  return { send: limitedFetch('postgres', send), letGo: () => waiting.splice(0).forEach((go) => void go()) }
}

describe('outgoing calls of an invocation', () => {
  it('may be 500, and one more is refused by name', () => {
    withinLimits(() => {
      call(LIMITS.calls, 'user.wake')
      expect(passedLimits()).not.toContain('user.wake: calls')
      expect(() => call(1, 'user.wake')).toThrow(LimitPassed)
      expect(() => call(1, 'user.wake')).toThrow('user.wake passes the limit calls, 500')
    })
    expect(passedLimits()).toContain('user.wake: calls')
  })

  it('count across awaits, each invocation for itself', async () => {
    const spend = async (calls: number) => {
      call(calls / 2)
      await Promise.resolve()
      call(calls / 2)
      return 'done'
    }
    const all = LIMITS.calls
    expect(await Promise.all([1, 2].map(() => withinLimits(() => spend(all))))).toEqual(['done', 'done'])
    await expect(withinLimits(() => spend(all + 2))).rejects.toThrow(LimitPassed)
  })

  it('are not counted outside of an invocation', () => {
    expect(() => call(LIMITS.calls + 1)).not.toThrow()
  })
})

describe('calls by service bindings', () => {
  const service = (times: number) => {
    for (let i = 0; i < times; i += 1) countService('fan_out.wake')
  }

  it('may be 32 an invocation, and one more is refused by name', () => {
    withinLimits(() => {
      service(LIMITS.services)
      expect(passedLimits()).not.toContain('fan_out.wake: services')
      expect(() => service(1)).toThrow('fan_out.wake passes the limit services, 32')
    })
    expect(passedLimits()).toContain('fan_out.wake: services')
  })

  it('are of each run of an object’s method for itself, whatever else runs there', async () => {
    class Teller {
      async tell(times: number): Promise<void> {
        service(times / 2)
        await Promise.resolve()
        service(times / 2)
      }
    }
    limitCalls(Teller)
    const teller = new Teller()
    await Promise.all([teller.tell(LIMITS.services), teller.tell(LIMITS.services)])
    await expect(teller.tell(LIMITS.services + 2)).rejects.toThrow(LimitPassed)
  })

  it('may be none where the caller is called so itself', () => {
    class Slice {
      ask(): void {
        service(1)
      }
    }
    limitCalls(Slice, undefined, 0)
    expect(() => new Slice().ask()).toThrow(LimitPassed)
  })
})

describe('requests that wait', () => {
  it('may be six, and the seventh is refused until one is answered', async () => {
    const { send, letGo } = hanging()
    await withinLimits(async () => {
      const six = Array.from({ length: LIMITS.waitingFetches }, () => send('http://x'))
      await expect(send('http://x')).rejects.toThrow('postgres passes the limit waitingFetches, 6')
      letGo()
      await Promise.all(six)
      const again = send('http://x')
      letGo()
      await expect(again).resolves.toBeInstanceOf(Response)
    })
    expect(passedLimits()).toContain('postgres: waitingFetches')
  })

  it('no longer wait once they fail', async () => {
    const send = limitedFetch('redis', () => Promise.reject(new Error('no')))
    await withinLimits(async () => {
      for (let i = 0; i <= LIMITS.waitingFetches; i += 1) await expect(send('http://x')).rejects.toThrow('no')
    })
  })
})

describe('an RPC value', () => {
  const large = { text: 'x'.repeat(LIMITS.valueLength) }

  it('is at most a megabyte, unless it is listed', () => {
    withinLimits(() => {
      checkValue('user.wake', { text: 'x'.repeat(1000) }, false)
      checkValue('user.logout', undefined, false)
      checkValue('room.pull', large, true)
      expect(() => checkValue('user.wake', large, false)).toThrow('user.wake passes the limit valueLength')
    })
    expect(passedLimits()).toContain('user.wake: valueLength')
  })
})

describe('an object', () => {
  class Counter {
    readonly #calls: number

    constructor(calls: number) {
      this.#calls = calls
    }

    run(): string {
      call(this.#calls)
      return 'done'
    }
  }

  it('may spend as much again after each call from outside, and no more', () => {
    limitCalls(Counter)
    const modest = new Counter(LIMITS.calls)
    expect([modest.run(), modest.run()]).toEqual(['done', 'done'])
    expect(() => new Counter(LIMITS.calls + 1).run()).toThrow(LimitPassed)
  })
})

describe('a value that requests share', () => {
  it('is frozen with all it holds in tests, and left as it is elsewhere', () => {
    const value = () => ({ rows: [{ pos: 1 }] })
    withinLimits(() => {
      const { rows } = shared(value())
      expect(() => rows.push({ pos: 2 })).toThrow(TypeError)
      expect(() => Object.assign(rows[0]!, { pos: 2 })).toThrow(TypeError)
    })
    const { rows } = shared(value())
    expect(rows.push({ pos: 2 })).toBe(2)
  })
})

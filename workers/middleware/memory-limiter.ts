/** Counters of rate limits in this isolate, where Redis does not answer: guessing passwords stays slow without it. */
import type { RateLimit, RateLimiter } from '../../src/ports/rate-limits.ts'

const MAX_COUNTERS = 10_000

interface Counter {
  window: number
  count: number
}

export class MemoryLimiter implements RateLimiter {
  readonly #counters = new Map<string, Counter>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  async hit(limit: RateLimit, keys: string[]): Promise<number | undefined> {
    const { window, endsInMs } = this.#window(limit)
    const counts = keys.map((key) => {
      const name = `${limit.action}:${key}`
      const count = this.#count(name, window) + 1
      this.#counters.delete(name)
      if (this.#counters.size >= MAX_COUNTERS) this.#dropOldest()
      this.#counters.set(name, { window, count })
      return count
    })
    return counts.some((count) => count > limit.count) ? endsInMs : undefined
  }

  async counted(limit: RateLimit, keys: string[]): Promise<{ counts: number[]; endsInMs: number }> {
    const { window, endsInMs } = this.#window(limit)
    return { counts: keys.map((key) => this.#count(`${limit.action}:${key}`, window)), endsInMs }
  }

  #count(name: string, window: number): number {
    const counter = this.#counters.get(name)
    return counter?.window === window ? counter.count : 0
  }

  #window({ seconds }: RateLimit): { window: number; endsInMs: number } {
    const windowMs = seconds * 1000
    const window = Math.floor(this.#now() / windowMs)
    return { window, endsInMs: (window + 1) * windowMs - this.#now() }
  }

  #dropOldest(): void {
    const [oldest] = this.#counters.keys()
    if (oldest !== undefined) this.#counters.delete(oldest)
  }
}

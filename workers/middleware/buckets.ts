/** Token buckets of this isolate: they fill by themselves, and are forgotten when there are too many. */
import type { Allowance } from './rates.ts'

interface Bucket {
  tokens: number
  at: number
}

/** For each kind: a client with many addresses must not push accounts out. */
const MAX_BUCKETS = 20_000

export class Buckets {
  readonly #buckets = new Map<string, Bucket>()

  /**
   * Takes tokens from a bucket; answers the ms to wait when there is none. A request that finds one may take more than
   * there are, and leaves a debt.
   */
  take(key: string, { burst, perSecond }: Allowance, now: number, count = 1): number | undefined {
    const { tokens, at } = this.#buckets.get(key) ?? { tokens: burst, at: now }
    const filled = Math.min(burst, tokens + (Math.max(0, now - at) / 1000) * perSecond)
    if (filled < 1) return Math.ceil(((1 - filled) / perSecond) * 1000)
    this.#buckets.delete(key)
    if (this.#buckets.size >= MAX_BUCKETS) this.#dropOldest()
    this.#buckets.set(key, { tokens: filled - count, at: now })
    return undefined
  }

  /** The bucket that was used longest ago is the fullest. */
  #dropOldest(): void {
    const [oldest] = this.#buckets.keys()
    if (oldest !== undefined) this.#buckets.delete(oldest)
  }
}

/** Counters for rate limits that hold for all isolates. */

/** At most `count` actions in `seconds`, for each key. */
export interface RateLimit {
  action: string
  count: number
  seconds: number
}

export interface RateLimiter {
  /** Counts one action for each of the keys (an account, an address); answers undefined, or the ms to wait. */
  hit(limit: RateLimit, keys: string[]): Promise<number | undefined>
  /** How many were counted for each of the keys in the window that ends in so many ms. */
  counted(limit: RateLimit, keys: string[]): Promise<{ counts: number[]; endsInMs: number }>
}

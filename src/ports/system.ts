/** Time, randomness, and the counters of what costs money. */

/** Counts what costs money, by operation: for /metrics and for the tests of the budgets. */
export interface CallCounters {
  count(name: string, n?: number): void
  snapshot(): Record<string, number>
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

export interface Random {
  bytes(length: number): Uint8Array
  /** A string of `length` characters of [A-Za-z0-9], about 5.95 bits each. */
  token(length: number): string
}

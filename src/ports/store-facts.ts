/** How the stores are doing: for gauges, and for the status pages. */

export interface RedisFacts {
  keys: number
  /** Undefined where the server does not say. */
  memoryBytes: number | undefined
}

/** Keys of one kind, which stands before the first colon of a key. */
export interface KeyKind {
  kind: string
  keys: number
  /** Of those with a time to live, ms. */
  shortestMs: number | undefined
  longestMs: number | undefined
  /** Without one. */
  lasting: number
}

export interface KeyKinds {
  /** The most frequent first. */
  kinds: KeyKind[]
  /** Keys that were looked at, and whether they are all. */
  looked: number
  isWhole: boolean
}

export interface PostgresFacts {
  /** Of the whole database. */
  bytes: number
}

export interface TableFacts {
  name: string
  /** With its indexes. */
  bytes: number
  /** As Postgres estimates them. */
  rows: number
}

export interface MediaFactsInSum {
  /** Users that have uploaded. */
  owners: number
  bytes: number
  /** The largest sums of single users: without their names. */
  largest: number[]
  previews: number
  previewBytes: number
}

export interface StoreFacts {
  /** @throws when Redis does not answer */
  redis(): Promise<RedisFacts>
  /** Looks at a thousand keys at most. @throws when Redis does not answer */
  keyKinds(): Promise<KeyKinds>
  /** @throws when Postgres does not answer */
  postgres(): Promise<PostgresFacts>
  /** The largest first. @throws when Postgres does not answer */
  tables(): Promise<TableFacts[]>
  /** @throws when Postgres does not answer */
  media(): Promise<MediaFactsInSum>
  /** Writes or reads a key of its own, for measuring; `many` at once by a pipeline. @throws when Redis does not answer */
  probe(many: number): Promise<void>
}

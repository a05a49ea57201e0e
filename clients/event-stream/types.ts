/** What a consumer of the event stream gives and takes. */

export type Topic = 'events' | 'membership' | 'receipts' | 'presence' | 'accounts'

/** A record; what it says besides depends on its topic and kind. */
export interface StreamRecord {
  offset: number
  /** When it came into the stream, ms. */
  timestamp: number
  /** The room or the user: records of the same key are in order. */
  key: string
  kind: string
  position: number
  [field: string]: unknown
}

/** Records of one partition that follow each other. */
export interface Batch {
  topic: Topic
  partition: number
  records: StreamRecord[]
  /** What is committed once the batch is done. */
  nextOffset: number
  /** Where the log ended when this was read. */
  endOffset: number
}

export interface GroupConsumerOptions {
  /** The homeserver. */
  url: string
  /** A token of the event stream. */
  token: string
  group: string
  topics: Topic[]
  /**
   * Is done with a batch when its promise is kept: only then it is committed, and the next one of the partition read. If
   * it is broken, the same batch comes again after a while. Ends early where the signal says that the partition goes.
   */
  each: (batch: Batch, signal: AbortSignal) => Promise<void>
  /** Where a group begins that has committed nothing. Default: earliest. */
  from?: 'earliest' | 'latest'
  /** Records in a batch at most. Default and bound: 1,000. */
  limit?: number
  /** A name for people. */
  client?: string
  /** How long this member may be silent before others take its partitions, ms. Default: 30,000. */
  leaseMs?: number
  /** Told of what failed and is tried again. */
  onError?: (error: unknown) => void
  fetch?: typeof fetch
}

/** What a member of a group has. */
export interface Assignment {
  member_id: string
  generation: number
  settled: boolean
  lease_ms: number
  assigned: { topic: Topic; partition: number; epoch: number }[]
}

/** Every request that this server makes of others: how it is made, how long it may take, and how large its answer may be. */

export interface RequestBounds {
  method: 'GET' | 'POST' | 'PUT'
  /** Until the last byte of the answer, ms. */
  timeoutMs: number
  maxBytes: number
  /** What is asked without a signature, such as keys. */
  isUnsigned?: boolean
}

const KB = 1024
const MB = 1024 * KB

const GET = { method: 'GET', timeoutMs: 10_000 } as const
/** A server has to look for the place of the event. */
const MAKE = { ...GET, maxBytes: 256 * KB } as const
/** A large room takes its server a while. */
const SEND = { method: 'PUT', timeoutMs: 60_000 } as const

/** By the names of their endpoints. */
export const REQUESTS = {
  /** An event has 64 KiB, and an answer at most 100 of them. */
  backfill: { ...GET, maxBytes: 8 * MB },
  get_missing_events: { method: 'POST', timeoutMs: 10_000, maxBytes: 4 * MB },
  event: { ...GET, maxBytes: MB },
  /** Ids of a state of 50,000 events and its auth chain. */
  state_ids: { ...GET, maxBytes: 8 * MB },
  /** An id and a time. */
  timestamp_to_event: { ...GET, maxBytes: 16 * KB },
  make_join: MAKE,
  make_knock: MAKE,
  make_leave: MAKE,
  send_join: { ...SEND, maxBytes: 64 * MB },
  send_knock: { ...SEND, maxBytes: MB },
  send_leave: { ...SEND, maxBytes: MB },
  invite: { method: 'PUT', timeoutMs: 20_000, maxBytes: 256 * KB },
  /** Some servers name every server of a room, and there are rooms with ten thousand. */
  directory: { ...GET, maxBytes: MB },
  server_keys: { ...GET, maxBytes: 256 * KB, isUnsigned: true },
  notary_keys: { method: 'POST', timeoutMs: 20_000, maxBytes: 256 * KB, isUnsigned: true },
  /** The answer tells which events were taken. It is read to its end and not used. */
  send: { method: 'PUT', timeoutMs: 30_000, maxBytes: 256 * KB },
} as const satisfies Record<string, RequestBounds>

export type RequestKind = keyof typeof REQUESTS

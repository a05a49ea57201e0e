/**
 * The requests that wait for news, by their connections. On one machine the runtime does not tell a request that its
 * client has gone: the launcher sees it, and the request is ended here. Elsewhere the platform cancels it, and nothing
 * is kept.
 */
import { peerName } from '../../src/ip-address.ts'
import { type AppContext, portsIn } from '../app-env.ts'

/** A request that waits. */
export interface Wait {
  /** Settled when nobody is waiting for the answer any longer. */
  over: Promise<void>
  isOver(): boolean
  /** Must be called when the request is answered, whatever happened. */
  done(): void
}

interface Waiting {
  request: Request
  /** The name of its connection, once it was asked for. */
  peer?: string
  sharer?: string
  end: () => void
}

/** How many with the same `sharer` wait. */
const WAITING_OF_A_SHARER = 3

const waiting = new Set<Waiting>()

/** Begins to wait. If too many have the same `sharer`, the oldest of them are ended. */
export function beginWait(c: AppContext, sharer?: string): Wait {
  portsIn(c).metrics.count('long_polls_total', {})
  const { promise: over, resolve } = Promise.withResolvers<void>()
  if (c.env.MACHINE === undefined) return { over, isOver: () => false, done: () => {} }
  const one: Waiting = { request: c.req.raw, sharer, end: resolve }
  waiting.add(one)
  if (sharer !== undefined) {
    const shared = [...waiting].filter((other) => other.sharer === sharer)
    for (const oldest of shared.slice(0, -WAITING_OF_A_SHARER)) end(oldest)
  }
  return { over, isOver: () => !waiting.has(one), done: () => waiting.delete(one) }
}

/** Ends what waits for clients that have gone. */
export function endWaits(peers: readonly string[]): void {
  const gone = new Set(peers.map(peerName))
  for (const one of waiting) if (gone.has(peerOf(one))) end(one)
}

/** Read when it is wanted: making a request's `cf` costs more than anything else here, and few clients leave. */
function peerOf(one: Waiting): string {
  if (one.peer === undefined) {
    const { clientIp } = (one.request.cf ?? {}) as { clientIp?: unknown }
    one.peer = typeof clientIp === 'string' ? peerName(clientIp) : ''
  }
  return one.peer
}

/** How many requests wait. */
export function countWaits(): number {
  return waiting.size
}

function end(one: Waiting): void {
  waiting.delete(one)
  one.end()
}

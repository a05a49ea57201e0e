/**
 * The requests that wait for news, by their connections. On one machine the runtime does not tell a request that its
 * client has gone: the launcher sees it, and the request is ended here. Elsewhere the platform cancels it, and nothing
 * is kept.
 */
import { peerName } from '../../src/ip-address.ts'
import type { AppContext } from '../app-env.ts'

/** A request that waits. */
export interface Wait {
  /** Settled when nobody is waiting for the answer any longer. */
  over: Promise<void>
  isOver(): boolean
  /** Must be called when the request is answered, whatever happened. */
  done(): void
}

interface Waiting {
  peer: string
  sharer?: string
  end: () => void
}

/** How many with the same `sharer` wait. */
const WAITING_OF_A_SHARER = 3

const waiting = new Set<Waiting>()

/** Begins to wait. If too many have the same `sharer`, the oldest of them are ended. */
export function beginWait(c: AppContext, sharer?: string): Wait {
  c.var.ports.metrics.count('long_polls_total', {})
  const { promise: over, resolve } = Promise.withResolvers<void>()
  const { clientIp } = (c.req.raw.cf ?? {}) as { clientIp?: unknown }
  if (typeof clientIp !== 'string') return { over, isOver: () => false, done: () => {} }
  const one: Waiting = { peer: peerName(clientIp), sharer, end: resolve }
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
  for (const one of waiting) if (gone.has(one.peer)) end(one)
}

/** How many requests wait. */
export function countWaits(): number {
  return waiting.size
}

function end(one: Waiting): void {
  waiting.delete(one)
  one.end()
}

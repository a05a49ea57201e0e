/** What the RPC table of a Destination works with. */
import type { Queue } from './queue.ts'

export interface DestinationDesk {
  queue: Queue
  /** Tests: may end the object between what it has stored and its answer. */
  beforeAnswer: () => undefined | Promise<never>
}

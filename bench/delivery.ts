/** One message from before its send to the receivers' answers: the sample that several rows take. */

import { type Session, send, uniqueMarker } from './client.ts'
import { percentile } from './measure.ts'
import type { Receiver } from './receiver.ts'

export interface Delivery {
  /** ms until the sender had its answer. */
  send: number
  /** ms until half of the receivers had the message. */
  half: number
  /** ms until every receiver had it. */
  all: number
  /** What the median delivery took longer than the send. */
  after: number
}

/** Sends one message and waits until every receiver's /sync has answered with it. */
export async function deliver(
  sender: Session,
  room: string,
  receivers: readonly Receiver[],
): Promise<Delivery> {
  const marker = uniqueMarker()
  const expected = receivers.map((receiver) => receiver.expect(marker))
  const start = performance.now()
  await send(sender, room, marker)
  const answered = performance.now() - start
  const arrivals = (await Promise.all(expected)).map((at) => at - start)
  const half = percentile(arrivals, 50)
  return { send: answered, half, all: Math.max(...arrivals), after: half - answered }
}

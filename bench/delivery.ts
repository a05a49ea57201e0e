/** One message from before its send to the receivers' answers: the sample that several rows take. */

import { type Session, send, uniqueMarker } from './client.ts'
import { pause, percentile, REST_MS, type Sample, sampleRounds, type Timing } from './measure.ts'
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

/** One-at-a-time deliveries, with a short pause before each so that everybody waits again. */
export function deliveryRounds(
  timing: Timing,
  sender: Session,
  room: string,
  receivers: readonly Receiver[],
  paceMs = REST_MS,
): Promise<Sample<keyof Delivery>[][]> {
  return sampleRounds(timing, async () => {
    await pause(paceMs)
    return deliver(sender, room, receivers)
  })
}

/** Sends one message and waits until every receiver's /sync has answered with it. */
async function deliver(
  sender: Session,
  room: string,
  receivers: readonly Receiver[],
): Promise<Sample<keyof Delivery>> {
  const marker = uniqueMarker()
  const expected = receivers.map((receiver) => receiver.expect(marker))
  const start = performance.now()
  await send(sender, room, marker)
  const answered = performance.now() - start
  const arrivals = (await Promise.all(expected)).map((at) => at - start)
  const half = percentile(arrivals, 50)
  return { send: answered, half, all: Math.max(...arrivals), after: half - answered }
}

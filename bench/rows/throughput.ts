/** Sends a second into one room, one at a time and 8 in flight, without and with live receivers. */

import { createRoom, join, register, registerMany, type Session, send, uniqueMarker } from '../client.ts'
import { throughput } from '../measure.ts'
import { type Receiver, withAwake } from '../receiver.ts'
import type { Row } from '../target.ts'

const RECEIVERS = 3

export const throughputRow: Row = {
  name: 'throughput',
  description: 'sends a second into one room; with receivers, each long-polls /sync all the time',
  async run({ http, timing, record }) {
    const sender = await register(http)
    const room = await createRoom(sender, { preset: 'public_chat' })
    const sendOne = () => send(sender, room)
    record('send.one', await throughput(timing, 1, sendOne))
    record('send.eight', await throughput(timing, 8, sendOne))

    const members = await registerMany(http, RECEIVERS)
    for (const member of members) await join(member, room)
    await withAwake(members, async (receivers) => {
      record('send.one.live', await throughput(timing, 1, sendOne))
      await checkDelivered(sender, room, receivers)
      record('send.eight.live', await throughput(timing, 8, sendOne))
      await checkDelivered(sender, room, receivers)
    })
  },
}

/** A figure with receivers counts only if they are still being served. */
async function checkDelivered(sender: Session, room: string, receivers: readonly Receiver[]): Promise<void> {
  const marker = uniqueMarker()
  const delivered = receivers.map((receiver) => receiver.expect(marker))
  await send(sender, room, marker)
  await Promise.all(delivered)
}

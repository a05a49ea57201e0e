/** A crowd that starts at once, talks, falls silent and finds its server restarted. */

import { Crowd } from '../crowd.ts'
import { percentile } from '../measure.ts'
import { treeMemoryMb } from '../process-tree.ts'
import type { Row } from '../target.ts'

/** One message a second for so many users. */
const USERS_A_MESSAGE = 8

export const crowdRow: Row = {
  name: 'crowd',
  description:
    'users in rooms of 2 to four fifths of them, all polling: from their start at one moment until all is still, messages with typing, and with receipts for the one room that each looks at, a message a second for eight users, and a restart of the server under them',
  ownServer: true,
  async run({ http, server, sizes, timing, record }) {
    const crowd = await Crowd.gather(http, sizes.crowd)
    try {
      record('crowd.start', [await crowd.start()])
      await crowd.talk(sizes.crowd / USERS_A_MESSAGE, timing.rounds * timing.roundMs * 2)
      record('crowd.delivery.p50', [percentile(crowd.deliveries, 50)])
      record('crowd.delivery.p99', [percentile(crowd.deliveries, 99)])
      record('crowd.rest', [await crowd.settled()])
      const memory = treeMemoryMb(server.pids)
      if (memory !== undefined) record('crowd.memory', [memory])
      record('crowd.resets', [crowd.resets])
      if (server.restart === undefined) return
      crowd.stop()
      await server.restart()
      record('crowd.restart', [await crowd.resume()])
    } finally {
      crowd.stop()
    }
  },
}

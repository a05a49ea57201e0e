/** A room in which everybody is awake: when the last one has a message, and what each costs in memory. */

import { createRoom, inParallel, join, register, registerMany } from '../client.ts'
import { deliveryRounds } from '../delivery.ts'
import { percentiles } from '../measure.ts'
import { settledMemoryMb } from '../process-tree.ts'
import { withAwake } from '../receiver.ts'
import type { Row } from '../target.ts'

const WIDTH = 8
/** After a message everybody asks again, which is a burst of work too: the next one must not wait behind it. */
const BETWEEN_MS = 500

export const awakeRow: Row = {
  name: 'awake',
  description:
    'members of one room who all long-poll: from before the send until half and all have it; memory is the growth from before these users existed until all have had messages, a user',
  ownServer: true,
  async run({ http, server, sizes, timing, record }) {
    const sender = await register(http)
    const room = await createRoom(sender, { preset: 'public_chat' })
    const before = await settledMemoryMb(server.pids)
    const members = await registerMany(http, sizes.awake, WIDTH)
    await inParallel(members.length, WIDTH, (index) => join(members[index]!, room))
    await withAwake(members, async (receivers) => {
      const rounds = await deliveryRounds(timing, sender, room, receivers, BETWEEN_MS)
      record('awake.send', percentiles(rounds, 'send', 50))
      record('awake.half', percentiles(rounds, 'half', 50))
      record('awake.all', percentiles(rounds, 'all', 50))
      const after = await settledMemoryMb(server.pids)
      if (before !== undefined && after !== undefined) {
        record('awake.memory', [(after - before) / members.length])
      }
    })
  },
}

/** A large room with ten people awake against one of those ten alone, and against a pair: only those awake should cost. */

import { createRoom, inParallel, join, register, registerMany, type Session } from '../client.ts'
import { deliveryRounds } from '../delivery.ts'
import { percentiles } from '../measure.ts'
import { withAwake } from '../receiver.ts'
import type { Row, RowContext } from '../target.ts'

const AWAKE = 10
const WIDTH = 8

export const membersRow: Row = {
  name: 'members',
  description:
    "a public room that many users joined, 10 of them awake, against one of 11, 10 of them awake, and one of 2; messages 10 ms apart, delivery is the median receiver's",
  async run(context) {
    const { http, sizes, record } = context
    const sender = await register(http)
    const small = await createRoom(sender, { preset: 'public_chat' })
    const other = await register(http)
    await join(other, small)
    await measure(context, 'small', sender, small, [other])

    const big = await createRoom(sender, { preset: 'public_chat' })
    const start = performance.now()
    const members = await registerMany(http, sizes.members - 1, WIDTH)
    const registered = performance.now()
    await inParallel(members.length, WIDTH, (index) => join(members[index]!, big))
    const joined = performance.now()
    record('members.register', [members.length / ((registered - start) / 1000)])
    record('members.join', [members.length / ((joined - registered) / 1000)])
    const awake = members.slice(0, AWAKE)
    const some = await createRoom(sender, { preset: 'public_chat' })
    await inParallel(awake.length, WIDTH, (index) => join(awake[index]!, some))
    await measure(context, 'some', sender, some, awake)
    await measure(context, 'big', sender, big, awake)
  },
}

async function measure(
  { timing, record }: RowContext,
  size: 'small' | 'some' | 'big',
  sender: Session,
  room: string,
  awake: readonly Session[],
): Promise<void> {
  const rounds = await withAwake(awake, (receivers) => deliveryRounds(timing, sender, room, receivers))
  record(`members.${size}.send`, percentiles(rounds, 'send', 50))
  record(`members.${size}.delivery`, percentiles(rounds, 'half', 50))
}

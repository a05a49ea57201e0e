/** A room with a long history against a new one: nothing should cost more. */

import { createRoom, inParallel, messages, register, send, syncNow } from '../client.ts'
import { percentiles, sampleRounds, timed } from '../measure.ts'
import type { Row, RowContext } from '../target.ts'

const WIDTH = 16
const SMALL_EVENTS = 10
const PAGE = 10

export const historyRow: Row = {
  name: 'history',
  description: 'send, the newest page of /messages and an initial sync of a user whose only room it is',
  async run(context) {
    await measure(context, 'small', SMALL_EVENTS)
    await measure(context, 'big', context.sizes.events)
  },
}

async function measure(
  { http, timing, record }: RowContext,
  size: 'small' | 'big',
  events: number,
): Promise<void> {
  const user = await register(http)
  const room = await createRoom(user)
  await inParallel(events, WIDTH, () => send(user, room))
  const calls = {
    // Reading first: the sends that are timed make the small room's history longer.
    initial: () => timed(() => syncNow(user)),
    messages: () => timed(() => messages(user, room, PAGE)),
    send: () => timed(() => send(user, room)),
  }
  for (const name of ['initial', 'messages', 'send'] as const) {
    const rounds = await sampleRounds(timing, async () => ({ time: await calls[name]() }))
    record(`history.${size}.${name}`, percentiles(rounds, 'time', 50))
  }
}

/** How long one call takes when nothing else happens, one at a time. */

import {
  askUntil,
  createRoom,
  join,
  leave,
  login,
  register,
  type Session,
  send,
  syncNow,
  uniqueMarker,
} from '../client.ts'
import { deliveryRounds } from '../delivery.ts'
import type { FigureId } from '../figures.ts'
import type { HttpClient } from '../http.ts'
import { afterRest, percentiles, sampleRounds, timed } from '../measure.ts'
import { withAwake } from '../receiver.ts'
import type { Row, RowContext } from '../target.ts'

const INITIAL_ROOMS = 10
const INITIAL_MESSAGES = 5

export const deliveryRow: Row = {
  name: 'delivery',
  description:
    'one message at a time: alone, one after the other; 10 ms apart; the same with one waiting receiver, until the send is answered and until /sync is',
  async run({ http, timing, record }) {
    const { sender, other, room } = await makePair(http)
    const alone = await sampleRounds(timing, async () => ({ time: await timed(() => send(sender, room)) }))
    record('send.p50', percentiles(alone, 'time', 50))
    record('send.p99', percentiles(alone, 'time', 99))
    const rested = await sampleRounds(timing, () => afterRest(() => send(sender, room)))
    record('send.rested', percentiles(rested, 'time', 50))
    const rounds = await withAwake([other], (receivers) => deliveryRounds(timing, sender, room, receivers))
    record('delivery.send', percentiles(rounds, 'send', 50))
    record('delivery.p50', percentiles(rounds, 'all', 50))
    record('delivery.p99', percentiles(rounds, 'all', 99))
    record('delivery.after.p50', percentiles(rounds, 'after', 50))
    record('delivery.after.p99', percentiles(rounds, 'after', 99))
  },
}

export const syncRow: Row = {
  name: 'sync',
  description: 'a /sync that does not wait, after one message in one room; and one with no token at all',
  async run(context) {
    const { sender, other, room } = await makePair(context.http)
    let since = (await syncNow(other)).nextBatch
    await recordLatency(context, 'sync.one', async () => {
      const marker = uniqueMarker()
      await send(sender, room, marker)
      const { nextBatch, time } = await askUntil((token) => syncNow(other, token), since, [marker])
      since = nextBatch
      return time
    })

    const owner = await register(context.http)
    for (let count = 0; count < INITIAL_ROOMS; count += 1) {
      const owned = await createRoom(owner, { name: `Room ${count}` })
      for (let sent = 0; sent < INITIAL_MESSAGES; sent += 1) await send(owner, owned)
    }
    await recordLatency(context, 'sync.initial', () => timed(() => syncNow(owner)))
  },
}

export const callsRow: Row = {
  name: 'calls',
  description: 'createRoom, join of a public room (left again, untimed, before the next) and password login',
  async run(context) {
    const { sender, other, room } = await makePair(context.http)
    await recordLatency(context, 'create', () => timed(() => createRoom(sender)))
    await recordLatency(context, 'join', async () => {
      await leave(other, room)
      return timed(() => join(other, room))
    })
    await recordLatency(context, 'login', () => timed(() => login(other)))
  },
}

type LatencyFigure = 'sync.one' | 'sync.initial' | 'create' | 'join' | 'login'

async function recordLatency(
  { timing, record }: RowContext,
  figure: LatencyFigure,
  sample: () => Promise<number>,
): Promise<void> {
  const rounds = await sampleRounds(timing, async () => ({ time: await sample() }))
  for (const rank of [50, 99] as const) {
    record(`${figure}.p${rank}` satisfies FigureId, percentiles(rounds, 'time', rank))
  }
}

async function makePair(http: HttpClient): Promise<{ sender: Session; other: Session; room: string }> {
  const sender = await register(http)
  const other = await register(http)
  const room = await createRoom(sender, { preset: 'public_chat' })
  await join(other, room)
  return { sender, other, room }
}

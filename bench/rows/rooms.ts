/** A user with many rooms against one with few: looking should cost what changed, not what is there. */

import {
  askUntil,
  createRoom,
  inParallel,
  join,
  register,
  type Session,
  type SyncAnswer,
  send,
  slideNow,
  syncNow,
  uniqueMarker,
} from '../client.ts'
import type { HttpClient } from '../http.ts'
import { pause, percentiles, sampleRounds, type Timing, timed } from '../measure.ts'
import type { Row } from '../target.ts'

const WIDTH = 8
/** How many rooms change while the user is away. */
const CHANGED = 20
/** The partner speaks in this many of the rooms, taken in turn. */
const SHARED = 100
/** Nobody comes back in the same millisecond: what follows a send has time to happen. */
const ABSENCE_MS = 20

interface Household {
  user: Session
  partner: Session
  /** The rooms in which the partner speaks. */
  shared: readonly string[]
  /** Carried from one measurement to the next, as no answer to an old one should be timed. */
  turn: number
}

/** How the user looks: by `/sync` or by sliding sync, each with a token of its own. */
interface Look {
  ask: (since: string) => Promise<SyncAnswer>
  since: string
}

/** One connection of the client's room list. */
const CONNECTION = 'room-list'

export const roomsRow: Row = {
  name: 'rooms',
  description:
    'a /sync that does not wait, and the same by sliding sync for a list of 20 rooms: with nothing new, with 1 changed room, after an absence in which 20 changed, and the first of all',
  async run({ http, sizes, timing, record }) {
    const single = await furnish(http, 1)
    const alone = await bySync(single)
    record('rooms.small.idle', await lookAfter(timing, single, alone, 0))
    record('rooms.small.one', await lookAfter(timing, single, alone, 1))
    const some = await furnish(http, CHANGED)
    record('rooms.small.return', await lookAfter(timing, some, await bySync(some), CHANGED))
    const many = await furnish(http, sizes.rooms)
    record('rooms.big.first', await first(timing, () => syncNow(many.user)))
    const sync = await bySync(many)
    record('rooms.big.idle', await lookAfter(timing, many, sync, 0))
    record('rooms.big.one', await lookAfter(timing, many, sync, 1))
    record('rooms.big.return', await lookAfter(timing, many, sync, CHANGED))
    record('sliding.first', await first(timing, () => slideNow(many.user, CONNECTION)))
    const sliding = await bySliding(many)
    record('sliding.idle', await lookAfter(timing, many, sliding, 0))
    record('sliding.one', await lookAfter(timing, many, sliding, 1))
    record('sliding.return', await lookAfter(timing, many, sliding, CHANGED))
  },
}

async function bySync({ user }: Household): Promise<Look> {
  return { ask: (since) => syncNow(user, since), since: (await syncNow(user)).nextBatch }
}

async function bySliding({ user }: Household): Promise<Look> {
  const { nextBatch: since } = await slideNow(user, CONNECTION)
  return { ask: (pos) => slideNow(user, CONNECTION, pos), since }
}

/** p50 of a client that begins anew. */
async function first(timing: Timing, ask: () => Promise<SyncAnswer>): Promise<number[]> {
  return percentiles(await sampleRounds(timing, async () => ({ time: await timed(ask) })), 'time', 50)
}

async function furnish(http: HttpClient, rooms: number): Promise<Household> {
  const user = await register(http)
  const partner = await register(http)
  const owned = await inParallel(rooms, WIDTH, () => createRoom(user, { preset: 'public_chat' }))
  const shared = owned.slice(0, SHARED)
  await inParallel(shared.length, WIDTH, (index) => join(partner, shared[index]!))
  return { user, partner, shared, turn: 0 }
}

/** p50 of a look after the partner spoke in `changed` rooms, for each round. */
async function lookAfter(
  timing: Timing,
  household: Household,
  look: Look,
  changed: number,
): Promise<number[]> {
  const rounds = await sampleRounds(timing, async () => {
    const markers = await speak(household, changed)
    await pause(ABSENCE_MS)
    const { nextBatch, time } = await askUntil(look.ask, look.since, markers)
    look.since = nextBatch
    return { time }
  })
  return percentiles(rounds, 'time', 50)
}

/** The partner says something in the next `count` shared rooms. */
async function speak(household: Household, count: number): Promise<string[]> {
  const { partner, shared } = household
  const first = household.turn
  household.turn += count
  return inParallel(count, WIDTH, async (index) => {
    const marker = uniqueMarker()
    await send(partner, shared[(first + index) % shared.length]!, marker)
    return marker
  })
}

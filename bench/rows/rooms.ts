/** A user with many rooms against one with few: looking should cost what changed, not what is there. */

import {
  createRoom,
  inParallel,
  join,
  register,
  type Session,
  send,
  syncNow,
  syncUntil,
  uniqueMarker,
} from '../client.ts'
import type { HttpClient } from '../http.ts'
import { pause, percentiles, sampleRounds, type Timing } from '../measure.ts'
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
  /** The user's sync token: carried from one measurement to the next, as no answer to an old one should be timed. */
  since: string
  turn: number
}

export const roomsRow: Row = {
  name: 'rooms',
  description:
    'a /sync that does not wait: with nothing new, with 1 changed room, after an absence in which 20 changed',
  async run({ http, sizes, timing, record }) {
    const single = await furnish(http, 1)
    record('rooms.small.idle', await syncAfter(timing, single, 0))
    record('rooms.small.one', await syncAfter(timing, single, 1))
    record('rooms.small.return', await syncAfter(timing, await furnish(http, CHANGED), CHANGED))
    const many = await furnish(http, sizes.rooms)
    record('rooms.big.idle', await syncAfter(timing, many, 0))
    record('rooms.big.one', await syncAfter(timing, many, 1))
    record('rooms.big.return', await syncAfter(timing, many, CHANGED))
  },
}

async function furnish(http: HttpClient, rooms: number): Promise<Household> {
  const user = await register(http)
  const partner = await register(http)
  const owned = await inParallel(rooms, WIDTH, () => createRoom(user, { preset: 'public_chat' }))
  const shared = owned.slice(0, SHARED)
  await inParallel(shared.length, WIDTH, (index) => join(partner, shared[index]!))
  return { user, partner, shared, since: (await syncNow(user)).nextBatch, turn: 0 }
}

/** p50 of a sync after the partner spoke in `changed` rooms, for each round. */
async function syncAfter(timing: Timing, household: Household, changed: number): Promise<number[]> {
  const rounds = await sampleRounds(timing, async () => {
    const markers = await speak(household, changed)
    await pause(ABSENCE_MS)
    const { nextBatch, time } = await syncUntil(household.user, household.since, markers)
    household.since = nextBatch
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

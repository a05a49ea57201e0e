/**
 * Tells presence: finds the users that are awake in the user's small rooms, and sends each one message. No Room stores
 * anything.
 */
import type { PresenceState } from '../../../src/objects/user/presence.ts'
import { inTurns } from '../../../src/worker-pool.ts'
import type { Peers } from '../../peers.ts'

/** In larger rooms nobody is told: presence there would cost more than all the rest. */
const MAX_MEMBERS = 100
/** Of what one invocation may call, a good half: the pulls of the same sync need the rest. */
const MAX_ROOMS = 150
const MAX_PEOPLE = 150
/** A Durable Object has six waiting connections: the pulls of the sync need theirs. */
const AT_ONCE = 2

/**
 * Tells everybody awake around a user; answers the presence of those that could be reached.
 * @param met the user has come into these rooms
 */
export async function tellPresence(
  objects: Peers,
  roomIds: readonly string[],
  state: PresenceState,
  met = false,
): Promise<PresenceState[]> {
  const awake = await answersOf(roomIds.slice(-MAX_ROOMS), (roomId) =>
    objects.room(roomId).awake(state.userId, MAX_MEMBERS),
  )
  const people = [...new Set(awake.flat())].slice(0, MAX_PEOPLE)
  return answersOf(people, (userId) => objects.user(userId).hearPresence(state, met))
}

/** What each answers, a few asked at once; one that fails is left out. */
async function answersOf<T, R>(all: readonly T[], ask: (one: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = []
  await inTurns([...all], AT_ONCE, async (one) => {
    const answer = await ask(one).catch(() => undefined)
    if (answer !== undefined) answers.push(answer)
  })
  return answers
}

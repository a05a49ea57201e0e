/** Tells presence: each of the user's small rooms is told, and tells those of its members that listen. */
import type { PresenceState } from '../../../src/objects/user/presence.ts'
import { inTurns } from '../../../src/worker-pool.ts'
import type { Peers } from '../../peers.ts'

/** A third of what one invocation may call: the pulls of the same sync need the rest. */
const MAX_ROOMS = 150
/** A Durable Object has six waiting connections: the pulls of the sync need theirs. */
const AT_ONCE = 2

/**
 * Tells the first of these rooms what a user is. Answers the presence of others that the rooms know; a room that fails
 * is left out.
 * @param met the user has just come into these rooms
 */
export async function announcePresence(
  objects: Peers,
  roomIds: readonly string[],
  state: PresenceState,
  met = false,
): Promise<PresenceState[]> {
  const others: PresenceState[] = []
  await inTurns(roomIds.slice(0, MAX_ROOMS), AT_ONCE, async (roomId) => {
    const known = await objects
      .room(roomId)
      .announce(state, met)
      .catch(() => [])
    others.push(...known)
  })
  return others
}

/** Joining restricted rooms: Client-Server API §Restricted rooms. */
import { candidates } from '../../../src/federation/membership/in-turn.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { AppContext, UserContext } from '../../app-env.ts'
import type { NamedRoom } from './elsewhere/places.ts'

/** Those of the rooms named by a restricted room's rule in which the user is. Empty under any other rule. */
export async function allowRoomsJoined(c: UserContext, roomId: string): Promise<string[]> {
  return roomsJoinedOf(c, await c.var.objects.room(roomId).joinRule())
}

/** The same, of a rule that is known. */
export async function roomsJoinedOf(
  c: UserContext,
  { joinRule, allowRooms }: { joinRule: string; allowRooms: readonly string[] },
): Promise<string[]> {
  const { requester } = c.var
  if (joinRule !== 'restricted' && joinRule !== 'knock_restricted') return []
  const joined = await Promise.all(allowRooms.map((room) => isJoined(c, room, requester.userId)))
  return allowRooms.filter((_, index) => joined[index])
}

/**
 * After a refusal here, the servers through which a user may still come in: where nobody here may vouch for them, a user of
 * another server in the room may. Server-Server API §Restricted rooms.
 */
export async function vouchingServers(
  c: UserContext,
  { roomId, servers, rule: { joinRule } }: NamedRoom & { rule: { joinRule: string } },
  refusal: unknown,
): Promise<string[]> {
  const { objects, ports, requester } = c.var
  const isForbidden = refusal instanceof MatrixError && refusal.errcode === 'M_FORBIDDEN'
  if (!isForbidden || !objects.servers.federates || requester.kind === 'guest') return []
  if (joinRule !== 'restricted' && joinRule !== 'knock_restricted') return []
  const names = [...servers, ...(await objects.room(roomId).serversIn())]
  return candidates(names, [], ports.config.serverName)
}

/** A listed room that is not here, or is not a room, lets no user in. It must not keep out the members of the others. */
async function isJoined(c: AppContext, roomId: string, userId: string): Promise<boolean> {
  try {
    return await c.var.objects.room(roomId).isJoined(userId)
  } catch (error) {
    if (error instanceof MatrixError && error.errcode === 'M_NOT_FOUND') return false
    throw error
  }
}

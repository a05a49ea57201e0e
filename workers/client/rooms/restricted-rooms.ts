/** Joining restricted rooms: Client-Server API §Restricted rooms. */
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { AppContext, UserContext } from '../../app-env.ts'

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

/** A listed room that is not here, or is not a room, lets no user in. It must not keep out the members of the others. */
async function isJoined(c: AppContext, roomId: string, userId: string): Promise<boolean> {
  try {
    return await c.var.objects.room(roomId).isJoined(userId)
  } catch (error) {
    if (error instanceof MatrixError && error.errcode === 'M_NOT_FOUND') return false
    throw error
  }
}

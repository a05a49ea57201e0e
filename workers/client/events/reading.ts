/** What the endpoints that read a room have in common: places, filters, and ignored users. */
import { MatrixError } from '../../../src/protocol/errors.ts'
import { parseRoomEventFilter, type RoomEventFilter } from '../../../src/protocol/matching/filter.ts'
import type { UserContext } from '../../app-env.ts'
import { Count } from '../params.ts'

const MAX_LIMIT = 1000

/** The query parameter `limit`, with the endpoint's own default. */
export function limitOf(defaultLimit: number) {
  return Count.transform((limit) => Math.min(limit, MAX_LIMIT)).default(defaultLimit)
}

/** Sync tokens are accepted wherever a place in a room is: the User object knows where they stand. */
export async function position(
  c: UserContext,
  roomId: string,
  token: string | undefined,
): Promise<string | undefined> {
  if (!token?.startsWith('s')) return token
  const { objects, requester } = c.var
  return objects.user(requester.userId).positionOf(requester.session, token, roomId)
}

/** @throws MatrixError M_NOT_JSON, M_BAD_JSON */
export function parseInlineFilter(text: string | undefined): RoomEventFilter | undefined {
  if (text === undefined) return undefined
  let filter: unknown
  try {
    filter = JSON.parse(text)
  } catch {
    throw new MatrixError('M_NOT_JSON', 'filter is not JSON')
  }
  return parseRoomEventFilter(filter)
}

/** The users that the reader ignores (Client-Server API §Ignoring Users). */
export function ignoredBy(c: UserContext): Promise<string[]> {
  const { objects, requester } = c.var
  return objects.user(requester.userId).ignoredUsers(requester.session)
}

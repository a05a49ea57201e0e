/** Whether a user may know of a room that they are not in: for summaries and for the hierarchy of spaces. */
import type { SummaryAnswer } from '../../../src/objects/room/summary.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { PossibleUserContext } from '../../app-env.ts'

/** Rooms as one request may see them: the viewer's own rooms are asked for once, and only where a room needs it. */
export function summariesFor(c: PossibleUserContext) {
  const { requester } = c.var
  let joined: Promise<ReadonlySet<string>> | undefined
  const joinedRooms = async (): Promise<ReadonlySet<string>> => {
    if (requester === undefined) return new Set()
    return new Set(await c.var.objects.user(requester.userId).joinedRooms(requester.session))
  }

  /** "…`restricted`, provided the user meets one of the specified conditions." */
  const meetsCondition = async ({ membership, summary }: SummaryAnswer) => {
    const allowed = summary.allowed_room_ids ?? []
    if (membership === 'ban' || allowed.length === 0) return false
    joined ??= joinedRooms()
    const rooms = await joined
    return allowed.some((roomId) => rooms.has(roomId))
  }

  /** The room's summary; undefined if there is no such room, or if the viewer may not know of it. */
  return async (roomId: string): Promise<SummaryAnswer | undefined> => {
    const answer = await c.var.objects
      .room(roomId)
      .summary(requester?.userId ?? null)
      .catch(whereMissing)
    if (answer === undefined) return undefined
    return answer.open || (await meetsCondition(answer)) ? answer : undefined
  }
}

function whereMissing(error: unknown): undefined {
  if (error instanceof MatrixError && error.errcode === 'M_NOT_FOUND') return undefined
  throw error
}

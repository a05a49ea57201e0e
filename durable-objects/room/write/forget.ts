/** Forgetting a room: Client-Server API §POST /rooms/{roomId}/forget. */
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { RoomWriter } from '../context.ts'
import { hasForgotten, noteForgotten } from '../rows/members/forgotten.ts'
import { appendLog } from '../rows/tell/log.ts'
import { feed } from '../rows/tell/member-feed.ts'

/**
 * Takes the room off a user's list, inside the caller's transaction; the same again changes nothing.
 * @throws MatrixError M_UNKNOWN unless the user has left
 */
export function forget(room: RoomWriter, userId: string): void {
  const { store } = room
  // Reads the rules first, so that a room that does not exist is M_NOT_FOUND.
  void store.rules
  const member = store.member(userId)
  if (member?.membership !== 'leave' && member?.membership !== 'ban') {
    throw new MatrixError('M_UNKNOWN', 'Only a room that you have left can be forgotten', { status: 400 })
  }
  if (hasForgotten(store.sql, userId)) return
  noteForgotten(store.sql, userId)
  const pos = appendLog(room, { kind: 'forgotten', pos: 0, userId })
  feed(room, userId, {
    roomId: store.roomId,
    pos,
    membership: member.membership,
    unchanged: true,
    eventId: member.eventId,
    sender: userId,
    forgotten: true,
  })
}

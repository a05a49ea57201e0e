/** Forgetting a room: Client-Server API §POST /rooms/{roomId}/forget. */

import type { MembershipChange } from '../../../src/objects/user/sync.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { RoomWriter } from '../context.ts'
import { hasForgotten } from '../rows/forgotten.ts'
import { appendLog } from '../rows/log.ts'

/**
 * Takes the room off a user's list, inside the caller's transaction; the same again changes nothing.
 * @throws MatrixError M_UNKNOWN unless the user has left
 */
export function forget(room: RoomWriter, userId: string): void {
  const { store } = room
  // Reading the rules first: a room that does not exist is M_NOT_FOUND.
  void store.rules
  const member = store.member(userId)
  if (member?.membership !== 'leave' && member?.membership !== 'ban') {
    throw new MatrixError('M_UNKNOWN', 'Only a room that you have left can be forgotten', { status: 400 })
  }
  if (hasForgotten(store.sql, userId)) return
  store.sql.exec('INSERT INTO forgotten (user_id) VALUES (?)', userId)
  const pos = appendLog(room, { kind: 'forgotten', pos: 0, userId })
  const change: MembershipChange = {
    roomId: store.roomId,
    pos,
    membership: member.membership,
    unchanged: true,
    eventId: member.eventId,
    sender: userId,
    forgotten: true,
  }
  store.sql.exec(
    'INSERT INTO member_feed (user_id, pos, change) VALUES (?, ?, ?)',
    userId,
    pos,
    JSON.stringify(change),
  )
  room.fed.push(userId)
}

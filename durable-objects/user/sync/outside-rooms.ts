/** What other servers told of rooms in which no user of this one is: the archive has it of the user alone. */
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import type { UserRoom } from './memberships.ts'
import { numberFor, putRoom, type RoomRow } from './room-rows.ts'

export const OUTSIDE_ROOM = 'outside_room'

type Kept = Pick<RoomRow, 'membership' | 'event_id' | 'stripped' | 'forgotten'>

/** What to archive of such a room. Nothing stays of it once a Room has told of it. */
export function outsideRecord(room: UserRoom | undefined): Omit<UserLogEntry, 'seq'>[] {
  if (room === undefined) return []
  const { roomId, membership, eventId, stripped, forgotten, outside } = room
  const kept: Kept = {
    membership,
    event_id: eventId,
    stripped: stripped.length === 0 ? null : JSON.stringify(stripped),
    forgotten: forgotten ? 1 : 0,
  }
  return [{ kind: OUTSIDE_ROOM, key: roomId, body: outside ? JSON.stringify(kept) : null }]
}

/** Puts such a room back, after the rooms of which Rooms told. */
export function restoreOutside(
  sql: SqlStorage,
  { key, body }: { key: string; body: string },
  own: number,
): void {
  const kept = JSON.parse(body) as Kept
  putRoom(sql, {
    ...kept,
    ...numberFor(sql, key),
    room_id: key,
    was: null,
    own,
    at: null,
    by_other: 1,
    outside: 1,
  })
}

/** Server-Server API §GET /timestamp_to_event/{roomId}: the event nearest to a moment, of those that a server may see. */
import type { RoomReader } from '../../context.ts'
import { judgedEvent } from '../../rows/events/judged-events.ts'
import { nearestEvent } from '../at-time.ts'
import { requireInRoom } from './requester.ts'
import { ServerViewer } from './server-viewer.ts'

/** @throws MatrixError M_FORBIDDEN to servers outside the room; M_NOT_FOUND where there is no such event */
export function momentFor(
  room: RoomReader,
  origin: string,
  moment: { ts: number; dir: 'f' | 'b' },
): { event_id: string; origin_server_ts: number } {
  requireInRoom(room, origin)
  const viewer = new ServerViewer(room.store, origin)
  return nearestEvent(room.store, moment, {
    maySee({ event_id }) {
      const row = judgedEvent(room.store.sql, event_id)
      return row !== undefined && viewer.maySee(row)
    },
  })
}

/** Events for other servers, by their ids. */
import type { PduSlice } from '../../../../src/objects/room/for-servers.ts'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import type { RoomReader } from '../../context.ts'
import { FLAGS } from '../../rows/events/flags.ts'
import { type JudgedRow, judgedEvent } from '../../rows/events/judged-events.ts'
import { Budget } from '../budget.ts'
import { requireInRoom } from './requester.ts'
import { pduText, ServerViewer } from './server-viewer.ts'

/** An event that the room has with its place in the graph. A soft-failed one is sound for others. */
export function graphEvent({ store }: RoomReader, eventId: string): JudgedRow | undefined {
  const row = judgedEvent(store.sql, eventId)
  return row?.flags === FLAGS.accepted || row?.flags === FLAGS['soft-failed'] ? row : undefined
}

/**
 * Server-Server API §GET /event/{eventId}: state events of any time are needed to check others, so an outlier is told too.
 * @throws MatrixError M_FORBIDDEN to servers outside the room; M_NOT_FOUND
 */
export function pduFor(room: RoomReader, origin: string, eventId: string): string {
  requireInRoom(room, origin)
  const { store } = room
  const row = judgedEvent(store.sql, eventId)
  if (row === undefined || row.flags === FLAGS.rejected) throw noSuchEvent()
  if (row.flags === FLAGS.outlier) return pduText(row, store.rules)
  return new ServerViewer(store, origin).shown(row)
}

/**
 * State events and their auth chains, as many as one call carries. A server in the room gets the whole state, also where it
 * may not see the timeline.
 */
export function pdusFor(room: RoomReader, origin: string, eventIds: readonly string[]): PduSlice {
  requireInRoom(room, origin)
  const { store } = room
  const budget = new Budget()
  const pdus: string[] = []
  let taken = 0
  for (const eventId of eventIds) {
    const row = judgedEvent(store.sql, eventId)
    if (row !== undefined && !budget.takes(row.pdu.length)) break
    if (row !== undefined) pdus.push(pduText(row, store.rules))
    taken += 1
  }
  return { pdus, taken }
}

export function noSuchEvent(): MatrixError {
  return new MatrixError('M_NOT_FOUND', 'There is no such event here')
}

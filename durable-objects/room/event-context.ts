/** Client-Server API §GET /rooms/{roomId}/context/{eventId}: what stands around an event. */
import type { ContextAnswer, ContextRequest } from '../../src/ports.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { ClientEvent } from '../../src/protocol/event.ts'
import { matchesRoomEvent } from '../../src/protocol/filter.ts'
import type { RoomContext } from './context.ts'
import type { ShownRow } from './erasure.ts'
import { type Reading, readingOf, shownEvent } from './reading.ts'
import {
  firstPlace,
  lastPlace,
  membersAt,
  placeToken,
  type Scan,
  scan,
  stateAt,
  stateEvent,
} from './timeline.ts'

/** @throws MatrixError M_NOT_FOUND for an event that the viewer may not see */
export function eventContext(room: RoomContext, request: ContextRequest): ContextAnswer {
  const { store } = room
  const reading = readingOf(room, request.viewer, request.ignored)
  const stored = store.event(request.eventId)
  const row = stored && reading.viewer.shown(stored)
  if (row === undefined) throw new MatrixError('M_NOT_FOUND', 'Event not found')
  // "The limit applies to the sum of the events_before and events_after arrays."
  const half = Math.floor(request.limit / 2)
  const before = around(reading, request, { dir: 'b', from: row.pos, to: firstPlace(), limit: half })
  const rest = { from: row.pos + 1, to: lastPlace(), limit: request.limit - half }
  const after = around(reading, request, { dir: 'f', ...rest })
  const last = after.rows.at(-1) ?? row
  const shown = (rows: readonly ShownRow[]) => rows.map((one) => shownEvent(reading, one))
  return {
    start: placeToken(before.next ?? before.rows.at(-1)?.pos ?? row.pos),
    end: placeToken(after.next ?? last.pos + 1),
    event: shownEvent(reading, row),
    events_before: shown(before.rows),
    events_after: shown(after.rows),
    state: stateOf(reading, request, last.pos, [...before.rows, row, ...after.rows]),
  }
}

function around(
  { room, viewer, ignored }: Reading,
  { filter }: ContextRequest,
  range: { dir: 'b' | 'f'; from: number; to: number; limit: number },
): Scan {
  return scan(room.store, viewer, { ...range, filter, ignored })
}

/** "The state of the room at the last event returned", as far as the viewer is shown the room's state. */
function stateOf(
  { room, viewer }: Reading,
  { filter }: ContextRequest,
  pos: number,
  shown: readonly ShownRow[],
): ClientEvent[] {
  const { store } = room
  const end = viewer.stateEnd(store.head)
  if (end === undefined) return []
  const at = Math.min(end, pos)
  const senders = () => new Set(shown.map((row) => row.sender))
  const rows = filter?.lazy_load_members
    ? [...stateAt(store, at, { not: 'm.room.member' }), ...membersAt(room, senders(), at)]
    : stateAt(store, at)
  return rows
    .map((row) => stateEvent(row, store.roomId))
    .filter((event) => matchesRoomEvent(filter, event, store.roomId))
}

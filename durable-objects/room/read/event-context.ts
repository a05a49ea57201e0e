/** Client-Server API §GET /rooms/{roomId}/context/{eventId}: what stands around an event. */
import type { StateRequest } from '../../../src/objects/room/state.ts'
import type { ContextAnswer, ContextRequest } from '../../../src/objects/room/timeline.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { ClientEvent } from '../../../src/protocol/events/event.ts'
import type { RoomReader } from '../context.ts'
import { PART_LENGTH, shownWithin } from './budget.ts'
import type { ShownRow } from './erasures.ts'
import { type Reading, readingOf } from './reading.ts'
import { shownEvent } from './shown-event.ts'
import { firstPlace, lastPlace, placeToken, scan } from './timeline.ts'

/** @throws MatrixError M_NOT_FOUND for an event that the room does not have, M_FORBIDDEN for one the viewer may not see */
export function eventContext(room: RoomReader, request: ContextRequest): ContextAnswer {
  const { store } = room
  const reading = readingOf(room, request.viewer, request.ignored)
  const stored = store.event(request.eventId)
  if (stored === undefined) throw new MatrixError('M_NOT_FOUND', 'Event not found')
  const row = reading.viewer.shown(stored)
  if (row === undefined) throw new MatrixError('M_FORBIDDEN', 'You may not see this event')
  // "The limit applies to the sum of the events_before and events_after arrays."
  const half = Math.floor(request.limit / 2)
  const before = around(reading, request, { dir: 'b', from: row.pos, to: firstPlace(), limit: half })
  const rest = { from: row.pos + 1, to: lastPlace(), limit: request.limit - half }
  const after = around(reading, request, { dir: 'f', ...rest })
  const last = after.rows.at(-1) ?? row
  return {
    start: placeToken(before.next ?? before.rows.at(-1)?.pos ?? row.pos),
    end: placeToken(after.next ?? last.pos + 1),
    event: shownEvent(reading, row),
    events_before: before.events,
    events_after: after.events,
    state: stateOf(reading, request, last.pos, [...before.rows, row, ...after.rows]),
  }
}

/** One side of an event: as many events as half an answer holds. */
interface Side {
  rows: ShownRow[]
  events: ClientEvent[]
  /** The place from which to go on. */
  next: number | undefined
}

function around(
  reading: Reading,
  { filter }: ContextRequest,
  range: { dir: 'b' | 'f'; from: number; to: number; limit: number },
): Side {
  const { room, viewer, ignored } = reading
  const length = PART_LENGTH / 2
  const { rows, next } = scan(room.store, viewer, { ...range, filter, ignored, length })
  const events = shownWithin(rows, (row) => shownEvent(reading, row), length)
  const shown = rows.slice(0, events.length)
  return { rows: shown, events, next: shown.length === rows.length ? next : undefined }
}

/** "The state of the room at the last event returned", as far as the viewer is shown the room's state. */
function stateOf(
  { room, viewer }: Reading,
  { filter, viewer: { userId } }: ContextRequest,
  pos: number,
  shown: readonly ShownRow[],
): StateRequest | undefined {
  if (viewer.stateEnd(room.store.head) === undefined) return undefined
  const members = filter?.lazy_load_members ? [...new Set(shown.map(({ sender }) => sender))] : undefined
  return { viewer: userId, at: placeToken(pos + 1), filter, members }
}

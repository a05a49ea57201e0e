/** Client-Server API §GET /rooms/{roomId}/timestamp_to_event: the event nearest to a moment. */
import type { MomentRequest } from '../../../src/objects/room/timeline.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { RoomReader } from '../context.ts'
import { blocksNear, eventsOfBlock, type TimedEvent } from '../rows/events/time-blocks.ts'
import type { RowReader } from '../rows/reader.ts'
import { Viewer } from './visibility.ts'

/** @throws MatrixError M_FORBIDDEN where the user may not look into the room */
export function requireLook({ store }: RoomReader, userId: string): Viewer {
  const viewer = new Viewer(store, userId)
  viewer.requireLook(store.head)
  return viewer
}

/**
 * The visible event with the time nearest to `ts` on the asked side, that moment included. Senders' servers set the
 * times, so they need not rise with positions: blocks are looked at nearest first, as long as one may hold a better
 * event.
 * @throws MatrixError M_FORBIDDEN outside the room, M_NOT_FOUND where there is no such event
 */
export function eventAtTime(
  room: RoomReader,
  { viewer: userId, ts, dir }: MomentRequest,
): { event_id: string; origin_server_ts: number } {
  return nearestEvent(room.store, { ts, dir }, requireLook(room, userId))
}

/** The nearest event that the viewer may see. A viewer is a user or a server. @throws MatrixError M_NOT_FOUND */
export function nearestEvent(
  store: RowReader,
  { ts, dir }: Pick<MomentRequest, 'ts' | 'dir'>,
  viewer: Sees,
): { event_id: string; origin_server_ts: number } {
  let best: TimedEvent | undefined
  for (const { block, nearest } of blocksNear(store, ts, dir)) {
    if (best !== undefined && distance(best.ts, ts) < distance(nearest, ts)) break
    const found = firstSeen(viewer, eventsOfBlock(store, { block, ts, dir }))
    if (found !== undefined && (best === undefined || isBetter(found, best, ts, dir))) best = found
  }
  if (best === undefined)
    throw new MatrixError('M_NOT_FOUND', 'There is no event in that direction from `ts`')
  return { event_id: best.event_id, origin_server_ts: best.ts }
}

interface Sees {
  maySee(event: TimedEvent): boolean
}

function firstSeen(viewer: Sees, events: Iterable<TimedEvent>): TimedEvent | undefined {
  for (const event of events) if (viewer.maySee(event)) return event
  return undefined
}

/** Among events of the same moment: the first one going forwards, the last one going backwards. */
function isBetter(found: TimedEvent, best: TimedEvent, ts: number, dir: 'f' | 'b'): boolean {
  const closer = distance(best.ts, ts) - distance(found.ts, ts)
  return closer > 0 || (closer === 0 && (dir === 'f' ? found.pos < best.pos : found.pos > best.pos))
}

function distance(a: number, b: number): number {
  return Math.abs(a - b)
}

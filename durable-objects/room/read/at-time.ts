/** Client-Server API §GET /rooms/{roomId}/timestamp_to_event: the event nearest to a moment. */
import type { MomentRequest } from '../../../src/objects/room/timeline.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { RoomReader } from '../context.ts'
import type { RowReader } from '../rows/reader.ts'
import { BLOCK } from '../rows/time-blocks.ts'
import { Viewer } from './visibility.ts'

type Timed = { pos: number; event_id: string; type: string; state_key: string | null; ts: number }
type Block = { block: number; nearest: number }

/** @throws MatrixError M_FORBIDDEN where the user may not look into the room */
export function requireLook({ store }: RoomReader, userId: string): Viewer {
  const viewer = new Viewer(store, userId)
  if (!viewer.mayLook(store.head)) throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
  return viewer
}

/**
 * The visible event with the time nearest to `ts` on the asked side, that moment included. Times need not rise with
 * positions, since senders' servers set them: so blocks are looked at from the nearest, while one may hold better.
 * The blocks are complete: see `completeBlocks`.
 * @throws MatrixError M_FORBIDDEN outside the room, M_NOT_FOUND where there is no such event
 */
export function eventAtTime(
  room: RoomReader,
  { viewer: userId, ts, dir }: MomentRequest,
): { event_id: string; origin_server_ts: number } {
  const { store } = room
  const viewer = requireLook(room, userId)
  let best: Timed | undefined
  for (const { block, nearest } of blocksBy(store, ts, dir)) {
    if (best !== undefined && distance(best.ts, ts) < distance(nearest, ts)) break
    const found = nearestIn(store, viewer, { block, ts, dir })
    if (found !== undefined && (best === undefined || isBetter(found, best, ts, dir))) best = found
  }
  if (best === undefined)
    throw new MatrixError('M_NOT_FOUND', 'There is no event on that side of that moment')
  return { event_id: best.event_id, origin_server_ts: best.ts }
}

/** The blocks with events on the asked side, the one that may hold the nearest first; the newest is not yet stored. */
function blocksBy(store: RowReader, ts: number, dir: 'f' | 'b'): Block[] {
  const sql =
    dir === 'f'
      ? 'SELECT block, max(min_ts, ?1) AS nearest FROM blocks WHERE max_ts >= ?1 ORDER BY nearest, block'
      : 'SELECT block, min(max_ts, ?1) AS nearest FROM blocks WHERE min_ts <= ?1 ORDER BY nearest DESC, block DESC'
  return store.sql
    .exec<Block>(
      `WITH blocks AS (
         SELECT block, min_ts, max_ts FROM time_blocks
         UNION ALL SELECT pos >> 8, min(ts), max(ts) FROM events WHERE pos >= ?2 GROUP BY pos >> 8
       ) ${sql}`,
      ts,
      Math.floor(store.head / BLOCK) * BLOCK,
    )
    .toArray()
}

function nearestIn(
  store: RowReader,
  viewer: Viewer,
  { block, ts, dir }: { block: number; ts: number; dir: 'f' | 'b' },
): Timed | undefined {
  const side = dir === 'f' ? 'ts >= ? ORDER BY ts, pos' : 'ts <= ? ORDER BY ts DESC, pos DESC'
  const events = store.sql.exec<Timed>(
    `SELECT pos, event_id, type, state_key, ts FROM events
     WHERE pos >= ? AND pos < ? AND flags = 0 AND ${side}`,
    block * BLOCK,
    (block + 1) * BLOCK,
    ts,
  )
  for (const event of events) if (viewer.maySee(event)) return event
  return undefined
}

/** Of events of one moment, the first one going forwards, and the last one going backwards. */
function isBetter(found: Timed, best: Timed, ts: number, dir: 'f' | 'b'): boolean {
  const closer = distance(best.ts, ts) - distance(found.ts, ts)
  return closer > 0 || (closer === 0 && (dir === 'f' ? found.pos < best.pos : found.pos > best.pos))
}

function distance(a: number, b: number): number {
  return Math.abs(a - b)
}

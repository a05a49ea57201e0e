/** When the events of a stretch of positions were sent: an index by time that costs a row for many events. */
import { first } from '../../sqlite.ts'
import type { RoomStore } from './store.ts'

/** Positions of one row of `time_blocks`. Events carry no index by time: it would cost every message a row. */
export const BLOCK = 256

/** Adds the blocks that are full by now, inside the caller's transaction; nothing where there are none. */
export function completeBlocks(store: RoomStore): void {
  const last = first<{ block: number | null }>(
    store.sql,
    'SELECT max(block) AS block FROM time_blocks',
  )?.block
  const from = last == null ? Number.MIN_SAFE_INTEGER : (last + 1) * BLOCK
  const full = Math.floor(store.head / BLOCK) * BLOCK
  if (from >= full) return
  store.sql.exec(
    `INSERT INTO time_blocks (block, min_ts, max_ts)
     SELECT pos >> 8, min(ts), max(ts) FROM events WHERE pos >= ? AND pos < ? GROUP BY pos >> 8`,
    from,
    full,
  )
}

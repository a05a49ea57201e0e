/** The table `time_blocks`: between which times the events of 256 positions lie, for jumps to a date. */
import { first, type SqlReader } from '../../../sqlite.ts'
import type { RowReader } from '../reader.ts'
import type { RoomStore } from '../store.ts'
import type { EventRow } from './events.ts'

export const TIME_BLOCKS_TABLE = `
  -- The times of 256 positions each, for jumps to a date: made from the events when first asked for.
  CREATE TABLE time_blocks (
    block INTEGER PRIMARY KEY,
    min_ts INTEGER NOT NULL,
    max_ts INTEGER NOT NULL
  );
`

/** Positions of one row. Events carry no index by time: it would cost every message a row. */
const BLOCK = 256

export type TimedEvent = Pick<EventRow, 'pos' | 'event_id' | 'type' | 'state_key' | 'ts'>

/** A block, and the moment on the asked side that is nearest to the one asked for. */
export type NearBlock = { block: number; nearest: number }

/** The position after the last block that is stored. */
function storedUpTo(sql: SqlReader): number {
  const last = first<{ block: number | null }>(sql, 'SELECT max(block) AS block FROM time_blocks')?.block
  return last == null ? Number.MIN_SAFE_INTEGER : (last + 1) * BLOCK
}

/**
 * The blocks with events on the asked side, the one that may hold the nearest first. Those that are not stored yet are
 * made from their events.
 */
export function blocksNear({ sql }: RowReader, ts: number, dir: 'f' | 'b'): NearBlock[] {
  const select =
    dir === 'f'
      ? 'SELECT block, max(min_ts, ?1) AS nearest FROM blocks WHERE max_ts >= ?1 ORDER BY nearest, block'
      : 'SELECT block, min(max_ts, ?1) AS nearest FROM blocks WHERE min_ts <= ?1 ORDER BY nearest DESC, block DESC'
  return sql
    .exec<NearBlock>(
      `WITH blocks AS (
         SELECT block, min_ts, max_ts FROM time_blocks
         UNION ALL SELECT pos >> 8, min(ts), max(ts) FROM events WHERE pos >= ?2 AND flags = 0 GROUP BY pos >> 8
       ) ${select}`,
      ts,
      storedUpTo(sql),
    )
    .toArray()
}

/** The events of a block that clients see, on one side of a moment, the nearest first. */
export function eventsOfBlock(
  { sql }: RowReader,
  { block, ts, dir }: { block: number; ts: number; dir: 'f' | 'b' },
): Iterable<TimedEvent> {
  const side = dir === 'f' ? 'ts >= ? ORDER BY ts, pos' : 'ts <= ? ORDER BY ts DESC, pos DESC'
  return sql.exec<TimedEvent>(
    `SELECT pos, event_id, type, state_key, ts FROM events
     WHERE pos >= ? AND pos < ? AND flags = 0 AND ${side}`,
    block * BLOCK,
    (block + 1) * BLOCK,
    ts,
  )
}

/** Notes an event that came late in the block that is stored already: history that another server gave. */
export function widenBlock(sql: SqlStorage, pos: number, ts: number): void {
  if (pos >= storedUpTo(sql)) return
  sql.exec(
    `INSERT INTO time_blocks (block, min_ts, max_ts) VALUES (?, ?, ?)
     ON CONFLICT (block) DO UPDATE SET min_ts = min(min_ts, excluded.min_ts), max_ts = max(max_ts, excluded.max_ts)`,
    Math.floor(pos / BLOCK),
    ts,
    ts,
  )
}

/** Stores the blocks that are full by now: one row for 256 events, and nothing where there are none. */
export function completeBlocks({ sql, head }: RoomStore): void {
  const from = storedUpTo(sql)
  const full = Math.floor(head / BLOCK) * BLOCK
  if (from >= full) return
  sql.exec(
    `INSERT INTO time_blocks (block, min_ts, max_ts)
     SELECT pos >> 8, min(ts), max(ts) FROM events WHERE pos >= ? AND pos < ? AND flags = 0 GROUP BY pos >> 8`,
    from,
    full,
  )
}

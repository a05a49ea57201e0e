/** What a partition does after the whole server was restored: see restore.ts. */
import { TOPICS } from '../../src/protocol/event-stream.ts'
import { newestBatch, offsetOf } from './rows/batches.ts'
import { readEnd, writeEnd } from './rows/ends.ts'

/** More records than a partition gets between a backup and the loss of what came after it. */
const GAP = 100_000_000

/** Offsets that were given after the backup name nothing any more: no new record may stand at one of them. */
export function renewPartition(sql: SqlStorage): void {
  for (const topic of TOPICS) {
    const kept = readEnd(sql, topic)
    const newest = newestBatch(sql, topic)
    const end = newest === undefined ? 0 : offsetOf(newest.place) + newest.records
    const total = newest?.total ?? kept.total
    writeEnd(sql, { topic, next: Math.max(kept.next, end) + GAP, total })
  }
}

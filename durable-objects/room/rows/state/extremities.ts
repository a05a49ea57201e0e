/** The forward extremities, kept among the small facts of `meta` while the room has forks. */
import type { Extremity } from '../../../../src/protocol/events/extremities.ts'
import { deleteMeta, readMeta, type SqlReader, writeMeta } from '../../../sqlite.ts'
import { newestShown } from '../events/events.ts'

/** In a room without forks, the newest event. */
export function readExtremities(sql: SqlReader): readonly Extremity[] {
  return forked(sql) ?? newestEvent(sql)
}

/** Writes nothing while the room has no forks: the newest event is its one extremity then. */
export function writeExtremities(sql: SqlStorage, extremities: readonly Extremity[]): void {
  const isNewest = extremities.length === 1 && extremities[0]?.eventId === newestEvent(sql)[0]?.eventId
  if (!isNewest) writeMeta(sql, 'extremities', JSON.stringify(extremities))
  else if (forked(sql) !== undefined) deleteMeta(sql, 'extremities')
}

function forked(sql: SqlReader): Extremity[] | undefined {
  const stored = readMeta<string>(sql, 'extremities')
  return stored === undefined ? undefined : (JSON.parse(stored) as Extremity[])
}

function newestEvent(sql: SqlReader): Extremity[] {
  const row = newestShown(sql)
  return row === undefined ? [] : [{ eventId: row.event_id, depth: row.depth }]
}

/** How many rooms the user has made: each counts once, however often its making is asked for. */
import type { Quotas } from '../../../src/ports/config.ts'
import { requireQuota } from '../../../src/quotas.ts'
import { readMeta, writeMeta } from '../../sqlite.ts'

const MADE = 'rooms_made'
/** The makings that were counted last, oldest first: one whose answer was lost is asked for again. */
const COUNTED = 'rooms_counted'
/** More than a client has under way at once. */
const REMEMBERED = 16

/**
 * Counts a room that is about to be made, inside the caller's transaction. Two rows, one of them so that the same
 * making is not counted again. Neither is archived: a user who is made again begins at nothing.
 * @param making by what the same one is known when it is asked for again
 * @throws MatrixError M_RESOURCE_LIMIT_EXCEEDED past the quota
 */
export function countRoomMade(sql: SqlStorage, making: string, quotas: Quotas): void {
  const counted = JSON.parse(readMeta<string>(sql, COUNTED) ?? '[]') as string[]
  if (counted.includes(making)) return
  const made = (readMeta<number>(sql, MADE) ?? 0) + 1
  requireQuota(quotas, 'rooms', made)
  writeMeta(sql, MADE, made)
  writeMeta(sql, COUNTED, JSON.stringify([...counted, making].slice(-REMEMBERED)))
}

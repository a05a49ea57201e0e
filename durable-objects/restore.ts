/**
 * An object after a restore of the whole server: it continues above all numbers that it may have given out since the
 * backup.
 */
import { type ObjectStorage, readMeta, writeMeta } from './sqlite.ts'

const GENERATION = 'generation'

/** Notes the generation in which an object is used for the first time: it has nothing to renew. */
export function beginInGeneration({ sql }: ObjectStorage, generation: number): void {
  if (generation > 0) writeMeta(sql, GENERATION, generation)
}

/**
 * Runs `renew` once in each generation of the server, for an object that has been used before.
 * Reads one row; writes rows only after a restore.
 */
export function enterGeneration(storage: ObjectStorage, generation: number, renew: () => void): void {
  if (generation === 0) return
  const { sql } = storage
  if ((readMeta<number>(sql, GENERATION) ?? 0) >= generation) return
  storage.transactionSync(() => {
    renew()
    writeMeta(sql, GENERATION, generation)
  })
}

/** More than a room gives away between a backup and the loss of what came after it. */
const GAP = 1_000_000

/** Positions given after the backup name nothing any more, so no new event may stand at or below one of them. */
export function renewRoom(sql: SqlStorage): void {
  const reserved = readMeta<number>(sql, 'reserved_to')
  if (reserved !== undefined) writeMeta(sql, 'reserved_to', reserved + GAP)
}

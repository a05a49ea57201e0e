/** A user's filters, named by their content: storing the same one again gives the same id and writes nothing. */
import { createHash } from 'node:crypto'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import type { Quotas } from '../../../src/ports/config.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { requireQuota } from '../../../src/quotas.ts'
import { first, type SqlReader } from '../../sqlite.ts'
import { coverTexts } from '../../wipe.ts'

export const FILTERS_TABLE = `
  CREATE TABLE filters (filter_id TEXT PRIMARY KEY, filter TEXT NOT NULL) WITHOUT ROWID;
`

export type FilterRow = { filter_id: string; filter: string }

/** 96 bits of the hash. The alphabet holds no "{", with which an inline filter begins. */
const ID_LENGTH = 16

/** A filter that names a thousand rooms has 60 KiB. */
const MAX_FILTER_BYTES = 262_144

/**
 * Stores a filter, and answers its id with what the archive must learn.
 * @throws MatrixError M_TOO_LARGE, M_RESOURCE_LIMIT_EXCEEDED past the quota
 */
export function putFilter(
  sql: SqlStorage,
  filter: JsonObject,
  quotas: Quotas,
): { filterId: string; archive: Omit<UserLogEntry, 'seq'>[] } {
  const text = JSON.stringify(filter)
  const filterId = createHash('sha256').update(text).digest('base64url').slice(0, ID_LENGTH)
  if (find(sql, filterId) !== undefined) return { filterId, archive: [] }
  if (Buffer.byteLength(text) > MAX_FILTER_BYTES) {
    throw new MatrixError('M_TOO_LARGE', `A filter has at most ${MAX_FILTER_BYTES} bytes`)
  }
  requireQuota(quotas, 'filters', countFilters(sql) + 1)
  sql.exec('INSERT INTO filters (filter_id, filter) VALUES (?, ?)', filterId, text)
  return { filterId, archive: [{ kind: 'filter', key: filterId, body: text }] }
}

/** @throws MatrixError M_NOT_FOUND */
export function getFilter(sql: SqlStorage, filterId: string): JsonObject {
  const text = find(sql, filterId)
  if (text === undefined) throw new MatrixError('M_NOT_FOUND', 'No such filter')
  return JSON.parse(text) as JsonObject
}

/** How many are stored. */
export function countFilters(sql: SqlReader): number {
  return first<{ held: number }>(sql, 'SELECT count(*) AS held FROM filters')?.held ?? 0
}

/** Takes all away, of an account that is closed, and leaves nothing of them in the file. Answers what to archive. */
export function dropFilters(sql: SqlStorage): Omit<UserLogEntry, 'seq'>[] {
  const rows = sql.exec<Pick<FilterRow, 'filter_id'>>('SELECT filter_id FROM filters').toArray()
  coverTexts(sql, 'filters', 'filter')
  sql.exec('DELETE FROM filters')
  return rows.map(({ filter_id }) => ({ kind: 'filter', key: filter_id, body: null }))
}

function find(sql: SqlStorage, filterId: string): string | undefined {
  return first<Pick<FilterRow, 'filter'>>(sql, 'SELECT filter FROM filters WHERE filter_id = ?', filterId)
    ?.filter
}

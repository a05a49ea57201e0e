/** The table `batches`: the records of every topic, as they came. A row is what a room or a user told in one go. */
import { TOPICS, type Topic } from '../../../src/protocol/event-stream.ts'
import { first, type SqlReader } from '../../sqlite.ts'
import { coverTexts } from '../../wipe.ts'

export const BATCHES_TABLE = `
  CREATE TABLE batches (
    -- The topic's number times 2^48, and the offset of the first record.
    place INTEGER PRIMARY KEY,
    records INTEGER NOT NULL,
    -- The room or the user, and the places there of the first record and the last.
    source TEXT NOT NULL,
    from_pos INTEGER NOT NULL,
    to_pos INTEGER NOT NULL,
    ts INTEGER NOT NULL,
    -- Bytes of the lines; and of all lines of the topic so far, those included that are gone.
    size INTEGER NOT NULL,
    total INTEGER NOT NULL,
    -- The JSON of the records, with a comma and a line feed between them.
    lines TEXT NOT NULL
  );
  CREATE INDEX batches_by_source ON batches (source, to_pos);
`

export type BatchRow = {
  place: number
  records: number
  source: string
  from_pos: number
  to_pos: number
  ts: number
  size: number
  total: number
  lines: string
}

/** What stands between two records: no JSON text holds a line feed. */
export const BETWEEN = ',\n'

/** Room for each topic's offsets: all places together stay below 2^53. */
const STRIDE = 2 ** 48

export type Edge = Pick<BatchRow, 'place' | 'records' | 'ts' | 'size' | 'total'>
const EDGE = 'place, records, ts, size, total'

export const placeOf = (topic: Topic, offset: number): number => TOPICS.indexOf(topic) * STRIDE + offset
export const offsetOf = (place: number): number => place % STRIDE

export function oldestBatch(sql: SqlReader, topic: Topic): Edge | undefined {
  const query = `SELECT ${EDGE} FROM batches WHERE place >= ? AND place < ? ORDER BY place LIMIT 1` as const
  return first<Edge>(sql, query, placeOf(topic, 0), placeOf(topic, STRIDE))
}

export function newestBatch(sql: SqlReader, topic: Topic): Edge | undefined {
  const query =
    `SELECT ${EDGE} FROM batches WHERE place >= ? AND place < ? ORDER BY place DESC LIMIT 1` as const
  return first<Edge>(sql, query, placeOf(topic, 0), placeOf(topic, STRIDE))
}

/** The batch that holds an offset, or the last one before it. */
export function batchAt(sql: SqlReader, topic: Topic, offset: number): BatchRow | undefined {
  const query = 'SELECT * FROM batches WHERE place >= ? AND place <= ? ORDER BY place DESC LIMIT 1'
  return first<BatchRow>(sql, query, placeOf(topic, 0), placeOf(topic, offset))
}

/** The batches after a place, in their order, read only as far as the caller looks. */
export function batchesAfter(sql: SqlReader, topic: Topic, place: number): Iterable<BatchRow> {
  const query = 'SELECT * FROM batches WHERE place > ? AND place < ? ORDER BY place'
  return sql.exec<BatchRow>(query, place, placeOf(topic, STRIDE))
}

/** The batches in which a place of a source may stand: a delivery has one for each topic at most. */
export function batchesOf(sql: SqlReader, source: string, pos: number): BatchRow[] {
  const query = 'SELECT * FROM batches WHERE source = ? AND to_pos >= ? ORDER BY to_pos LIMIT ?'
  return sql.exec<BatchRow>(query, source, pos, TOPICS.length).toArray()
}

export function insertBatch(sql: SqlStorage, row: BatchRow): void {
  sql.exec(
    `INSERT INTO batches (place, records, source, from_pos, to_pos, ts, size, total, lines)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.place,
    row.records,
    row.source,
    row.from_pos,
    row.to_pos,
    row.ts,
    row.size,
    row.total,
    row.lines,
  )
}

/** Replaces the lines of a batch. The old ones are covered first, so that nothing of them stays in the file. */
export function rewriteLines(sql: SqlStorage, place: number, lines: string): void {
  coverTexts(sql, 'batches', 'lines', { clause: 'place = ?', values: [place] })
  sql.exec('UPDATE batches SET lines = ? WHERE place = ?', lines, place)
}

/** Removes a batch, and leaves nothing of it in the file. */
export function dropBatch(sql: SqlStorage, place: number): void {
  coverTexts(sql, 'batches', 'lines', { clause: 'place = ?', values: [place] })
  sql.exec('DELETE FROM batches WHERE place = ?', place)
}

const utf8 = new TextEncoder()

export const byteLength = (text: string): number => utf8.encode(text).length

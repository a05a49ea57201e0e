/** The table `committed`: how far each consumer group has read, by topic, and which member may say so. */
import type { CommittedOffset } from '../../../src/objects/partition/records.ts'
import type { Topic } from '../../../src/protocol/event-stream.ts'
import { first, type SqlReader } from '../../sqlite.ts'

export const COMMITTED_TABLE = `
  CREATE TABLE committed (
    group_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    -- The first record that the group has not done; null: it has committed nothing yet.
    next INTEGER,
    -- Of the newest member that has shown itself; members of before are refused.
    epoch INTEGER NOT NULL,
    ts INTEGER NOT NULL,
    PRIMARY KEY (group_id, topic)
  ) WITHOUT ROWID;
`

export type CommittedRow = {
  group_id: string
  topic: Topic
  next: number | null
  epoch: number
  ts: number
}

export function committedBy(sql: SqlReader, group: string, topic: Topic): CommittedRow | undefined {
  const query = 'SELECT * FROM committed WHERE group_id = ? AND topic = ?'
  return first<CommittedRow>(sql, query, group, topic)
}

export function writeCommitted(sql: SqlStorage, row: CommittedRow): void {
  sql.exec(
    'INSERT OR REPLACE INTO committed (group_id, topic, next, epoch, ts) VALUES (?, ?, ?, ?, ?)',
    row.group_id,
    row.topic,
    row.next,
    row.epoch,
    row.ts,
  )
}

export function countCommitted(sql: SqlReader): number {
  return first<{ n: number }>(sql, 'SELECT count(*) AS n FROM committed')?.n ?? 0
}

/** What every group has committed. */
export function allCommitted(sql: SqlReader): CommittedOffset[] {
  return sql
    .exec<CommittedRow>('SELECT * FROM committed WHERE next IS NOT NULL ORDER BY group_id, topic')
    .toArray()
    .map(({ group_id, topic, next, epoch, ts }) => ({
      group: group_id,
      topic,
      offset: next ?? 0,
      epoch,
      at: ts,
    }))
}

export function dropCommitted(sql: SqlStorage, group: string): void {
  sql.exec('DELETE FROM committed WHERE group_id = ?', group)
}

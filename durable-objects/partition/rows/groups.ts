/** The table `groups`: the members of the consumer groups that this partition coordinates, a row a group. */
import { first, type SqlReader } from '../../sqlite.ts'
import type { GroupState } from '../group-state.ts'

export const GROUPS_TABLE = `
  CREATE TABLE groups (group_id TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
`

export type GroupRow = { group_id: string; state: string }

export function readGroup(sql: SqlReader, group: string): GroupState | undefined {
  const row = first<Pick<GroupRow, 'state'>>(sql, 'SELECT state FROM groups WHERE group_id = ?', group)
  return row && (JSON.parse(row.state) as GroupState)
}

export function writeGroup(sql: SqlStorage, group: string, state: GroupState): void {
  sql.exec('INSERT OR REPLACE INTO groups (group_id, state) VALUES (?, ?)', group, JSON.stringify(state))
}

export function allGroups(sql: SqlReader): (Pick<GroupRow, 'group_id'> & { state: GroupState })[] {
  return sql
    .exec<GroupRow>('SELECT group_id, state FROM groups ORDER BY group_id')
    .toArray()
    .map(({ group_id, state }) => ({ group_id, state: JSON.parse(state) as GroupState }))
}

export function countGroups(sql: SqlReader): number {
  return first<{ n: number }>(sql, 'SELECT count(*) AS n FROM groups')?.n ?? 0
}

export function dropGroup(sql: SqlStorage, group: string): void {
  sql.exec('DELETE FROM groups WHERE group_id = ?', group)
}

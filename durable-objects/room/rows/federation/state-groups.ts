/**
 * The tables `state_group` and `state_delta`: states that the room's intervals do not show, as those before the events
 * of a branch. A group is what differs from another group, or from the intervals at a position.
 */
import type { StateDelta } from '../../../../src/protocol/state-resolution/conflict.ts'
import { StateKeyMap } from '../../../../src/protocol/state-resolution/state-keys.ts'
import { first, readMeta, type SqlReader, writeMeta } from '../../../sqlite.ts'

export const STATE_GROUPS_TABLES = `
  CREATE TABLE state_group (
    id INTEGER PRIMARY KEY,
    base_group INTEGER,
    -- The position whose intervals lie under the lowest group.
    base_pos INTEGER NOT NULL,
    -- How many groups lie below.
    depth INTEGER NOT NULL
  );
  CREATE TABLE state_delta (
    group_id INTEGER NOT NULL,
    type TEXT NOT NULL,
    state_key TEXT NOT NULL,
    -- Null: the key has no event here.
    event_id TEXT,
    PRIMARY KEY (group_id, type, state_key)
  ) WITHOUT ROWID;
`

type GroupRow = { id: number; base_group: number | null; base_pos: number; depth: number }
type DeltaRow = { type: string; state_key: string; event_id: string | null }

/** A state of the room: the intervals just after a position, and over them the changes of a group. */
export interface StatePlace {
  pos: number
  group: number | null
}

/** A group at this depth is written flat. */
const DEEPEST = 100

const BELOW = `WITH RECURSIVE below (id, base_group, height) AS (
    SELECT id, base_group, 0 FROM state_group WHERE id = ?
    UNION ALL
    SELECT g.id, g.base_group, height + 1 FROM below JOIN state_group g ON g.id = below.base_group
  )` as const

/** What the groups of a place say of a key; undefined: nothing, so that the intervals say it. */
export function deltaAt(
  sql: SqlReader,
  group: number,
  type: string,
  stateKey: string,
): { eventId: string | undefined } | undefined {
  const row = first<Pick<DeltaRow, 'event_id'>>(
    sql,
    `${BELOW} SELECT event_id FROM below JOIN state_delta d ON d.group_id = below.id
     WHERE type = ? AND state_key = ? ORDER BY height LIMIT 1`,
    group,
    type,
    stateKey,
  )
  return row && { eventId: row.event_id ?? undefined }
}

/** Whether an event of the room ever followed on something else than all the forward extremities. */
export function hasBranches(sql: SqlReader): boolean {
  return readMeta(sql, 'branched') !== undefined
}

/** One row, once a room. */
export function noteBranch(sql: SqlStorage): void {
  if (!hasBranches(sql)) writeMeta(sql, 'branched', 1)
}

/** All changes of a place's groups over its intervals, each key once. */
export function deltasOf(sql: SqlReader, { group }: StatePlace): StateDelta[] {
  if (group === null) return []
  const rows = sql.exec<DeltaRow>(
    `${BELOW} SELECT type, state_key, event_id FROM below JOIN state_delta d ON d.group_id = below.id
     ORDER BY height DESC`,
    group,
  )
  const merged = new StateKeyMap<string | undefined>()
  for (const { type, state_key, event_id } of rows) merged.set(type, state_key, event_id ?? undefined)
  return [...merged.entries()].map(({ value, ...key }) => ({ ...key, eventId: value }))
}

/** Stores a state that differs from another in some keys: a row, and one for each key. */
export function addGroup(sql: SqlStorage, base: StatePlace, deltas: readonly StateDelta[]): StatePlace {
  if (deltas.length === 0) return base
  const below = base.group === null ? -1 : depthOf(sql, base.group)
  const isFlat = below + 1 >= DEEPEST
  const { id } = sql
    .exec<Pick<GroupRow, 'id'>>(
      'INSERT INTO state_group (base_group, base_pos, depth) VALUES (?, ?, ?) RETURNING id',
      isFlat ? null : base.group,
      base.pos,
      isFlat ? 0 : below + 1,
    )
    .toArray()[0]!
  for (const { type, stateKey, eventId } of isFlat ? [...deltasOf(sql, base), ...deltas] : deltas)
    putDelta(sql, id, [type, stateKey, eventId ?? null])
  return { pos: base.pos, group: id }
}

function depthOf(sql: SqlReader, group: number): number {
  const query = 'SELECT depth FROM state_group WHERE id = ?'
  return first<Pick<GroupRow, 'depth'>>(sql, query, group)?.depth ?? 0
}

export function allGroups(sql: SqlReader): Pick<GroupRow, 'id'>[] {
  return sql.exec<Pick<GroupRow, 'id'>>('SELECT id FROM state_group ORDER BY id').toArray()
}

export function countDeltas(sql: SqlReader, group: number): number {
  const query = 'SELECT count(*) AS n FROM state_delta WHERE group_id = ?'
  return first<{ n: number }>(sql, query, group)?.n ?? 0
}

/** A group and some of its changes: a large one is archived in pieces. */
export type GroupPiece = GroupRow & {
  deltas: [type: string, stateKey: string, eventId: string | null][]
}

export function groupPiece(
  sql: SqlReader,
  group: number,
  { from, length }: { from: number; length: number },
): GroupPiece | null {
  const row = first<GroupRow>(
    sql,
    'SELECT id, base_group, base_pos, depth FROM state_group WHERE id = ?',
    group,
  )
  if (row === undefined) return null
  const query = `SELECT type, state_key, event_id FROM state_delta WHERE group_id = ?
    ORDER BY type, state_key LIMIT ? OFFSET ?`
  const deltas = sql.exec<DeltaRow>(query, group, length, from).toArray()
  return { ...row, deltas: deltas.map(({ type, state_key, event_id }) => [type, state_key, event_id]) }
}

/** Stores a piece of a group as it was. */
export function restoreGroup(sql: SqlStorage, { id, base_group, base_pos, depth, deltas }: GroupPiece): void {
  sql.exec(
    'INSERT OR IGNORE INTO state_group (id, base_group, base_pos, depth) VALUES (?, ?, ?, ?)',
    id,
    base_group,
    base_pos,
    depth,
  )
  for (const delta of deltas) putDelta(sql, id, delta)
}

function putDelta(
  sql: SqlStorage,
  group: number,
  [type, stateKey, eventId]: GroupPiece['deltas'][number],
): void {
  sql.exec(
    'INSERT OR REPLACE INTO state_delta (group_id, type, state_key, event_id) VALUES (?, ?, ?, ?)',
    group,
    type,
    stateKey,
    eventId,
  )
}

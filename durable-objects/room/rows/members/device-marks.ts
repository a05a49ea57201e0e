/** Marks that a member's devices have changed, and the members that are new or gone: `device_lists` of a sync. */

import type { DeviceMark, DeviceMarks, PullRequest } from '../../../../src/objects/room/sync.ts'
import type { ReadQuery } from '../../../sqlite.ts'
import { readMeta, writeMeta } from '../../../sqlite.ts'
import type { RoomWriter } from '../../context.ts'
import type { RowReader } from '../reader.ts'
import type { RoomStore } from '../store.ts'

export const DEVICE_MARKS_TABLE = `
  -- One row a member: the position of the newest change. Derived from their User objects, and not archived.
  CREATE TABLE device_marks (user_id TEXT PRIMARY KEY, pos INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX device_marks_by_pos ON device_marks (pos);
`

type MarkRow = { user_id: string; pos: number }

/** Marks from before this position are gone. */
const COMPLETE_AFTER = 'marks_after'

/** Marks a member's devices as changed, inside the caller's transaction. Answers whether they are a member. */
export function markDevices(room: RoomWriter, userId: string): boolean {
  const { store } = room
  void store.rules
  if (store.member(userId)?.membership !== 'join') return false
  const pos = store.positions.next()
  store.sql.exec('INSERT OR REPLACE INTO device_marks (user_id, pos) VALUES (?, ?)', userId, pos)
  store.moveHead(pos)
  room.marked = true
  return true
}

/** The room was made again without its marks: a user whose token stands before `pos` must look at everybody. */
export function restartMarks(store: RoomStore, pos: number): void {
  writeMeta(store.sql, COMPLETE_AFTER, pos)
}

/** Whether all marks after a position are there, those of profiles too. */
export function hasMarksSince(store: RowReader, pos: number): boolean {
  return pos >= (readMeta<number>(store.sql, COMPLETE_AFTER) ?? 0)
}

/** What happened in (from, to]; undefined: nothing. */
export function deviceMarks(store: RowReader, from: number, to: number): DeviceMarks | undefined {
  if (!hasMarksSince(store, from)) return marksOf(everyoneAt(store, to), [])
  const changed = select(
    store,
    `SELECT d.user_id, d.pos FROM device_marks d JOIN members m ON m.user_id = d.user_id
     WHERE d.pos > ? AND d.pos <= ? AND m.membership = 'join'`,
    from,
    to,
  )
  const joined = select(
    store,
    `SELECT user_id, since_pos AS pos FROM members
     WHERE membership = 'join' AND since_pos > ? AND since_pos <= ?`,
    from,
    to,
  )
  return marksOf([...changed, ...joined], gone(store, from, to))
}

/**
 * Users that were joined at some moment of the span and are not at its end, whatever they have become. A user that was
 * never joined, such as an invented name that was banned, had no devices that others looked after.
 */
function gone(store: RowReader, from: number, to: number): DeviceMark[] {
  return select(
    store,
    `SELECT user_id, since_pos AS pos FROM members m
     WHERE membership IN ('leave', 'ban', 'invite', 'knock') AND since_pos > ? AND since_pos <= ?
     AND EXISTS (
       SELECT 1 FROM state WHERE type = 'm.room.member' AND state_key = m.user_id AND value = 'join' AND to_pos > ?
     )`,
    from,
    to,
    from,
  )
}

/** The same for one user's sync. A user that comes shares the room with all its members; one that goes, with none. */
export function deviceMarksFor(
  store: RowReader,
  { since: told, devicesSince: since = told, everyone }: PullRequest,
  { joined, head }: { joined: boolean; head: number },
): DeviceMarks | undefined {
  if (!joined) return everyone ? marksOf([], everyoneAt(store, head - 1)) : undefined
  if (since === 0) return everyone ? marksOf(everyoneAt(store, head), []) : undefined
  return deviceMarks(store, since, head)
}

/** The members at a position: no more than `most`, if there is such a bound. */
export function everyoneAt(store: RowReader, pos: number, most = -1): DeviceMark[] {
  return select(
    store,
    `SELECT state_key AS user_id, ? AS pos FROM state
     WHERE type = 'm.room.member' AND value = 'join' AND from_pos <= ? AND (to_pos IS NULL OR to_pos > ?)
     LIMIT ?`,
    pos,
    pos,
    pos,
    most,
  )
}

function marksOf(changed: DeviceMark[], left: DeviceMark[]): DeviceMarks | undefined {
  return changed.length === 0 && left.length === 0 ? undefined : { changed, left }
}

function select(store: RowReader, query: ReadQuery, ...bindings: (string | number)[]): DeviceMark[] {
  return store.sql
    .exec<MarkRow>(query, ...bindings)
    .toArray()
    .map(({ user_id, pos }) => ({ userId: user_id, pos }))
}

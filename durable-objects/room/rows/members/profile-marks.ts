/** Marks that fields of a member's profile have changed (MSC4262). The values stay with their owner, who is asked for them. */
import type { ProfileMark, PullRequest } from '../../../../src/objects/room/sync.ts'
import { first } from '../../../sqlite.ts'
import type { RoomWriter } from '../../context.ts'
import type { RowReader } from '../reader.ts'
import { everyoneAt, hasMarksSince } from './device-marks.ts'

export const PROFILE_MARKS_TABLE = `
  -- One row a field of a member: the position of its newest change. The empty field stands for all of them.
  CREATE TABLE profile_marks (
    user_id TEXT NOT NULL,
    field TEXT NOT NULL,
    pos INTEGER NOT NULL,
    PRIMARY KEY (user_id, field)
  ) WITHOUT ROWID;
  CREATE INDEX profile_marks_by_pos ON profile_marks (pos);
`

type MarkRow = { user_id: string; field: string; pos: number }

const ALL = ''
/** Fields marked one by one; a member that changes more of them has them marked together. */
const FIELDS_OF_A_MEMBER = 32
/** Members of a room whose profiles are told when the room is. */
const MEMBERS_TOLD = 100

/** Marks fields of a joined member's profile as changed, inside the caller's transaction. */
export function markProfile(room: RoomWriter, userId: string, fields: readonly string[]): void {
  if (fields.length === 0) return
  const { store } = room
  const pos = room.appended.at(-1)?.pos ?? store.positions.next()
  for (const field of fields.length > FIELDS_OF_A_MEMBER ? [ALL] : fields) put(room, userId, field, pos)
  const query = 'SELECT count(*) AS count FROM profile_marks WHERE user_id = ?'
  if ((first<{ count: number }>(store.sql, query, userId)?.count ?? 0) > FIELDS_OF_A_MEMBER) {
    store.sql.exec('DELETE FROM profile_marks WHERE user_id = ?', userId)
    put(room, userId, ALL, pos)
  }
  store.moveHead(pos)
  room.marked = true
}

function put({ store }: RoomWriter, userId: string, field: string, pos: number): void {
  const insert = 'INSERT OR REPLACE INTO profile_marks (user_id, field, pos) VALUES (?, ?, ?)'
  store.sql.exec(insert, userId, field, pos)
}

/** What changed in (from, to]. */
export function profileMarks(store: RowReader, from: number, to: number): ProfileMark[] {
  if (!hasMarksSince(store, from)) return everyoneAt(store, to)
  const query = `SELECT p.user_id, p.field, p.pos FROM profile_marks p JOIN members m ON m.user_id = p.user_id
     WHERE p.pos > ? AND p.pos <= ? AND m.membership = 'join' ORDER BY p.pos`
  return store.sql
    .exec<MarkRow>(query, from, to)
    .toArray()
    .map(({ user_id, field, pos }) => ({ userId: user_id, pos, ...(field !== ALL && { field }) }))
}

/** The same for one user's sync; undefined: nothing. */
export function profileMarksFor(
  store: RowReader,
  { since: told, devicesSince: since = told, profiles }: PullRequest,
  head: number,
): ProfileMark[] | undefined {
  if (profiles === undefined) return undefined
  if (profiles === 'everyone') return everyoneAt(store, head, MEMBERS_TOLD)
  const marks = since === 0 ? [] : profileMarks(store, since, head)
  return marks.length === 0 ? undefined : marks
}

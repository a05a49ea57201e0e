/** The table `rooms`: the rooms that the user has or had something to do with, as their Rooms told it. */
import { first, type SqlReader } from '../../sqlite.ts'
import { coverTexts } from '../../wipe.ts'

export const ROOMS_TABLE = `
  -- The user's rooms: this table IS the list of joined, invited, knocked, left and forgotten rooms.
  CREATE TABLE rooms (
    -- The room's short name in sync tokens.
    no INTEGER PRIMARY KEY,
    room_id TEXT NOT NULL UNIQUE,
    membership TEXT NOT NULL,
    -- The membership before this one.
    was TEXT,
    -- Position of the member event in the room: an older change is ignored.
    pos INTEGER NOT NULL,
    -- Position of the change of membership in the user's own log.
    own INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    -- Stripped state of invites and knocks.
    stripped TEXT,
    forgotten INTEGER NOT NULL DEFAULT 0
  );
`

export const ROOM_CHANGE_COLUMNS = `
  -- When the membership changed, ms, and whether another user changed it.
  ALTER TABLE rooms ADD COLUMN at INTEGER;
  ALTER TABLE rooms ADD COLUMN by_other INTEGER NOT NULL DEFAULT 0;
`

export const OUTSIDE_COLUMN = `
  -- Another server told of the membership, and no Room has since.
  ALTER TABLE rooms ADD COLUMN outside INTEGER NOT NULL DEFAULT 0;
`

export type RoomRow = {
  no: number
  room_id: string
  membership: string
  was: string | null
  pos: number
  own: number
  event_id: string
  stripped: string | null
  forgotten: number
  at: number | null
  by_other: number
  outside: number
}

export function roomRows(sql: SqlReader): Iterable<RoomRow> {
  return sql.exec<RoomRow>(
    `SELECT no, room_id, membership, was, pos, own, event_id, stripped, forgotten, at, by_other, outside
     FROM rooms`,
  )
}

/** Writes a room, whole. One row. */
export function putRoom(sql: SqlStorage, row: RoomRow): void {
  sql.exec(
    `INSERT OR REPLACE INTO rooms
       (no, room_id, membership, was, pos, own, event_id, stripped, forgotten, at, by_other, outside)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.no,
    row.room_id,
    row.membership,
    row.was,
    row.pos,
    row.own,
    row.event_id,
    row.stripped,
    row.forgotten,
    row.at,
    row.by_other,
    row.outside,
  )
}

/** The number of a room, and its position; of one that has no row a new number. */
export function numberFor(sql: SqlReader, roomId: string): Pick<RoomRow, 'no' | 'pos'> {
  const known = first<Pick<RoomRow, 'no' | 'pos'>>(sql, 'SELECT no, pos FROM rooms WHERE room_id = ?', roomId)
  const last = first<{ no: number | null }>(sql, 'SELECT max(no) AS no FROM rooms')?.no ?? 0
  return known ?? { no: last + 1, pos: 0 }
}

/** One row. */
export function moveRoom(sql: SqlStorage, no: number, own: number): void {
  sql.exec('UPDATE rooms SET own = ? WHERE no = ?', own, no)
}

/** A room's stripped state, which others wrote, leaves nothing behind when its row is replaced. */
export function coverStripped(sql: SqlStorage, no: number): void {
  coverTexts(sql, 'rooms', 'stripped', { clause: 'no = ?', values: [no] })
}

/** Whether the user is in a room, or left one. */
export function hasStays(sql: SqlReader): boolean {
  return first(sql, `SELECT 1 AS found FROM rooms WHERE 'join' IN (membership, was) LIMIT 1`) !== undefined
}

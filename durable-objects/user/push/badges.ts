/**
 * The number on the user's devices: what they have not read and are notified of, over all rooms (Push Gateway API,
 * `counts.unread`). Kept by room for users with pushers; a room is counted anew before it is next told of.
 */
import { first, readMeta, writeMeta } from '../../sqlite.ts'

export const BADGES_TABLE = `
  CREATE TABLE push_badges (
    room_id TEXT PRIMARY KEY,
    unread INTEGER NOT NULL,
    -- 1: something was said or read there since it was counted.
    stale INTEGER NOT NULL
  ) WITHOUT ROWID;
`

export interface BadgesParts {
  sql: SqlStorage
  joinedRooms: () => Iterable<string>
  /** Asks a Room what the user has not read; 0 where they are not in it. */
  countUnread: (roomId: string) => Promise<number>
}

/** Rooms counted anew at once. */
const AT_ONCE = 6
/** Rooms counted anew before one notification: an invocation has a few hundred calls. The others wait for the next. */
const AT_MOST = 200
/** Whether every room waits to be counted anew: their rows are written when that is done. */
const ALL_STALE = 'badges_stale'

export class Badges {
  readonly #parts: BadgesParts
  #counting: Promise<number> | undefined

  constructor(parts: BadgesParts) {
    this.#parts = parts
  }

  /** Something has changed what a room counts. One row. */
  touch(roomId: string): void {
    const query = `INSERT INTO push_badges (room_id, unread, stale) VALUES (?, 0, 1)
      ON CONFLICT (room_id) DO UPDATE SET stale = 1`
    this.#parts.sql.exec(query, roomId)
  }

  /** Something has changed what every room counts. One row. */
  touchAll(): void {
    writeMeta(this.#parts.sql, ALL_STALE, 1)
  }

  /** The user is not in this room any more. */
  drop(roomId: string): void {
    this.#parts.sql.exec('DELETE FROM push_badges WHERE room_id = ?', roomId)
  }

  /** Whether the number can only be 0. */
  get isClear(): boolean {
    const { sql } = this.#parts
    return first(sql, 'SELECT 1 FROM push_badges LIMIT 1') === undefined && !this.#allStale
  }

  /** The number now. Where a Room cannot be reached, its last count stands until it is asked again. */
  async count(): Promise<number> {
    // One after the other: a room that is being asked is not stale, and its old count would be told.
    const before = this.#counting
    const counting = (async () => {
      await before
      return this.#recount()
    })()
    this.#counting = counting
    try {
      return await counting
    } finally {
      if (this.#counting === counting) this.#counting = undefined
    }
  }

  get #allStale(): boolean {
    return readMeta<number>(this.#parts.sql, ALL_STALE) === 1
  }

  async #recount(): Promise<number> {
    const { sql, joinedRooms } = this.#parts
    if (this.#allStale) {
      sql.exec('UPDATE push_badges SET stale = 1')
      for (const roomId of joinedRooms()) this.touch(roomId)
      writeMeta(sql, ALL_STALE, 0)
    }
    const unreached: string[] = []
    const query = 'SELECT room_id FROM push_badges WHERE stale = 1 LIMIT ?'
    for (let asked = 0; asked < AT_MOST; asked += AT_ONCE) {
      const rooms = sql.exec<{ room_id: string }>(query, AT_ONCE).toArray()
      if (rooms.length === 0) break
      await Promise.all(
        rooms.map(async ({ room_id: roomId }) => {
          if (!(await this.#countRoom(roomId))) unreached.push(roomId)
        }),
      )
    }
    for (const roomId of unreached) sql.exec('UPDATE push_badges SET stale = 1 WHERE room_id = ?', roomId)
    return first<{ n: number }>(sql, 'SELECT coalesce(sum(unread), 0) AS n FROM push_badges')?.n ?? 0
  }

  /** Answers whether the Room could be asked. */
  async #countRoom(roomId: string): Promise<boolean> {
    const { sql, countUnread } = this.#parts
    // Marked before it is asked: what is said meanwhile marks it again.
    sql.exec('UPDATE push_badges SET stale = 0 WHERE room_id = ?', roomId)
    const unread = await countUnread(roomId).catch(() => undefined)
    if (unread === undefined) return false
    sql.exec('UPDATE push_badges SET unread = ? WHERE room_id = ?', unread, roomId)
    sql.exec('DELETE FROM push_badges WHERE room_id = ? AND unread = 0 AND stale = 0', roomId)
    return true
  }
}

/** No device is told of any room any more. */
export function dropBadges(sql: SqlStorage): void {
  sql.exec('DELETE FROM push_badges')
}

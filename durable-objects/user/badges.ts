/**
 * The number on the user's devices: what they have not read and are notified of, over all rooms (Push Gateway API,
 * `counts.unread`). Kept by room for users with pushers; a room is counted anew before it is next told of.
 */
import { first } from '../sqlite.ts'

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
  /** Asks a Room what the user has not read; 0 where they are not in it. */
  countUnread: (roomId: string) => Promise<number>
}

/** Rooms counted anew at once. */
const RECOUNTED = 6

export class Badges {
  readonly #parts: BadgesParts

  constructor(parts: BadgesParts) {
    this.#parts = parts
  }

  /** Something was said or read in a room. One row. */
  touch(roomId: string): void {
    const query = `INSERT INTO push_badges (room_id, unread, stale) VALUES (?, 0, 1)
      ON CONFLICT (room_id) DO UPDATE SET stale = 1`
    this.#parts.sql.exec(query, roomId)
  }

  /** The number as it was told last. */
  get shown(): number {
    return (
      first<{ n: number }>(this.#parts.sql, 'SELECT coalesce(sum(unread), 0) AS n FROM push_badges')?.n ?? 0
    )
  }

  /** The number now. Where a Room cannot be reached, its last count stands. */
  async count(): Promise<number> {
    const { sql, countUnread } = this.#parts
    const query = 'SELECT room_id FROM push_badges WHERE stale = 1 LIMIT ?'
    for (;;) {
      const rooms = sql.exec<{ room_id: string }>(query, RECOUNTED).toArray()
      if (rooms.length === 0) return this.shown
      await Promise.all(
        rooms.map(async ({ room_id: roomId }) => {
          // Marked before it is asked: what is said meanwhile marks it again.
          sql.exec('UPDATE push_badges SET stale = 0 WHERE room_id = ?', roomId)
          const unread = await countUnread(roomId).catch(() => undefined)
          if (unread === 0) sql.exec('DELETE FROM push_badges WHERE room_id = ? AND stale = 0', roomId)
          else if (unread !== undefined)
            sql.exec('UPDATE push_badges SET unread = ? WHERE room_id = ?', unread, roomId)
        }),
      )
    }
  }
}

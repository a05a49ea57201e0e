/** Who is typing: takes positions like everything a client sees, and lives in memory only. */
import { MatrixError } from '../../src/protocol/errors.ts'
import { readMeta, writeMeta } from '../sqlite.ts'
import type { RoomStore } from './store.ts'

/** The longest a client may claim to type, ms (DIR5). */
const MAX_TIMEOUT_MS = 30_000
/** In `meta`: until when (ms) somebody may be shown as typing. */
const SHOWN_UNTIL = 'typing_until'

/**
 * Typing users and the position of the last change. An incarnation that died may have shown typing at positions
 * above the durable head: `resumeAt` makes the list (now empty) news for whoever stands there. The times run by the
 * object's alarm: a timer in memory would keep the object there, and billed.
 */
export class Typing {
  /** Until when each is typing, ms. */
  readonly #users = new Map<string, number>()
  /** The position of the newest change; 0: none yet. */
  pos = 0
  #isTold = false

  /** A viewer who stands past the durable head saw typing of an incarnation that is gone. */
  resumeAt(pos: number): void {
    this.pos = Math.max(this.pos, pos)
  }

  users(): string[] {
    return [...this.#users.keys()]
  }

  /**
   * Marks a user as typing for `timeoutMs` at most. One row, unless somebody has been typing for as long.
   * @returns until when (ms), and whether the list changed
   */
  begin(
    { sql }: RoomStore,
    userId: string,
    timeoutMs: number,
    now: number,
  ): { until: number; isNew: boolean } {
    const until = now + Math.min(timeoutMs, MAX_TIMEOUT_MS)
    const isNew = !this.#users.has(userId)
    this.#users.set(userId, until)
    if ((readMeta<number>(sql, SHOWN_UNTIL) ?? 0) < until) writeMeta(sql, SHOWN_UNTIL, now + MAX_TIMEOUT_MS)
    return { until, isNew }
  }

  /** Takes a user off the list. Answers whether they were on it. */
  end(userId: string): boolean {
    return this.#users.delete(userId)
  }

  /** Takes those off the list whose time is over. Answers whether that is news. */
  endOverdue({ sql }: RoomStore, now: number): boolean {
    const overdue = [...this.#users].filter(([, until]) => until <= now)
    for (const [userId] of overdue) this.#users.delete(userId)
    return overdue.length > 0 || this.#endsAnother(sql)
  }

  /** When the next one's time is over, ms. */
  next(): number | undefined {
    return this.#users.size === 0 ? undefined : Math.min(...this.#users.values())
  }

  /** The list was told to everybody. */
  told(pos: number): void {
    this.pos = pos
    this.#isTold = true
  }

  /** Whether an incarnation before this one has shown somebody as typing, and nobody has heard of an end since. */
  #endsAnother(sql: SqlStorage): boolean {
    if (this.#isTold || readMeta(sql, SHOWN_UNTIL) === undefined) return false
    sql.exec('DELETE FROM meta WHERE key = ?', SHOWN_UNTIL)
    return true
  }
}

/** @throws MatrixError M_FORBIDDEN: who is not in the room types nothing there */
export function requireTypist(store: RoomStore, userId: string): void {
  if (store.member(userId)?.membership === 'join') return
  throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
}

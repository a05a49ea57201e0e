/** Who is typing: takes positions like everything a client sees, and lives in memory only. */
import { MatrixError } from '../../src/protocol/errors.ts'
import type { RoomStore } from './store.ts'

/** The longest a client may claim to type, ms (DIR5). */
const MAX_TIMEOUT_MS = 30_000

/**
 * Typing users and the position of the last change. An incarnation that died may have shown typing at positions
 * above the durable head: `resumeAt` makes the list (now empty) news for whoever stands there.
 */
export class Typing {
  readonly #users = new Map<string, ReturnType<typeof setTimeout>>()
  /** The position of the newest change; 0: none yet. */
  pos = 0

  /** A viewer who stands past the durable head saw typing of an incarnation that is gone. */
  resumeAt(pos: number): void {
    this.pos = Math.max(this.pos, pos)
  }

  users(): string[] {
    return [...this.#users.keys()]
  }

  /**
   * Marks a user as typing for `timeoutMs` at most, or as done. Answers whether the list changed.
   * @param expired called when the time is over and the user is off the list
   */
  set(userId: string, typing: boolean, timeoutMs: number, expired: () => void): boolean {
    const wasTyping = this.end(userId)
    if (!typing) return wasTyping
    const end = () => {
      this.#users.delete(userId)
      expired()
    }
    this.#users.set(userId, setTimeout(end, Math.min(timeoutMs, MAX_TIMEOUT_MS)))
    return !wasTyping
  }

  /** Takes a user off the list. Answers whether they were on it. */
  end(userId: string): boolean {
    const timer = this.#users.get(userId)
    clearTimeout(timer)
    return this.#users.delete(userId)
  }
}

/** @throws MatrixError M_FORBIDDEN: who is not in the room types nothing there */
export function requireTypist(store: RoomStore, userId: string): void {
  if (store.member(userId)?.membership === 'join') return
  throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
}

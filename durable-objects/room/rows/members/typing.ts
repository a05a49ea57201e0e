/** The users that are typing: their list takes positions like everything a client sees, and ends by the alarm. */
import { readMeta, writeMeta } from '../../../sqlite.ts'
import { notInRoom } from '../../outsiders.ts'
import type { RowReader } from '../reader.ts'
import type { RoomStore } from '../store.ts'

/** The longest a client may claim to type, ms (DIR5): one that forgot to say that it stopped must not seem to for long. */
const MAX_TIMEOUT_MS = 30_000
const META = 'typing'

interface Stored {
  /** The position of the newest change; 0: none yet. */
  pos: number
  /** Until when each is typing, ms. */
  until: Record<string, number>
}

/**
 * Typing users, and the position of the last change: one row, written at each change. A timer in memory would keep
 * the object there, and billed; and an object that was evicted would show nobody any more, and tell nobody of the end.
 */
export class Typing {
  readonly #store: RoomStore
  #known: { pos: number; until: Map<string, number> } | undefined

  constructor(store: RoomStore) {
    this.#store = store
  }

  get pos(): number {
    return this.#state.pos
  }

  users(): string[] {
    return [...this.#state.until.keys()]
  }

  /**
   * Marks a user as typing for `timeoutMs` at most, inside the caller's transaction.
   * @returns until when (ms), and whether the list changed
   */
  begin(userId: string, timeoutMs: number, now: number): { until: number; isNew: boolean } {
    const until = now + Math.min(timeoutMs, MAX_TIMEOUT_MS)
    const isNew = !this.#state.until.has(userId)
    this.#state.until.set(userId, until)
    this.#keep(isNew)
    return { until, isNew }
  }

  /** Takes a user off the list, inside the caller's transaction. Answers whether they were on it. */
  end(userId: string): boolean {
    const wasTyping = this.#state.until.delete(userId)
    if (wasTyping) this.#keep(true)
    return wasTyping
  }

  /** Takes those off the list whose time is over, inside the caller's transaction. Answers whether there were any. */
  endOverdue(now: number): boolean {
    const overdue = [...this.#state.until].filter(([, until]) => until <= now)
    for (const [userId] of overdue) this.#state.until.delete(userId)
    if (overdue.length > 0) this.#keep(true)
    return overdue.length > 0
  }

  /** Whether anybody's time is over. */
  isOverdue(now: number): boolean {
    return (this.next() ?? Number.POSITIVE_INFINITY) <= now
  }

  /** When the next one's time is over, ms. */
  next(): number | undefined {
    const times = [...this.#state.until.values()]
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** The tables were made again: clients that were shown somebody typing are told that nobody is. */
  startAnew(pos: number): void {
    this.#known = { pos, until: new Map() }
  }

  /** After a transaction that did not happen. */
  forget(): void {
    this.#known = undefined
  }

  get #state() {
    if (this.#known === undefined) {
      const stored = readMeta<string>(this.#store.sql, META)
      const { pos, until }: Stored = stored === undefined ? { pos: 0, until: {} } : JSON.parse(stored)
      this.#known = { pos, until: new Map(Object.entries(until)) }
    }
    return this.#known
  }

  /** One row. */
  #keep(isNews: boolean): void {
    const state = this.#state
    if (isNews) state.pos = this.#store.positions.next()
    const stored: Stored = { pos: state.pos, until: Object.fromEntries(state.until) }
    writeMeta(this.#store.sql, META, JSON.stringify(stored))
  }
}

/** @throws MatrixError M_FORBIDDEN for users outside the room */
export function requireTypist(store: RowReader, userId: string): void {
  if (store.member(userId)?.membership === 'join') return
  notInRoom()
}

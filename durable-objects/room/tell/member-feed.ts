/** Membership changes on their way to the User objects of those they concern, until each is confirmed. */
import type { MembershipChange } from '../../../src/objects/user/sync.ts'
import { coverTexts } from '../../wipe.ts'
import { patiently } from './patience.ts'

/** Users told in one go: each is a call, of which an invocation has a few hundred. */
const FEED_SLICE = 100
const RETRY_MS = 1_000

export interface MemberFeedParts {
  sql: SqlStorage
  /** Tells a User object; rejects when it did not confirm. */
  deliver: (userId: string, change: MembershipChange) => Promise<void>
  now: () => number
  /** Asks for a run of `drain` at a time (ms), from the alarm. */
  arm: (at: number) => void
}

type FeedRow = { user_id: string; pos: number; change: string }

export class MemberFeed {
  readonly #parts: MemberFeedParts
  /** Deliveries under way: a user's changes go one after the other. */
  readonly #running = new Map<string, Promise<boolean>>()
  /** Confirmed, and still to be removed. */
  #confirmed: FeedRow[] = []

  constructor(parts: MemberFeedParts) {
    this.#parts = parts
  }

  /** Waits until the objects of these users know of their memberships, for a while. */
  async confirm(userIds: readonly string[]): Promise<void> {
    const users = [...new Set(userIds)]
    // The others are told from the alarm, in slices.
    if (users.length > FEED_SLICE) this.#parts.arm(this.#parts.now())
    await patiently(Promise.all(users.slice(0, FEED_SLICE).map((userId) => this.#deliverTo(userId))))
  }

  /** From the alarm: tells the next ones that wait. Answers when to tell more. */
  async drain(): Promise<number | undefined> {
    const confirmed = await this.#deliverSome()
    if (!this.waits()) return undefined
    return this.#parts.now() + (confirmed ? 0 : RETRY_MS)
  }

  /** Whether this user's object has confirmed everything. If not, it could not be reached, and is tried again. */
  async #deliverTo(userId: string): Promise<boolean> {
    const before = this.#running.get(userId)
    const run = (before ?? Promise.resolve()).then(() => this.#drain(userId))
    this.#running.set(userId, run)
    const confirmed = await run
    if (this.#running.get(userId) === run) this.#running.delete(userId)
    return confirmed
  }

  /** Whether anything waits to be confirmed. */
  waits(): boolean {
    this.#removeConfirmed()
    return this.#parts.sql.exec('SELECT 1 FROM member_feed LIMIT 1').toArray().length > 0
  }

  /** Tells the next ones that wait. Answers whether all of those have confirmed. */
  async #deliverSome(): Promise<boolean> {
    this.#removeConfirmed()
    const users = this.#parts.sql
      .exec<{ user_id: string }>('SELECT DISTINCT user_id FROM member_feed LIMIT ?', FEED_SLICE)
      .toArray()
    const confirmed = await Promise.all(users.map((row) => this.#deliverTo(row.user_id)))
    return confirmed.every(Boolean)
  }

  async #drain(userId: string): Promise<boolean> {
    this.#removeConfirmed()
    const rows = this.#parts.sql
      .exec<FeedRow>('SELECT user_id, pos, change FROM member_feed WHERE user_id = ? ORDER BY pos', userId)
      .toArray()
    try {
      for (const row of rows) {
        await this.#parts.deliver(userId, JSON.parse(row.change) as MembershipChange)
        this.#removeLater(row)
      }
      return true
    } catch {
      this.#parts.arm(this.#parts.now() + RETRY_MS)
      return false
    }
  }

  /** In the next turn: the answer to who changed the membership waits for the disk once less. */
  #removeLater(row: FeedRow): void {
    if (this.#confirmed.length === 0) setTimeout(() => this.#removeConfirmed(), 0)
    this.#confirmed.push(row)
  }

  #removeConfirmed(): void {
    const confirmed = this.#confirmed
    this.#confirmed = []
    for (const row of confirmed) this.#remove(row)
  }

  /** What an invite shows of the room must not outlast an erasure as free space. */
  #remove({ user_id, pos, change }: FeedRow): void {
    const { sql } = this.#parts
    const where = { clause: 'user_id = ? AND pos = ?', values: [user_id, pos] }
    if ((JSON.parse(change) as MembershipChange).strippedState !== undefined) {
      coverTexts(sql, 'member_feed', 'change', where)
    }
    sql.exec(`DELETE FROM member_feed WHERE ${where.clause}`, ...where.values)
  }
}

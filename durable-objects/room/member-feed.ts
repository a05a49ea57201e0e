/** Membership changes on their way to the User objects of those they concern, until each is confirmed. */
import type { MembershipChange } from '../../src/ports.ts'

/** Users told in one go: each is a call, of which an invocation has a few hundred. */
export const FEED_SLICE = 100

type FeedRow = { user_id: string; pos: number; change: string }

export class MemberFeed {
  readonly #sql: SqlStorage
  readonly #deliver: (userId: string, change: MembershipChange) => Promise<void>
  readonly #retry: () => void
  /** Deliveries under way: a user's changes go one after the other. */
  readonly #running = new Map<string, Promise<boolean>>()

  /**
   * @param deliver tells a User object; rejects when it did not confirm
   * @param retry asks for `deliverSome` later, from the alarm
   */
  constructor(
    sql: SqlStorage,
    deliver: (userId: string, change: MembershipChange) => Promise<void>,
    retry: () => void,
  ) {
    this.#sql = sql
    this.#deliver = deliver
    this.#retry = retry
  }

  /** Whether this user's object has confirmed everything. If not, it could not be reached, and is tried again. */
  async deliverTo(userId: string): Promise<boolean> {
    const before = this.#running.get(userId)
    const run = (before ?? Promise.resolve()).then(() => this.#drain(userId))
    this.#running.set(userId, run)
    const confirmed = await run
    if (this.#running.get(userId) === run) this.#running.delete(userId)
    return confirmed
  }

  /** Whether anything waits, for the alarm. */
  waiting(): boolean {
    return this.#sql.exec('SELECT 1 FROM member_feed LIMIT 1').toArray().length > 0
  }

  /** Tells the next ones that wait. Answers whether all of those have confirmed. */
  async deliverSome(): Promise<boolean> {
    const users = this.#sql
      .exec<{ user_id: string }>('SELECT DISTINCT user_id FROM member_feed LIMIT ?', FEED_SLICE)
      .toArray()
    const confirmed = await Promise.all(users.map((row) => this.deliverTo(row.user_id)))
    return confirmed.every(Boolean)
  }

  async #drain(userId: string): Promise<boolean> {
    const rows = this.#sql
      .exec<FeedRow>('SELECT user_id, pos, change FROM member_feed WHERE user_id = ? ORDER BY pos', userId)
      .toArray()
    try {
      for (const row of rows) {
        await this.#deliver(userId, JSON.parse(row.change) as MembershipChange)
        this.#sql.exec('DELETE FROM member_feed WHERE user_id = ? AND pos = ?', userId, row.pos)
      }
      return true
    } catch {
      this.#retry()
      return false
    }
  }
}

/** Membership changes on their way to the User objects of those they concern, until each is confirmed. */
import type { MembershipChange } from '../../src/ports.ts'

type FeedRow = { user_id: string; pos: number; change: string }

export class MemberFeed {
  readonly #sql: SqlStorage
  readonly #deliver: (userId: string, change: MembershipChange) => Promise<void>
  readonly #retry: () => void
  /** Deliveries under way: a user's changes go one after the other. */
  readonly #running = new Map<string, Promise<void>>()

  /**
   * @param deliver tells a User object; rejects when it did not confirm
   * @param retry asks for `deliverAll` later, from the alarm
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

  /** Resolves when this user's object has confirmed everything, or could not be reached (then it is tried again). */
  async deliverTo(userId: string): Promise<void> {
    const before = this.#running.get(userId)
    const run = (before ?? Promise.resolve()).then(() => this.#drain(userId))
    this.#running.set(userId, run)
    await run
    if (this.#running.get(userId) === run) this.#running.delete(userId)
  }

  /** Whether anything waits, for the alarm. */
  waiting(): boolean {
    return this.#sql.exec('SELECT 1 FROM member_feed LIMIT 1').toArray().length > 0
  }

  async deliverAll(): Promise<void> {
    const users = this.#sql
      .exec<{ user_id: string }>('SELECT DISTINCT user_id FROM member_feed LIMIT 100')
      .toArray()
    await Promise.all(users.map((row) => this.deliverTo(row.user_id)))
  }

  async #drain(userId: string): Promise<void> {
    const rows = this.#sql
      .exec<FeedRow>('SELECT user_id, pos, change FROM member_feed WHERE user_id = ? ORDER BY pos', userId)
      .toArray()
    try {
      for (const row of rows) {
        await this.#deliver(userId, JSON.parse(row.change) as MembershipChange)
        this.#sql.exec('DELETE FROM member_feed WHERE user_id = ? AND pos = ?', userId, row.pos)
      }
    } catch {
      this.#retry()
    }
  }
}

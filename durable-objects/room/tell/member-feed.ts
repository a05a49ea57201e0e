/** Tells the User objects of membership changes that concern them, until each change is confirmed. */
import type { MembershipChange } from '../../../src/objects/user/sync.ts'
import { Courier, type Outlet } from '../../consumer.ts'
import { type FeedRow, feedOf, isFeeding, nextFed, removeFed } from '../rows/tell/member-feed.ts'
import { patiently } from './patience.ts'

/** Users told in one go: each is a call, of which an invocation has a few hundred. */
const FEED_SLICE = 100
const RETRY_MS = 1_000

export interface MemberFeedParts {
  sql: SqlStorage
  /** Tells a User object; rejects when it did not confirm. */
  deliver: (userId: string, change: MembershipChange) => Promise<void>
  now: () => number
  /** Asks for a `run` at a time (ms), from the alarm. */
  arm: (at: number) => void
}

export class MemberFeed {
  readonly #parts: MemberFeedParts
  readonly #courier: Courier<string>
  /** Deliveries under way: a user's changes go one after the other. */
  readonly #running = new Map<string, Promise<boolean>>()
  /** Confirmed, and still to be removed. */
  #confirmed: FeedRow[] = []

  constructor(parts: MemberFeedParts) {
    this.#parts = parts
    this.#courier = new Courier(this.#outlet, parts.now)
  }

  /** Waits until the objects of these users know of their memberships, for a while. */
  async confirm(userIds: readonly string[]): Promise<void> {
    const users = [...new Set(userIds)]
    // The others are told from the alarm, in slices.
    if (users.length > FEED_SLICE) this.#parts.arm(this.#parts.now())
    await patiently(Promise.all(users.slice(0, FEED_SLICE).map((userId) => this.#deliverTo(userId))))
  }

  /** From the alarm: tells the next ones that wait. Answers when to tell more. */
  run(): Promise<number | undefined> {
    // Somebody may be waiting for a membership, so the time between tries does not grow.
    return this.#courier.run().catch(() => this.#parts.now() + RETRY_MS)
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
  isLeft(): boolean {
    this.#removeConfirmed()
    return isFeeding(this.#parts.sql)
  }

  /** The next users that wait; each of their changes is confirmed, and removed, by itself. */
  get #outlet(): Outlet<string> {
    return {
      batchPerRun: true,
      read: () => ({ items: this.#nextUsers(), more: () => this.isLeft() }),
      deliver: async (userId) => {
        if (!(await this.#deliverTo(userId))) throw new Error('a member was not reached')
      },
    }
  }

  #nextUsers(): string[] {
    this.#removeConfirmed()
    return nextFed(this.#parts.sql, FEED_SLICE)
  }

  async #drain(userId: string): Promise<boolean> {
    this.#removeConfirmed()
    const rows = feedOf(this.#parts.sql, userId)
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

  /** In the next turn, so that the answer to the user that changed the membership waits for one write less. */
  #removeLater(row: FeedRow): void {
    if (this.#confirmed.length === 0) setTimeout(() => this.#removeConfirmed(), 0)
    this.#confirmed.push(row)
  }

  #removeConfirmed(): void {
    const confirmed = this.#confirmed
    this.#confirmed = []
    for (const row of confirmed) removeFed(this.#parts.sql, row)
  }
}

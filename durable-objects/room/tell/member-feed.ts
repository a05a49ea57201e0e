/** Membership changes on their way to the User objects of those they concern, until each is confirmed. */
import type { MembershipChange } from '../../../src/objects/user/sync.ts'
import { type FeedRow, feedOf, isFeeding, nextFed, removeFed } from '../rows/member-feed.ts'
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
    return isFeeding(this.#parts.sql)
  }

  /** Tells the next ones that wait. Answers whether all of those have confirmed. */
  async #deliverSome(): Promise<boolean> {
    this.#removeConfirmed()
    const users = nextFed(this.#parts.sql, FEED_SLICE)
    const confirmed = await Promise.all(users.map((userId) => this.#deliverTo(userId)))
    return confirmed.every(Boolean)
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

  /** In the next turn: the answer to who changed the membership waits for the disk once less. */
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

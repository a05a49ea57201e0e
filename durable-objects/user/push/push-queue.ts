/** Notifications on their way to push gateways: in order for each pusher, at least once, for a day. */

import type { Pusher } from '../../../src/objects/user/settings.ts'
import type { PushGateway } from '../../../src/ports/push.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { badgeFor, isEnabled, notificationFor, type PushSubject } from '../../../src/push/notification.ts'
import type { Badges } from './badges.ts'
import { allPushers, type PusherRow } from './pushers.ts'
import {
  addToQueue,
  BADGE,
  dropQueued,
  dropQueuedBadges,
  dropQueuedBefore,
  dropQueuedBeyond,
  dropQueuedOf,
  dropRetry,
  failuresOf,
  forgetPusher,
  hasQueued,
  isQueueEmpty,
  type NextRow,
  newestQueued,
  nextDue,
  nextQueued,
  type PusherId,
  pushersKept,
  putRetry,
  putTold,
} from './queue-rows.ts'

/** Kept for a user; the newest say the most. */
const KEPT = 200
const GIVEN_UP_MS = 24 * 60 * 60 * 1_000
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60 * 60 * 1_000
/** Gateways asked at once: an invocation has six connections. */
const AT_ONCE = 3
/** A notification whose answer was lost with its object is sent again after this, ms. */
const LOOK_AGAIN_MS = 20_000

/** What a pusher is to be told next. */
interface Next extends NextRow {
  to: PusherRow
}

export interface PushQueueParts {
  sql: SqlStorage
  gateway: PushGateway
  badges: Badges
  now: () => number
  transaction: <T>(work: () => T) => T
  /** Asks for a run at a time (ms), from the alarm. */
  arm: (at: number) => void
  /** Removes a pusher that its gateway refuses. */
  refused: (appId: string, pushkey: string) => void
}

export class PushQueue {
  readonly #parts: PushQueueParts
  /** Pushers whose gateway is being asked. */
  readonly #sending = new Set<string>()
  /** No number is given twice: one that is taken back while it is being sent would take another along. */
  #lastSeq = 0

  constructor(parts: PushQueueParts) {
    this.#parts = parts
  }

  /** Queues events for every pusher, inside the caller's transaction; one row each. */
  add(subjects: readonly PushSubject[]): void {
    for (const subject of subjects) {
      for (const pusher of allPushers(this.#parts.sql)) {
        const settings = JSON.parse(pusher.pusher) as Pusher
        if (isEnabled(settings))
          this.#queue(pusher, JSON.stringify(notificationFor(settings, pusher.set_ts, subject)))
      }
    }
    dropQueuedBeyond(this.#parts.sql, KEPT)
  }

  /** The number may have fallen, inside the caller's transaction: whether it has is seen when it is to be told. */
  addBadge(): void {
    const { sql } = this.#parts
    dropQueuedBadges(sql)
    for (const row of allPushers(sql))
      if (isEnabled(JSON.parse(row.pusher) as Pusher) && !this.#willTell(row)) this.#queue(row, BADGE)
  }

  /** Whether something waits that will bring the number along: what is under way may have counted already. */
  #willTell(row: PusherRow): boolean {
    return !this.#sending.has(keyOf(row)) && hasQueued(this.#parts.sql, row)
  }

  /** Takes back what waits to be told of events, of rooms or from users, inside the caller's transaction. */
  takeBack(of: 'event_id' | 'room_id' | 'sender', values: Iterable<string>): void {
    const wanted = [...values]
    if (wanted.length > 0) dropQueuedOf(this.#parts.sql, of, wanted)
  }

  /** Whether anything is to be sent. */
  waiting(): boolean {
    return !isQueueEmpty(this.#parts.sql)
  }

  /**
   * Begins to send the oldest of each pusher that is due, and does not wait for it: a gateway that hangs holds up
   * nothing else. Answers when to look again, at the latest.
   */
  async run(): Promise<number | undefined> {
    const free = AT_ONCE - this.#sending.size
    const due = this.#due().filter((row) => !this.#sending.has(keyOf(row)))
    for (const row of due.slice(0, Math.max(0, free))) void this.#sendNext(row)
    return this.#sending.size > 0 ? this.#parts.now() + LOOK_AGAIN_MS : this.#next()
  }

  async #sendNext(row: Next): Promise<void> {
    this.#sending.add(keyOf(row))
    await this.#send(row)
    this.#sending.delete(keyOf(row))
    const next = this.#next()
    if (next !== undefined) this.#parts.arm(next)
  }

  #queue({ app_id, pushkey }: PusherId, notification: string): void {
    const { sql, now } = this.#parts
    this.#lastSeq = Math.max(this.#lastSeq, newestQueued(sql)) + 1
    addToQueue(sql, { seq: this.#lastSeq, app_id, pushkey, queued_ts: now(), notification })
  }

  /** The oldest of each pusher that may be told now. What is too old, or waits for pushers that are gone, is dropped. */
  #due(): Next[] {
    const { sql, now } = this.#parts
    const pushers = new Map(allPushers(sql).map((row) => [keyOf(row), row]))
    dropQueuedBefore(sql, now() - GIVEN_UP_MS)
    for (const kept of pushersKept(sql)) if (!pushers.has(keyOf(kept))) forgetPusher(sql, kept)
    return nextQueued(sql, now()).flatMap((row) => {
      const to = pushers.get(keyOf(row))
      return to === undefined ? [] : [{ ...row, to }]
    })
  }

  #next(): number | undefined {
    const at = nextDue(this.#parts.sql)
    return at === undefined ? undefined : Math.max(at, this.#parts.now())
  }

  async #send(row: Next): Promise<void> {
    const { gateway, badges, sql, transaction, refused } = this.#parts
    try {
      const unread = await badges.count()
      const { url, notification } = toldOf(row, unread)
      const rejected = notification === undefined ? [] : await gateway.notify(url, notification)
      if (rejected.includes(row.pushkey)) refused(row.app_id, row.pushkey)
      transaction(() => {
        dropQueued(sql, row.seq)
        dropRetry(sql, row)
        if (notification !== undefined && unread !== row.told) putTold(sql, row, unread)
      })
    } catch {
      this.#putOff(row)
    }
  }

  #putOff(pusher: PusherId): void {
    const { sql, now } = this.#parts
    const failures = failuresOf(sql, pusher)
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 20))
    putRetry(sql, pusher, failures + 1, now() + wait)
  }
}

function keyOf({ app_id, pushkey }: PusherId): string {
  return JSON.stringify([app_id, pushkey])
}

/** What a pusher is told now; nothing if there is only a number and it has not fallen. */
function toldOf(
  { notification, told, to }: Next,
  unread: number,
): { url: string; notification?: JsonObject } {
  const settings = JSON.parse(to.pusher) as Pusher
  const { url } = settings.data
  if (notification !== BADGE) {
    return { url, notification: { ...(JSON.parse(notification) as JsonObject), counts: { unread } } }
  }
  // If a pusher was told nothing yet, its device may show any number.
  const hasFallen = told === null ? unread > 0 : unread < told
  return hasFallen ? { url, notification: badgeFor(settings, to.set_ts, unread) } : { url }
}

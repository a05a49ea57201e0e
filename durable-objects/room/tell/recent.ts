/** The newest events and receipts of a room, in memory: wakes are made of them without asking the tables. */
import type { Receipt, TimelineEvent } from '../../../src/objects/room/sync.ts'

const KEPT_EVENTS = 64
const KEPT_RECEIPTS = 512

/** What it takes of a commit's change. */
export interface Seen {
  readonly appended: readonly TimelineEvent[]
  readonly rewritten: boolean
  readonly moved: boolean
  readonly read: readonly Receipt[]
  readonly marked: boolean
}

export class Recent {
  #events: TimelineEvent[] = []
  /** Everything visible after this position is among the events. */
  #eventsAfter: number
  /** The newest public receipt of each user and thread, in the order of their positions. */
  readonly #receipts = new Map<string, Receipt>()
  /** Every public receipt after this position is among them. */
  #receiptsAfter: number
  #marked: number

  constructor(head: number) {
    this.#eventsAfter = head
    this.#receiptsAfter = head
    this.#marked = head
  }

  /** After a commit; `head`: where the room stands since. */
  took({ appended, rewritten, moved, read, marked }: Seen, head: number): void {
    if (rewritten) this.#reset(appended[0] === undefined ? head : appended[0].pos - 1)
    // An increment has no state but that of its events. A subscriber before this position must ask.
    if (moved) this.#reset(head)
    else if (appended.length > 0) this.#keepEvents(appended)
    for (const receipt of read) this.#keepReceipt(receipt)
    const members = appended.filter(({ event }) => event.type === 'm.room.member')
    for (const { event } of members) if (event.content.membership !== 'join') this.#forget(event.state_key)
    if (marked || members.length > 0) this.#marked = head
  }
  /** The events after a position; undefined: the tables know. */
  eventsAfter(pos: number): TimelineEvent[] | undefined {
    if (pos < this.#eventsAfter) return undefined
    return this.#events.filter((event) => event.pos > pos)
  }

  /** The public receipts after a position; undefined: the tables know. */
  receiptsAfter(pos: number): Receipt[] | undefined {
    if (pos < this.#receiptsAfter) return undefined
    return [...this.#receipts.values()].filter((receipt) => receipt.pos > pos)
  }

  /** Whether a member was marked after a position, or somebody came or went; true if that is not known. */
  mayHaveMarks(pos: number): boolean {
    return pos < this.#marked
  }

  #keepEvents(events: readonly TimelineEvent[]): void {
    this.#events.push(...events)
    const surplus = this.#events.length - KEPT_EVENTS
    if (surplus > 0) this.#eventsAfter = this.#events.splice(0, surplus).at(-1)?.pos ?? this.#eventsAfter
  }

  #keepReceipt(receipt: Receipt): void {
    const key = JSON.stringify([receipt.userId, receipt.threadId])
    this.#receipts.delete(key)
    this.#receipts.set(key, receipt)
    if (this.#receipts.size <= KEPT_RECEIPTS) return
    const [oldest] = this.#receipts
    if (oldest === undefined) return
    this.#receipts.delete(oldest[0])
    this.#receiptsAfter = oldest[1].pos
  }

  /** The receipts of a member that is gone are not shown. */
  #forget(userId: string | undefined): void {
    for (const [key, receipt] of this.#receipts) if (receipt.userId === userId) this.#receipts.delete(key)
  }

  /** What was kept must not be served any more, since an event was rewritten. */
  #reset(head: number): void {
    this.#events = []
    this.#eventsAfter = head
  }
}

/** What a room has committed and the event stream has yet to be told, in memory: messages and public receipts. */
import type { NewRecord } from '../../../src/objects/partition/records.ts'
import type { Receipt, TimelineEvent } from '../../../src/objects/room/sync.ts'
import { eventRecord, receiptRecord } from './record-texts.ts'

/** So many are kept: what is more is read from the log. */
const MOST_HELD = 200
/** Characters of a delivery; one record at least. */
const MOST_LENGTH = 300_000

/** What it takes of a commit's change. */
export interface Committed {
  readonly appended: readonly TimelineEvent[]
  readonly rewritten: boolean
  readonly moved: boolean
  readonly logged: boolean
  readonly receiptsMoved: boolean
  readonly read: readonly Receipt[]
  readonly marked: boolean
  readonly typingChanged: boolean
}

type News = { pos: number; event: TimelineEvent } | { pos: number; receipt: Receipt }

/**
 * Holds all that the log has after a position, or nothing. It begins when the log was read to its end, and ends with a
 * commit that it cannot hold, such as one of a state event or a redaction: then the log is read again.
 */
export class HeldNews {
  #news: News[] | undefined
  #seen: number | undefined

  /** Whether it holds everything that is not told yet. */
  get isWhole(): boolean {
    return this.#news !== undefined
  }

  get count(): number {
    return this.#news?.length ?? 0
  }

  /** The log was read to its end. */
  begin(): void {
    this.#news = []
  }

  end(): void {
    this.#news = undefined
  }

  /** After each commit; `last`: the newest position that the room has given. */
  took(change: Committed, last: number): void {
    const given = last - (this.#seen ?? last)
    this.#seen = last
    if (this.#news === undefined || isUntold(change, given)) return
    const { appended, logged, moved, read, rewritten } = change
    const isHeld =
      !logged && !rewritten && !moved && given === appended.length + read.length && appended.every(isPlain)
    if (!isHeld || this.#news.length + given > MOST_HELD) {
      this.end()
      return
    }
    for (const event of appended) this.#news.push({ pos: event.pos, event })
    for (const receipt of read) this.#news.push({ pos: receipt.pos, receipt })
    if (read.length > 0) this.#news.sort((a, b) => a.pos - b.pos)
  }

  /** The records up to a position, as many as go together, and the position up to which they are complete. */
  recordsUpTo(end: number, roomId: string): { records: NewRecord[]; upTo: number } | undefined {
    const records: NewRecord[] = []
    let length = 0
    for (const news of this.#news ?? []) {
      if (news.pos > end || length > MOST_LENGTH) break
      const record = 'event' in news ? eventRecord(roomId, news.event) : receiptRecord(roomId, news.receipt)
      records.push(record)
      length += record.body.length
    }
    const last = records.at(-1)
    return last && { records, upTo: last.pos }
  }

  /** Whether there is anything up to a position. */
  hasUpTo(end: number): boolean {
    return (this.#news?.[0]?.pos ?? Number.POSITIVE_INFINITY) <= end
  }

  /** The stream has been told up to a position. */
  drop(upTo: number): void {
    const news = this.#news
    if (news === undefined) return
    const left = news.findIndex(({ pos }) => pos > upTo)
    news.splice(0, left === -1 ? news.length : left)
  }
}

/** Whether the log has nothing of the change, though it may have taken positions. */
function isUntold(
  { appended, logged, marked, read, receiptsMoved, rewritten, typingChanged }: Committed,
  given: number,
): boolean {
  if (appended.length > 0 || logged || read.length > 0 || receiptsMoved || rewritten) return false
  return given === 0 || marked || typingChanged
}

/** What an event tells besides itself is in the log alone. */
function isPlain({ event }: TimelineEvent): boolean {
  return event.state_key === undefined && event.type !== 'm.room.redaction'
}

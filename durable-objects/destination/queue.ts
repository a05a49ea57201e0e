/** What one other server must still get: rooms are marked, their events fetched when they are sent, one request at a time. */
import { ServerFailure } from '../../src/federation/server-failure.ts'
import type { DestinationMark } from '../../src/objects/destination/peer.ts'
import type { OutgoingEvents, OutgoingRequest } from '../../src/objects/room/outgoing.ts'
import type { LazyStorage } from '../sqlite.ts'
import { type Backoff, readBackoff, restAfter, writeBackoff } from './backoff.ts'
import { isAnyWaiting, markOf, putMark, waitingMarks } from './rows/marks.ts'

/** Server-Server API §Transactions: "A maximum of 50 PDUs". */
const MOST_EVENTS = 50
/** Rooms that one transaction asks for their events. */
const MOST_ROOMS = 20
/** Transactions of one run: an invocation has only so many calls. */
const MOST_TRANSACTIONS = 10

export interface QueueParts {
  storage: LazyStorage
  serverName: string
  eventsOf: (roomId: string, request: OutgoingRequest) => Promise<OutgoingEvents>
  /** @throws ServerFailure */
  send: (events: readonly string[]) => Promise<void>
  /** Makes `run` run, at a time, ms. */
  arm: (at: number) => void
  now: () => number
  /** From 0 to 1. */
  chance: () => number
  /** Told each time the server begins to be left alone. */
  failed: () => void
}

type Taken = Pick<OutgoingEvents, 'upTo' | 'more'> & { roomId: string }

export class Queue {
  readonly #parts: QueueParts
  /** Marks that came for rooms that wait already: their rows say less. */
  readonly #newer = new Map<string, number>()
  #backoff: Backoff | undefined | 'unread' = 'unread'
  /** After which room the next transaction looks, so that a busy one holds up no other. */
  #turn = ''
  /** It has come back, and has not got everything yet. */
  #wasAway = false

  constructor(parts: QueueParts) {
    this.#parts = parts
  }

  /** Takes a room's mark. Writes no row for a room that waits already. */
  mark({ roomId, from, upTo }: DestinationMark): void {
    const { storage, arm, now } = this.#parts
    const row = markOf(storage.sql, roomId)
    const sent = Math.max(row?.sent ?? 0, from)
    if (upTo <= sent) return
    if (row !== undefined && row.sent < row.up_to) {
      this.#newer.set(roomId, Math.max(upTo, this.#newer.get(roomId) ?? 0))
    } else {
      storage.transactionSync(() => putMark(storage.sql, { room_id: roomId, up_to: upTo, sent }))
    }
    // A server that is left alone has its timer already.
    if (this.#rest === undefined) arm(now())
  }

  /** The server is there: it has sent something itself. */
  rouse(): void {
    const { storage, arm, now } = this.#parts
    if (this.#rest === undefined) return
    this.#backoff = undefined
    writeBackoff(storage, undefined)
    // It still lacks the events of its outage, so it gets them as after an outage.
    this.#wasAway = true
    arm(now())
  }

  isLeft(): boolean {
    return isAnyWaiting(this.#parts.storage.sql)
  }

  /** Sends what waits. Answers when to go on. */
  async run(): Promise<number | undefined> {
    const { now } = this.#parts
    for (let sent = 0; sent < MOST_TRANSACTIONS; sent += 1) {
      const rest = this.#rest
      if (rest !== undefined && rest.until > now()) return this.isLeft() ? rest.until : undefined
      const batch = await this.#nextBatch()
      if (batch === undefined) return undefined
      if (batch.events.length > 0 && !(await this.#send(batch.events))) continue
      this.#moved(batch.taken)
    }
    return this.isLeft() ? now() : undefined
  }

  /** What the next transaction holds; undefined: nothing waits. */
  async #nextBatch(): Promise<{ events: string[]; taken: Taken[] } | undefined> {
    const { storage, serverName, eventsOf } = this.#parts
    const after = waitingMarks(storage.sql, this.#turn, MOST_ROOMS)
    const rows = after.length > 0 ? after : waitingMarks(storage.sql, '', MOST_ROOMS)
    if (rows.length === 0) return undefined
    const events: string[] = []
    const taken: Taken[] = []
    for (const { room_id: roomId, sent } of rows) {
      const limit = MOST_EVENTS - events.length
      const afterOutage = this.#rest !== undefined || this.#wasAway
      const found = await eventsOf(roomId, { serverName, after: sent, limit, afterOutage })
      events.push(...found.events)
      taken.push({ roomId, upTo: found.upTo, more: found.more })
      this.#turn = roomId
      if (events.length >= MOST_EVENTS) break
    }
    return { events, taken }
  }

  async #send(events: readonly string[]): Promise<boolean> {
    const { storage, send, now, chance } = this.#parts
    try {
      await send(events)
    } catch (error) {
      if (!(error instanceof ServerFailure)) throw error
      const failures = (this.#rest?.failures ?? 0) + 1
      this.#backoff = { failures, until: now() + restAfter(failures, chance(), error.retryAfterMs) }
      writeBackoff(storage, this.#backoff)
      this.#parts.failed()
      return false
    }
    if (this.#rest === undefined) return true
    this.#backoff = undefined
    this.#wasAway = true
    writeBackoff(storage, undefined)
    return true
  }

  #moved(taken: readonly Taken[]): void {
    const { storage } = this.#parts
    storage.transactionSync(() => {
      for (const { roomId, upTo, more } of taken) {
        const row = markOf(storage.sql, roomId)
        const marked = Math.max(row?.up_to ?? 0, this.#newer.get(roomId) ?? 0)
        // The row may be older than a mark that a crash took from the memory: the Room knows what is left.
        const wanted = Math.max(marked, more ? upTo + 1 : upTo)
        putMark(storage.sql, { room_id: roomId, up_to: wanted, sent: Math.max(row?.sent ?? 0, upTo) })
      }
    })
    for (const { roomId, upTo } of taken)
      if ((this.#newer.get(roomId) ?? 0) <= upTo) this.#newer.delete(roomId)
    if (!this.isLeft()) this.#wasAway = false
  }

  get #rest(): Backoff | undefined {
    if (this.#backoff === 'unread') this.#backoff = readBackoff(this.#parts.storage.sql)
    return this.#backoff
  }
}

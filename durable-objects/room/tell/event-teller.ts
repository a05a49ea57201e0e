/**
 * A room's log on its way to its partition of the event stream: in order, at least once, in batches; the partition knows
 * what it has. The archive reads the same log: an entry goes when both have it.
 *
 * There are two ways. A new commit goes with the next call that a room of this isolate makes to the partition. The commit
 * also arms the alarm, which tells from the log what has not arrived by then. Both ways begin at or before what the
 * partition has. So nothing is left out, and the partition drops what comes twice.
 */
import type { PartitionPeer } from '../../../src/objects/partition/peer.ts'
import type { Delivery } from '../../../src/objects/partition/records.ts'
import { partitionOf } from '../../../src/protocol/event-stream.ts'
import { Courier, type Outlet } from '../../consumer.ts'
import type { Changed } from '../context.ts'
import type { RoomStore } from '../rows/store.ts'
import { readCursors, writeCursors } from '../rows/tell/cursors.ts'
import { dropLog } from '../rows/tell/log.ts'
import { recordsOf } from './event-records.ts'
import { type Caller, roundOf, SPACING_MS, type Teller } from './event-rounds.ts'
import { HeldNews } from './held-news.ts'
import { entriesAfter } from './log-batch.ts'

/** A batch of what an RPC carries easily: PDUs are longer than the records that are made of them. */
const LIMITS = { entries: 500, length: 700_000 }
/** How many positions the stored cursor may stay behind, to spare a row a batch: so many come twice after an eviction. */
const BEHIND = 2_000
/** How often the alarm looks whether a call that is under way has brought everything, before it tells by itself. */
const LOOKS = 15
/** How long what a room says right after it has told something waits for more of it, ms: calls are further apart. */
const GATHER_MS = 50

export interface EventTellerParts {
  store: RoomStore
  partition: (roomId: string) => Pick<PartitionPeer, 'append' | 'positionOf'>
  /** Answers when what is committed now is on the disk. */
  synced: () => Promise<void>
  /** The wakes' watermark, stored in the same row. */
  woken: () => number
  now: () => number
}

export class EventTeller extends Courier<Delivery> implements Teller, Caller {
  readonly #parts: EventTellerParts
  readonly #held = new HeldNews()
  /** How far the partition has been told, as far as this incarnation knows. */
  #told: number | undefined
  /** Everything up to here is on the disk. */
  #safe = Number.NEGATIVE_INFINITY
  /** What was read from the log for the next call. */
  #prepared: Delivery | undefined
  /** What a call has under way. */
  #out: Delivery | undefined
  /** The room's id, once it goes with calls of others: those may not read the tables for it. */
  #source: string | undefined
  #isSyncing = false
  #offeredAt = Number.NEGATIVE_INFINITY
  #isWaiting = false
  /** The last delivery was not taken: the alarm alone tries again, after its backoff. */
  #isFailing = false

  constructor(parts: EventTellerParts) {
    const outlet: Outlet<Delivery> = {
      read: () => this.#readBatch(),
      deliver: (delivery) => this.deliver([delivery]),
      acknowledge: ({ upTo }) => this.#acknowledge(upTo),
    }
    super(outlet, parts.now)
    this.#parts = parts
  }

  /** Where the stream stands. A room that it has never heard of begins with what the archive has yet to learn. */
  get position(): number {
    if (this.#told !== undefined) return this.#told
    const { streamed, archived } = readCursors(this.#parts.store.sql)
    return streamed ?? archived
  }

  /** How much of a room its partition has; undefined: nothing. */
  partitionHas(roomId: string): Promise<number | undefined> {
    return this.#parts.partition(roomId).positionOf(roomId)
  }

  /** After each commit, before anything else is told of it. */
  took(change: Changed): void {
    this.#held.took(change, this.#parts.store.positions.last)
  }

  /** After a commit for which the alarm is armed too: most often the partition knows before that rings. */
  tellSoon(): void {
    if (this.#isSyncing || this.#isFailing) return
    this.#isSyncing = true
    const wait = this.#offeredAt + GATHER_MS - this.now()
    if (wait > 0) setTimeout(() => this.#sync(), wait)
    else this.#sync()
  }

  override async run(): Promise<number | undefined> {
    for (let looks = 0; looks < LOOKS && this.#isUnderWay && !this.#isFailing; looks += 1)
      await pause(SPACING_MS)
    if (this.#isUnderWay || !this.#held.isEmpty) {
      this.#withdraw()
      if (await this.#try()) return this.#parts.now()
    }
    this.#settle()
    return undefined
  }

  /** Whether the stream lacks anything. */
  isLeft(): boolean {
    return entriesAfter(this.#parts.store, this.position, { ...LIMITS, entries: 1 }).entries.length > 0
  }

  /** The tables were made anew. */
  reset(): void {
    this.#withdraw()
    this.#told = undefined
  }

  // ------------------------------------------------------------ in a call of any room of the isolate

  take(): Delivery | undefined {
    const source = this.#source
    if (this.#out !== undefined || source === undefined) return undefined
    const ready = this.#prepared ?? this.#held.recordsUpTo(this.#safe, source)
    this.#prepared = undefined
    this.#out = ready && { source, strips: [], ...ready }
    return this.#out
  }

  taken(delivery: Delivery): boolean {
    if (delivery !== this.#out) return false
    this.#out = undefined
    this.#noteTold(delivery.upTo)
    return this.#held.hasUpTo(this.#safe)
  }

  lost(delivery: Delivery): void {
    if (delivery !== this.#out) return
    this.#isFailing = true
    this.#forget()
  }

  // ------------------------------------------------------------ as the room that calls

  async deliver(deliveries: Delivery[]): Promise<void> {
    await this.#parts.partition(this.#parts.store.roomId).append(deliveries)
  }

  now(): number {
    return this.#parts.now()
  }

  // ------------------------------------------------------------ inside

  /** Offers what is committed by now, once it is on the disk. The alarm tells what this does not. */
  #sync(): void {
    const { positions } = this.#parts.store
    const { last } = positions
    const done = () => {
      this.#isSyncing = false
      this.#safe = last
      this.#offer()
      if (positions.last > last) this.tellSoon()
    }
    void this.#parts.synced().then(done, () => {
      this.#isSyncing = false
    })
  }

  /** Something of what the room has seen is with a call, or about to be. */
  get #isUnderWay(): boolean {
    return this.#out !== undefined || this.#prepared !== undefined || this.#held.hasUpTo(this.#safe)
  }

  /** Goes with the next call. */
  #offer(): void {
    if (this.#isFailing) return
    this.#offeredAt = this.now()
    if (!this.#held.isWhole && !this.#prepare()) return
    this.#source = this.#parts.store.roomId
    roundOf(partitionOf(this.#source)).join(this, this)
  }

  /** Reads the log as far as it is on the disk. Answers whether there is something to tell. */
  #prepare(): boolean {
    if (this.#out !== undefined) {
      this.#offerLater()
      return false
    }
    const { delivery, isWhole } = this.#read(this.#safe)
    this.#prepared = delivery
    // The next commit follows this batch without a gap.
    if (isWhole) this.#held.begin()
    return delivery !== undefined
  }

  /** What is under way must arrive before the log is read. */
  #offerLater(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    setTimeout(() => {
      this.#isWaiting = false
      this.#offer()
    }, SPACING_MS)
  }

  #withdraw(): void {
    if (this.#source !== undefined) roundOf(partitionOf(this.#source)).leave(this)
    this.#forget()
  }

  #forget(): void {
    this.#held.end()
    this.#prepared = undefined
    this.#out = undefined
  }

  async #try(): Promise<boolean> {
    try {
      const isMoreLeft = await this.flush()
      this.#isFailing = false
      return isMoreLeft
    } catch (error) {
      this.#isFailing = true
      throw error
    }
  }

  #readBatch(): { items: Delivery[]; more: () => boolean } {
    const { delivery, isWhole } = this.#read(Number.POSITIVE_INFINITY)
    return { items: delivery === undefined ? [] : [delivery], more: () => !isWhole }
  }

  /** The next batch of the log; `isWhole`: it reaches to the end. */
  #read(end: number): { delivery?: Delivery; isWhole: boolean } {
    const { store } = this.#parts
    const { entries: found, more } = entriesAfter(store, this.position, LIMITS)
    const entries = found.filter(({ pos }) => pos <= end)
    const last = entries.at(-1)
    const isWhole = !more && entries.length === found.length
    if (last === undefined) return { isWhole }
    return { delivery: { source: store.roomId, ...recordsOf(store, entries), upTo: last.pos }, isWhole }
  }

  #noteTold(upTo: number): void {
    this.#told = Math.max(upTo, this.#told ?? upTo)
    this.#held.drop(this.#told)
    if (this.#prepared !== undefined && this.#prepared.upTo <= this.#told) this.#prepared = undefined
  }

  /** The archive's next acknowledgement stores where the stream stands, but for a stream that is behind the archive. */
  #acknowledge(upTo: number): void {
    this.#noteTold(upTo)
    const { archived, streamed } = readCursors(this.#parts.store.sql)
    if (upTo <= archived || upTo - (streamed ?? archived) > BEHIND) this.#store()
  }

  /** The alarm's last word: what the archive has stored before the stream was told, or has not stored for long. */
  #settle(): void {
    if (this.#told === undefined) return
    const { archived, streamed } = readCursors(this.#parts.store.sql)
    const { position } = this
    if (streamed === position) return
    if (archived >= position || position - (streamed ?? archived) > BEHIND) this.#store()
  }

  #store(): void {
    const { store, woken } = this.#parts
    store.transaction(() => {
      const { archived } = readCursors(store.sql)
      const { position } = this
      writeCursors(store.sql, { archived, woken: woken(), streamed: position })
      dropLog(store.sql, Math.min(archived, position))
    })
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

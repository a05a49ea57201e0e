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
import { recordsOf } from './event-records.ts'
import { type Caller, type Round, roundOf, SPACING_MS, type Teller } from './event-rounds.ts'
import { HeldNews } from './held-news.ts'
import { entriesAfter } from './log-batch.ts'
import { StreamCursor } from './stream-cursor.ts'

/** A batch of what an RPC carries easily: PDUs are longer than the records that are made of them. */
const LIMITS = { entries: 500, length: 700_000 }
/** How long the alarm waits for a call that is to bring everything, before it tells by itself, ms. */
const PATIENCE_MS = 1_700
/** From one look of the alarm to the next at least, ms: an answer takes about so long. */
const LOOK_MS = 50
/** How long what a room says right after it has offered something waits for more of it, ms: calls are further apart. */
const GATHER_MS = 50
/** So long before the next call is what was said meanwhile brought to the disk, ms. */
const LEAD_MS = 15
/** Who holds so many does not wait for the end of a long pause: the memory has a bound. */
const MANY = 100

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
  /** How far the partition has been told. */
  readonly #cursor: StreamCursor
  /** Everything up to here is on the disk. */
  #safe = Number.NEGATIVE_INFINITY
  /** What was read from the log for the next call, until the partition has it. */
  #prepared: Delivery | undefined
  /** What a call has under way. */
  #out: Delivery | undefined
  /** The room's id, once it goes with calls of others: those may not read the tables for it. */
  #source: string | undefined
  #ownRound: Round | undefined
  /** Committed since the alarm rang: it is armed again. */
  #hasNews = false
  #isSyncing = false
  /** It holds so much that the next call should be soon. */
  #isUrgent = false
  #offeredAt = Number.NEGATIVE_INFINITY
  /** A turn is to come in which what is committed is offered, or offered again. */
  #isToOffer = false
  #isWaiting = false
  /** The last delivery was not taken: the alarm alone tries again, after its backoff. */
  #isFailing = false

  constructor(parts: EventTellerParts) {
    const outlet: Outlet<Delivery> = {
      read: () => this.#readBatch(),
      deliver: async (delivery) => void (await this.deliver([delivery])),
      acknowledge: ({ upTo }) => this.#acknowledge(upTo),
    }
    super(outlet, parts.now)
    this.#parts = parts
    this.#cursor = new StreamCursor(parts)
  }

  /** Where the stream stands. */
  get position(): number {
    return this.#cursor.position
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
    this.#hasNews = true
    if (this.#isFailing) return
    if (this.#held.count >= MANY && !this.#isUrgent) {
      this.#isUrgent = true
      this.#sync()
    }
    if (this.#isSyncing || this.#isToOffer) return
    const wait = Math.max(this.#offeredAt + GATHER_MS, this.#round.dueAt - LEAD_MS) - this.now()
    if (wait <= 0) {
      this.#sync()
      return
    }
    this.#isToOffer = true
    setTimeout(() => {
      this.#isToOffer = false
      this.#sync()
    }, wait)
  }

  override async run(): Promise<number | undefined> {
    this.#hasNews = false
    if (!(await this.#isToldByCalls())) {
      this.#withdraw()
      if (await this.#try()) return this.now()
    }
    // News that came meanwhile goes to the archive. Its acknowledgement stores the stream's cursor.
    if (!this.#hasNews) this.#cursor.settle()
    return undefined
  }

  /** Whether the stream lacks anything. */
  isLeft(): boolean {
    return entriesAfter(this.#parts.store, this.position, { ...LIMITS, entries: 1 }).entries.length > 0
  }

  /** The tables were made anew. */
  reset(): void {
    this.#withdraw()
    this.#cursor.reset()
  }

  // ------------------------------------------------------------ in a call of any room of the isolate

  take(): Delivery | undefined {
    const source = this.#source
    if (this.#out !== undefined || source === undefined) return undefined
    const ready = this.#prepared ?? this.#held.recordsUpTo(this.#safe, source)
    this.#out = ready && { source, strips: [], ...ready }
    return this.#out
  }

  taken(delivery: Delivery): boolean {
    if (delivery !== this.#out) return false
    this.#out = undefined
    this.#isUrgent = false
    this.#noteTold(delivery.upTo)
    return this.#held.hasUpTo(this.#safe)
  }

  lost(delivery: Delivery): void {
    if (delivery !== this.#out) return
    this.#isFailing = true
    this.#forget()
  }

  // ------------------------------------------------------------ as the room that calls

  deliver(deliveries: Delivery[]): Promise<boolean> {
    return this.#parts.partition(this.#parts.store.roomId).append(deliveries)
  }

  now(): number {
    return this.#parts.now()
  }

  // ------------------------------------------------------------ inside

  get #round(): Round {
    this.#ownRound ??= roundOf(partitionOf(this.#parts.store.roomId))
    return this.#ownRound
  }

  /** Offers what is committed by now, once it is on the disk. The alarm tells what this does not. */
  #sync(): void {
    if (this.#isSyncing) return
    this.#isSyncing = true
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

  /** Waits until calls have brought what is committed by now. Answers false where they do not, or not for long. */
  async #isToldByCalls(): Promise<boolean> {
    const { last } = this.#parts.store.positions
    const patientUntil = this.now() + PATIENCE_MS
    const isMissing = () => !this.#held.isWhole || this.#prepared !== undefined || this.#held.hasUpTo(last)
    const isComing = () => this.#held.isWhole || this.#isSyncing || this.#isToOffer
    while (isMissing() && isComing() && !this.#isFailing && this.now() < patientUntil)
      await pause(Math.max(LOOK_MS, this.#round.dueAt + LOOK_MS - this.now()))
    return !isMissing()
  }

  /** Goes with the next call. */
  #offer(): void {
    if (this.#isFailing) return
    this.#offeredAt = this.now()
    if (!this.#held.isWhole && !this.#prepare()) return
    this.#source = this.#parts.store.roomId
    this.#round.join(this, this, { isUrgent: this.#isUrgent })
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
    this.#ownRound?.leave(this)
    this.#forget()
  }

  #forget(): void {
    this.#held.end()
    this.#prepared = undefined
    this.#out = undefined
    this.#isUrgent = false
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
    const told = this.#cursor.note(upTo)
    this.#held.drop(told)
    if (this.#prepared !== undefined && this.#prepared.upTo <= told) this.#prepared = undefined
  }

  #acknowledge(upTo: number): void {
    this.#noteTold(upTo)
    this.#cursor.acknowledge(upTo)
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

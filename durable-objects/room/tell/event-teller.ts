/**
 * A room's log on its way to its partition of the event stream: in order, at least once, in batches; the partition knows
 * what it has. The archive reads the same log: an entry goes when both have it.
 */
import type { PartitionPeer } from '../../../src/objects/partition/peer.ts'
import type { Delivery } from '../../../src/objects/partition/records.ts'
import { Courier, type Outlet } from '../../consumer.ts'
import type { RoomStore } from '../rows/store.ts'
import { readCursors, writeCursors } from '../rows/tell/cursors.ts'
import { dropLog } from '../rows/tell/log.ts'
import { recordsOf } from './event-records.ts'
import { entriesAfter } from './log-batch.ts'

/** A batch of what an RPC carries easily: PDUs are longer than the records that are made of them. */
const LIMITS = { entries: 500, length: 700_000 }
/** How long what is committed waits for company, ms. */
const GATHER_MS = 40
/** How many positions the stored cursor may stay behind, to spare a row a batch: so many come twice after an eviction. */
const BEHIND = 2_000

export interface EventTellerParts {
  store: RoomStore
  partition: (roomId: string) => Pick<PartitionPeer, 'append' | 'positionOf'>
  /** The wakes' watermark, stored in the same row. */
  woken: () => number
  now: () => number
}

export class EventTeller extends Courier<Delivery> {
  readonly #parts: EventTellerParts
  /** How far the partition has been told, as far as this incarnation knows. */
  #told: number | undefined
  #isSoon = false
  /** The last batch was not taken: the alarm alone tries again, after its backoff. */
  #isFailing = false

  constructor(parts: EventTellerParts) {
    const outlet: Outlet<Delivery> = {
      read: () => this.#read(),
      deliver: (delivery) => parts.partition(parts.store.roomId).append(delivery),
      acknowledge: ({ upTo }) => this.#acknowledge(upTo),
    }
    super(outlet, parts.now)
    this.#parts = parts
  }

  /** Where the stream stands. A room that it has never heard of begins with what the archive has yet to learn. */
  get position(): number {
    const { streamed, archived } = readCursors(this.#parts.store.sql)
    return Math.max(this.#told ?? Number.NEGATIVE_INFINITY, streamed ?? archived)
  }

  /** How much of a room its partition has; undefined: nothing. */
  partitionHas(roomId: string): Promise<number | undefined> {
    return this.#parts.partition(roomId).positionOf(roomId)
  }

  /** After a commit for which the alarm is armed too: most often the partition knows before that rings. */
  tellSoon(): void {
    if (this.#isSoon || this.#isFailing) return
    this.#isSoon = true
    setTimeout(() => {
      this.#isSoon = false
      void this.#try().catch(() => undefined)
    }, GATHER_MS)
  }

  override async run(): Promise<number | undefined> {
    if (await this.#try()) return this.#parts.now()
    this.#settle()
    return undefined
  }

  /** Whether the stream lacks anything. */
  isLeft(): boolean {
    return entriesAfter(this.#parts.store, this.position, { ...LIMITS, entries: 1 }).entries.length > 0
  }

  /** The tables were made anew. */
  reset(): void {
    this.#told = undefined
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

  #read(): { items: Delivery[]; more: () => boolean } {
    const { store } = this.#parts
    const { entries, more } = entriesAfter(store, this.position, LIMITS)
    const last = entries.at(-1)
    if (last === undefined) return { items: [], more: () => false }
    const delivery = { source: store.roomId, ...recordsOf(store, entries), upTo: last.pos }
    return { items: [delivery], more: () => more }
  }

  /** The archive's next acknowledgement stores where the stream stands, but for a stream that is behind the archive. */
  #acknowledge(upTo: number): void {
    this.#told = upTo
    const { archived, streamed } = readCursors(this.#parts.store.sql)
    if (upTo <= archived || upTo - (streamed ?? archived) > BEHIND) this.#store()
  }

  /** The alarm's last word: what the archive has stored before the stream was told. */
  #settle(): void {
    const { archived, streamed } = readCursors(this.#parts.store.sql)
    const { position } = this
    if (streamed !== position && archived >= position && this.#told !== undefined) this.#store()
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

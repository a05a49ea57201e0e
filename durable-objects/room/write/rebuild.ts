/**
 * A Room made again from the archive alone. It starts far above every position it ever gave, tells its members' objects
 * how they stand, and wakes them all once: subscribers then pull, and are subscribed again.
 */
import type { Receipt } from '../../../src/objects/room/sync.ts'
import type { ArchivedEvent, ArchiveReader } from '../../../src/ports/archive.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { type Extremity, extremitiesAfter } from '../../../src/protocol/events/extremities.ts'
import { deleteMeta, readMeta, type SqlReader, writeMeta } from '../../sqlite.ts'
import { wipeTables } from '../../wipe.ts'
import { commit, type RoomContext, type RoomWriter } from '../context.ts'
import { restoreDelayed } from '../rows/events/delayed-store.ts'
import { hasHidden } from '../rows/events/judged-events.ts'
import { hasGaps } from '../rows/federation/gaps.ts'
import { hasBranches } from '../rows/federation/state-groups.ts'
import { restartMarks } from '../rows/members/device-marks.ts'
import { noteForgotten } from '../rows/members/forgotten.ts'
import { restoreReceipt } from '../rows/members/receipts.ts'
import { readCursors, writeCursors } from '../rows/tell/cursors.ts'
import { addSubscriber } from '../rows/tell/subscribers.ts'
import { restoreErased } from './erasure.ts'
import { feedMember, placeEvent, type StateChange } from './place.ts'

/** Above what was given to events and never archived, however far the archive was behind. */
const GAP = 1_000_000
/** Events at once: with 64 KiB each, a few megabytes. */
const BATCH = 50
/** How soon the alarm looks after a rebuild that may have been interrupted. */
const RESUME_MS = 5_000
const BEFORE_ALL = -Number.MAX_SAFE_INTEGER

/** How far a rebuild has come, as `meta` keeps it. While it is there, the room answers nobody. */
interface Progress {
  roomId: string
  /** Absent until the archive has everything and the tables are empty. */
  filling?: { after: number; archivedPos: number; events: number; extremities: Extremity[] }
}

/** What the archive knows of users in the room, besides their memberships. */
interface Marks {
  forgotten: readonly string[]
  erased: readonly { userId: string; pos: number }[]
  receipts: readonly Receipt[]
  /** What waits to be sent. */
  delayed: readonly string[]
}

export interface RebuildParts {
  room: RoomContext
  reader: ArchiveReader
  /** Sends the archive what it lacks. */
  flush: () => Promise<unknown>
  /** How much of the room the event stream has; undefined: nothing, or it is off. */
  streamed: (roomId: string) => Promise<number | undefined>
  /** Whatever is only in memory is void. */
  reset: () => void
  arm: (job: 'rebuild', at: number) => void
  /** Has every job of the object run at a time (ms). */
  armAll: (at: number) => void
}

export class Rebuild {
  readonly #parts: RebuildParts
  #running: Promise<number> | undefined

  constructor(parts: RebuildParts) {
    this.#parts = parts
  }

  /** Answers how many events the room has. @throws MatrixError M_NOT_FOUND where the archive knows no such room */
  run(roomId: string): Promise<number> {
    this.#running ??= this.#rebuild(roomId).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** From the alarm: goes on with one that was interrupted. */
  async resume(): Promise<undefined> {
    const progress = this.#progress
    if (progress !== undefined) await this.run(progress.roomId)
    return undefined
  }

  get #progress(): Progress | undefined {
    const stored = readMeta<string>(this.#parts.room.store.sql, 'rebuilding')
    return stored === undefined ? undefined : (JSON.parse(stored) as Progress)
  }

  async #rebuild(roomId: string): Promise<number> {
    const { room, arm } = this.#parts
    let filling = this.#progress?.filling ?? (await this.#begin(roomId))
    arm('rebuild', room.clock.now() + RESUME_MS)
    for (;;) {
      const events = await this.#parts.reader.roomEvents(roomId, filling.after, BATCH)
      if (events.length === 0) break
      filling = this.#place(roomId, filling, events)
    }
    const { reader } = this.#parts
    const [forgotten, erased, receipts, delayed] = await Promise.all([
      reader.forgottenBy(roomId),
      reader.erasedIn(roomId),
      reader.receiptsIn(roomId),
      reader.delayedIn(roomId),
    ])
    this.#finish(filling, { forgotten, erased, receipts, delayed })
    return filling.events
  }

  /** Nothing is wiped that the archive does not have. */
  async #begin(roomId: string): Promise<NonNullable<Progress['filling']>> {
    const { room, reader, flush } = this.#parts
    const { store } = room
    const known = await reader.room(roomId)
    if (known === undefined) throw new MatrixError('M_NOT_FOUND', 'The archive knows no such room')
    const streamed = await this.#parts.streamed(roomId)
    if (store.exists) {
      requireArchived(store.sql)
      this.#close(roomId)
      try {
        await flush()
      } catch (error) {
        this.#open()
        throw error
      }
    }
    const { archivedPos, version } = (await reader.room(roomId)) ?? known
    const filling = { after: BEFORE_ALL, archivedPos, events: 0, extremities: [] }
    commit(room, () => {
      const reserved = readMeta<number>(store.sql, 'reserved_to') ?? 0
      wipeTables(store.sql)
      store.forget()
      store.initialise(roomId, version)
      store.positions.restartAt(Math.max(reserved, archivedPos) + GAP)
      // The archive has all that is about to come back.
      writeCursors(store.sql, { archived: archivedPos, woken: 0, streamed })
      this.#keep({ roomId, filling })
    })
    this.#parts.reset()
    return filling
  }

  /** From now on the room takes no event, so that the archive can have them all. */
  #close(roomId: string): void {
    const { store } = this.#parts.room
    this.#keep({ roomId })
    store.forget()
    this.#parts.arm('rebuild', this.#parts.room.clock.now() + RESUME_MS)
  }

  #open(): void {
    const { store } = this.#parts.room
    deleteMeta(store.sql, 'rebuilding')
    store.forget()
  }

  #keep(progress: Progress): void {
    writeMeta(this.#parts.room.store.sql, 'rebuilding', JSON.stringify(progress))
  }

  #place(
    roomId: string,
    before: NonNullable<Progress['filling']>,
    events: readonly ArchivedEvent[],
  ): NonNullable<Progress['filling']> {
    return this.#restoring((room) => {
      let { extremities } = before
      for (const { eventId, pdu: json, pos, txn, inState } of events) {
        const pdu = JSON.parse(json) as Pdu
        const event = { eventId, pdu, json }
        const delta: StateChange[] =
          pdu.state_key !== undefined && inState ? [[pdu.type, pdu.state_key, event]] : []
        placeEvent(room, event, { pos, txn, verdict: 'accepted', delta, isNew: false })
        extremities = extremitiesAfter(extremities, event)
      }
      const after = events.at(-1)?.pos ?? before.after
      const filling = { ...before, after, extremities, events: before.events + events.length }
      this.#keep({ roomId, filling })
      return filling
    })
  }

  #finish(
    { archivedPos, extremities }: NonNullable<Progress['filling']>,
    { forgotten, erased, receipts, delayed }: Marks,
  ): void {
    const { armAll, reset } = this.#parts
    this.#restoring((room) => {
      const { store } = room
      store.setExtremities(extremities)
      for (const userId of forgotten) noteForgotten(store.sql, userId)
      for (const { userId, pos } of erased) restoreErased(room, userId, pos)
      for (const receipt of receipts) restoreReceipt(store, receipt)
      for (const body of delayed) restoreDelayed(room, body)
      // The head stands above everything that anybody was ever shown.
      const pos = store.positions.next()
      store.moveHead(pos)
      restartMarks(store, pos)
      this.#tellMembers(room, pos)
      writeCursors(store.sql, { ...readCursors(store.sql), archived: archivedPos, woken: 0 })
      deleteMeta(store.sql, 'rebuilding')
    })
    reset()
    armAll(this.#parts.room.clock.now())
  }

  /** A membership that was never archived is gone: the users' objects must hear how they stand now. */
  #tellMembers(room: RoomWriter, pos: number): void {
    for (const { userId, membership, eventId } of room.store.allMembers()) {
      if (!room.isLocal(userId)) continue
      feedMember(room, { userId, membership, eventId, sender: userId, pos, unchanged: true })
      if (membership === 'join') addSubscriber(room.store.sql, userId)
    }
  }

  #restoring<T>(work: (room: RoomWriter) => T): T {
    const { room } = this.#parts
    room.store.restoring = true
    try {
      return commit(room, work, { restoring: true }).value
    } finally {
      room.store.restoring = false
      room.store.forget()
    }
  }
}

/** Branches, gaps and events that nobody is shown are not archived yet: a rebuild would lose them. @throws MatrixError */
function requireArchived(sql: SqlReader): void {
  if (!hasBranches(sql) && !hasGaps(sql) && !hasHidden(sql)) return
  throw new MatrixError('M_UNKNOWN', 'The archive has not all of a room that other servers share', {
    status: 409,
  })
}

/**
 * A Room made again from the archive alone. It starts far above every position it ever gave, tells its members' objects
 * how they stand, and wakes them all once: subscribers then pull, and are subscribed again.
 */
import type { Receipt } from '../../../../src/objects/room/sync.ts'
import type { ArchiveReader } from '../../../../src/ports/archive.ts'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import type { Extremity } from '../../../../src/protocol/events/extremities.ts'
import { deleteMeta, readMeta, writeMeta } from '../../../sqlite.ts'
import { wipeTables } from '../../../wipe.ts'
import { commit, type RoomContext, type RoomWriter } from '../../context.ts'
import { restoreDelayed } from '../../rows/events/delayed-store.ts'
import { isApart, isToldApart, noteApart, RESTORES } from '../../rows/federation/apart.ts'
import { hasServers } from '../../rows/federation/servers.ts'
import { restartMarks } from '../../rows/members/device-marks.ts'
import { noteForgotten } from '../../rows/members/forgotten.ts'
import { restoreReceipt } from '../../rows/members/receipts.ts'
import { placeUnplaced } from '../../rows/state/auth-chain.ts'
import { readCursors, writeCursors } from '../../rows/tell/cursors.ts'
import { addSubscriber } from '../../rows/tell/subscribers.ts'
import { restoreErased } from '../erasure.ts'
import { feedMember } from '../place.ts'
import { restoreEarlyRedactions } from '../redact.ts'
import { Replay, type Replayed, replaySteps, type ToldExtremities } from './replay.ts'

/** Above what was given to events and never archived, however far the archive was behind. */
const GAP = 1_000_000
/** Records of branches at once: one may have 64 KiB. */
const RECORDS = 50
/** State events at once that get their places in the chain cover. */
const PLACES = 500
/** How soon the alarm looks after a rebuild that may have been interrupted. */
const RESUME_MS = 5_000
const BEFORE_ALL = -Number.MAX_SAFE_INTEGER

/** How far a rebuild has come, as `meta` keeps it. While it is there, the room answers nobody. */
interface Progress {
  roomId: string
  /** Absent until the archive has everything and the tables are empty. */
  filling?: Filling
}

interface Filling extends Replayed {
  archivedPos: number
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
    const told = await this.#toldExtremities(roomId)
    if (filling.after === BEFORE_ALL) await this.#restoreRecords(roomId, 'group')
    const replay = new Replay(this.#parts.reader, roomId, filling)
    const isThere = (eventId: string) => room.store.stateEvent(eventId) !== undefined
    for (;;) {
      const steps = await replay.next(isThere)
      if (steps.length === 0) break
      const before = filling
      filling = this.#restoring((change) => {
        const after = { ...before, ...replaySteps(change, before, steps, told) }
        this.#keep({ roomId, filling: after })
        return after
      })
    }
    this.#placeChains()
    await this.#restoreRecords(roomId, 'judged')
    await this.#restoreRecords(roomId, 'gap')
    await this.#restoreRecords(roomId, 'staged')
    await this.#restoreRecords(roomId, 'relayed')
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
  async #begin(roomId: string): Promise<Filling> {
    const { room, reader, flush } = this.#parts
    const { store } = room
    const known = await reader.room(roomId)
    if (known === undefined) throw new MatrixError('M_NOT_FOUND', 'The archive knows no such room')
    const streamed = await this.#parts.streamed(roomId)
    if (store.exists) {
      if (!isToldApart(store.sql)) commit(room, noteApart)
      this.#close(roomId)
      try {
        await flush()
      } catch (error) {
        this.#open()
        throw error
      }
    }
    const { archivedPos, version } = (await reader.room(roomId)) ?? known
    const filling = { after: BEFORE_ALL, moved: '', archivedPos, events: 0, extremities: [] }
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

  /** Undefined for a room whose events were always one line. */
  async #toldExtremities(roomId: string): Promise<ToldExtremities | undefined> {
    const [record] = await this.#parts.reader.roomRecords(roomId, 'extremities', '', 1)
    if (record === undefined) return undefined
    this.#restoring(noteApart)
    return { upTo: record.pos, extremities: JSON.parse(record.body) as Extremity[] }
  }

  async #restoreRecords(roomId: string, kind: keyof typeof RESTORES): Promise<void> {
    const { reader } = this.#parts
    for (let after = ''; ; ) {
      const records = await reader.roomRecords(roomId, kind, after, RECORDS)
      const last = records.at(-1)
      if (last === undefined) return
      this.#restoring(({ store }) => {
        for (const { body } of records) RESTORES[kind](store.sql, body)
      })
      after = last.key
    }
  }

  /** Hidden events stand before those that they cite. */
  #placeChains(): void {
    if (!isApart(this.#parts.room.store.sql)) return
    for (let after: number | undefined = BEFORE_ALL; after !== undefined; ) {
      const from: number = after
      after = this.#restoring(({ store }) => placeUnplaced(store.sql, { after: from, limit: PLACES }))
    }
  }

  #finish({ archivedPos, extremities }: Filling, { forgotten, erased, receipts, delayed }: Marks): void {
    const { armAll, reset } = this.#parts
    this.#restoring((room) => {
      const { store } = room
      store.setExtremities(extremities)
      if (hasServers(store.sql) || isApart(store.sql)) restoreEarlyRedactions(room)
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

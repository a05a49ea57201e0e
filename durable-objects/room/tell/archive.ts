/** The room's typed log on its way to Postgres: in order, at least once, in batches. */
import type { ArchiveStore, RoomLogEntry } from '../../../src/ports/archive.ts'
import { Courier, type Outlet } from '../../consumer.ts'
import { extremitiesRecord } from '../rows/federation/apart.ts'
import type { RoomStore } from '../rows/store.ts'
import { readCursors, writeCursors } from '../rows/tell/cursors.ts'
import { dropLog } from '../rows/tell/log.ts'
import { entriesAfter } from './log-batch.ts'

const LIMITS = { entries: 500, length: 1_000_000 }

interface RoomBatch {
  entries: RoomLogEntry[]
  /** The position of the last one. */
  upTo: number
  /** The forward extremities that the batch tells, in JSON. */
  extremities: string | null
}

export interface RoomArchiveParts {
  store: RoomStore
  archive: ArchiveStore
  /** The wakes' watermark, stored along with the archive's cursor to save a row. */
  woken: () => number
  /** How far the event stream has been told, which reads the same log; undefined where it is off. */
  streamed: () => number | undefined
  now: () => number
}

export class RoomArchive extends Courier<RoomBatch> {
  readonly #store: RoomStore

  constructor(parts: RoomArchiveParts) {
    super(outlet(parts), parts.now)
    this.#store = parts.store
  }

  /** Whether the archive lacks anything. */
  isLeft(): boolean {
    const one = { ...LIMITS, entries: 1 }
    return entriesAfter(this.#store, readCursors(this.#store.sql).archived, one).entries.length > 0
  }
}

function outlet({ store, archive, woken, streamed }: RoomArchiveParts): Outlet<RoomBatch> {
  /** The extremities that the archive has, so far as this incarnation told it. */
  let toldExtremities: string | null = null
  return {
    read() {
      const { entries, more } = entriesAfter(store, readCursors(store.sql).archived, LIMITS)
      const last = entries.at(-1)
      if (last === undefined) return { items: [], more: () => more }
      // Those of now are those after this batch only if it is the last.
      const record = more ? undefined : extremitiesRecord(store.sql, last.pos)
      const isNew = record !== undefined && record.body !== toldExtremities
      const batch = {
        entries: isNew ? [...entries, record] : entries,
        upTo: last.pos,
        extremities: isNew ? record.body : toldExtremities,
      }
      return { items: [batch], more: () => more }
    },

    deliver: ({ entries }) => archive.applyRoom(store.roomId, store.version, entries),

    acknowledge({ upTo, extremities }) {
      toldExtremities = extremities
      // No mutation of the room: a consumer that moves its own cursor gives no other one work.
      store.transaction(() => {
        const told = streamed()
        writeCursors(store.sql, { archived: upTo, woken: woken(), streamed: told })
        dropLog(store.sql, Math.min(upTo, told ?? upTo))
      })
    },
  }
}

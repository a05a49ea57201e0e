/** The room's typed log on its way to Postgres: in order, at least once, in batches. */
import type { ArchiveStore, RoomLogEntry } from '../../../src/ports/archive.ts'
import { Courier, type Outlet } from '../../consumer.ts'
import { Budget } from '../read/budget.ts'
import type { RoomStore } from '../rows/store.ts'
import { readCursors, writeCursors } from '../rows/tell/cursors.ts'
import { type ArchivedRow, archivedAfter, dropLog, logAfter } from '../rows/tell/log.ts'

const BATCH = 500
/** Characters of a batch; one entry at least. */
const BATCH_LENGTH = 1_000_000

/** Entries after a position, oldest first, at most one batch. */
function entriesAfter(
  store: RoomStore,
  pos: number,
  limit = BATCH,
): { entries: RoomLogEntry[]; more: boolean } {
  const events = cut(archivedAfter(store.sql, pos, limit), { limit, lengthOf: ({ pdu }) => pdu.length })
  const others = cut(logAfter(store.sql, pos, limit), { limit, lengthOf: ({ entry }) => entry.length })
  // Each list may have been cut; what lies beyond the nearer cut waits for the next batch.
  const end = Math.min(events.end, others.end)
  const entries = [
    ...events.rows.map(eventEntry),
    ...others.rows.map((row) => JSON.parse(row.entry) as RoomLogEntry),
  ]
  const batch = entries.filter((entry) => entry.pos <= end).sort((a, b) => a.pos - b.pos)
  return { entries: batch, more: end !== Number.POSITIVE_INFINITY }
}

/** The first rows, as many as a batch takes, and the position up to which they are complete. */
function cut<Row extends { pos: number }>(
  rows: Iterable<Row>,
  { limit, lengthOf }: { limit: number; lengthOf: (row: Row) => number },
): { rows: Row[]; end: number } {
  const budget = new Budget(BATCH_LENGTH)
  const taken: Row[] = []
  for (const row of rows) {
    if (!budget.takes(lengthOf(row))) return { rows: taken, end: taken.at(-1)?.pos ?? row.pos }
    taken.push(row)
  }
  const end = taken.length < limit ? Number.POSITIVE_INFINITY : (taken.at(-1)?.pos ?? 0)
  return { rows: taken, end }
}

function eventEntry(row: ArchivedRow): RoomLogEntry {
  return {
    kind: 'event',
    pos: row.pos,
    eventId: row.event_id,
    depth: row.depth,
    pdu: row.pdu.trimEnd(),
    type: row.type,
    stateKey: row.state_key,
    sender: row.sender,
    ts: row.ts,
    current: row.from_pos !== null,
    membership: row.type === 'm.room.member' ? row.value : null,
    txn: row.txn,
  }
}

interface RoomBatch {
  entries: RoomLogEntry[]
  /** The position of the last one. */
  upTo: number
}

export interface RoomArchiveParts {
  store: RoomStore
  archive: ArchiveStore
  /** The wakes' watermark, stored along with the archive's cursor to save a row. */
  woken: () => number
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
    return entriesAfter(this.#store, readCursors(this.#store.sql).archived, 1).entries.length > 0
  }
}

function outlet({ store, archive, woken }: RoomArchiveParts): Outlet<RoomBatch> {
  return {
    read() {
      const { entries, more } = entriesAfter(store, readCursors(store.sql).archived)
      const last = entries.at(-1)
      return { items: last === undefined ? [] : [{ entries, upTo: last.pos }], more: () => more }
    },

    deliver: ({ entries }) => archive.applyRoom(store.roomId, store.version, entries),

    acknowledge({ upTo }) {
      // No mutation of the room: a consumer that moves its own cursor gives no other one work.
      store.transaction(() => {
        writeCursors(store.sql, { archived: upTo, woken: woken() })
        dropLog(store.sql, upTo)
      })
    },
  }
}

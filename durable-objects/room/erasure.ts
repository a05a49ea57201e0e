/** Users who asked to be forgotten: whoever comes to the room later is shown their events redacted. */
import type { Pdu } from '../../src/protocol/event.ts'
import { redact } from '../../src/protocol/redaction.ts'
import { first } from '../sqlite.ts'
import type { RoomContext } from './context.ts'
import { appendLog } from './log.ts'
import type { EventRow, RoomStore, StateRow } from './store.ts'

export const ERASED_TABLE = `
  -- Erased users, and the room's head when they asked for it.
  CREATE TABLE erased (user_id TEXT PRIMARY KEY, pos INTEGER NOT NULL) WITHOUT ROWID;
`

/** An event as one viewer may see it. */
export type ShownRow = EventRow & { pruned?: boolean }

/** Notes an erasure. Asked again, it changes nothing. */
export function markErased(room: RoomContext, userId: string): void {
  const { head, sql } = room.store
  if (first(sql, 'SELECT 1 AS found FROM erased WHERE user_id = ?', userId) !== undefined) return
  restoreErased(sql, userId, head)
  appendLog(room, { kind: 'erased', pos: 0, userId, erasedPos: head })
}

/** As the archive gives an erasure back. */
export function restoreErased(sql: SqlStorage, userId: string, pos: number): void {
  sql.exec('INSERT OR IGNORE INTO erased (user_id, pos) VALUES (?, ?)', userId, pos)
}

/**
 * What one viewer sees of erased users. "Any users … which join the room after the erasure request are served
 * redacted copies of the events sent by this account. Users which had visibility on those events prior to the
 * erasure are still able to see unredacted copies."
 */
export class Erasures {
  readonly #store: RoomStore
  readonly #memberships: readonly StateRow[]
  #erased: Map<string, number> | undefined

  constructor(store: RoomStore, memberships: readonly StateRow[]) {
    this.#store = store
    this.#memberships = memberships
  }

  /** The event, or its redacted copy. */
  shown(row: EventRow): ShownRow {
    const erasedAt = this.#all.get(row.sender)
    if (erasedAt === undefined || this.#couldSee(row.pos, erasedAt)) return row
    const pdu = redact(JSON.parse(row.pdu) as Pdu, this.#store.rules)
    return { ...row, pdu: JSON.stringify(pdu), pruned: true }
  }

  /** Joined at some time between the event and the erasure: the event was theirs to read. */
  #couldSee(pos: number, erasedAt: number): boolean {
    return this.#memberships.some(
      (row) => row.value === 'join' && row.from_pos <= erasedAt && (row.to_pos === null || row.to_pos > pos),
    )
  }

  /** Read once a request; nearly always empty. */
  get #all(): Map<string, number> {
    if (this.#erased === undefined) {
      const rows = this.#store.sql
        .exec<{ user_id: string; pos: number }>('SELECT user_id, pos FROM erased')
        .toArray()
      this.#erased = new Map(rows.map(({ user_id, pos }) => [user_id, pos]))
    }
    return this.#erased
  }
}

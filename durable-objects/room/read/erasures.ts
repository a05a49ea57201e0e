/** What a viewer is shown of users that asked to be forgotten. */
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { redact } from '../../../src/protocol/events/redaction.ts'
import { objectField } from '../../../src/protocol/json-fields.ts'
import type { EventRow } from '../rows/events/events.ts'
import { erasedUsers, isPruned } from '../rows/members/erasures.ts'
import type { RowReader } from '../rows/reader.ts'
import { redactionOf } from './redacted-because.ts'

/** An event as it may be shown. */
export type ShownRow = EventRow & { pruned?: boolean }

/** Whether a viewer could already see an event at a position. */
export type SeenBy = (row: EventRow, pos: number) => boolean

/** What is shown of erased users. It holds from the moment of the erasure, however far the job has come. */
export class Erasures {
  readonly #store: RowReader
  readonly #seenBy: SeenBy
  #erased: ReadonlyMap<string, { pos: number; forAll: boolean }> | undefined

  constructor(store: RowReader, seenBy: SeenBy) {
    this.#store = store
    this.#seenBy = seenBy
  }

  /** The event, or its redacted copy. */
  shown(row: EventRow): ShownRow {
    if (this.#all.size === 0) return row
    const shown = this.#withoutReason(row)
    const isMember = row.type === 'm.room.member' && row.state_key !== null && this.#all.has(row.state_key)
    const userId = isMember ? (row.state_key ?? '') : row.sender
    const erasure = this.#all.get(userId)
    if (erasure === undefined || !isPruned(this.#store, row, userId)) return shown
    if (!erasure.forAll && this.#seenBy(row, erasure.pos)) return shown
    const original = JSON.parse(shown.pdu) as Pdu
    const because = original.unsigned?.redacted_because
    const pdu = redact(original, this.#store.rules)
    const kept = because === undefined ? pdu : { ...pdu, unsigned: { redacted_because: because } }
    return { ...row, pdu: JSON.stringify(kept), pruned: true }
  }

  /** A redacted event carries the redaction, and with it the reason that an erased user may have given. */
  #withoutReason(row: EventRow): EventRow {
    if (!row.pdu.includes('"redacted_because"')) return row
    const pdu = JSON.parse(row.pdu) as Pdu
    const because = redactionOf(this.#store, pdu)
    const erasure = this.#all.get(String(because?.sender))
    if (because === undefined || erasure === undefined) return row
    if (!erasure.forAll && this.#seenBy(row, erasure.pos)) return row
    const { reason: _, ...content } = objectField(because.content) ?? {}
    return {
      ...row,
      pdu: JSON.stringify({ ...pdu, unsigned: { redacted_because: { ...because, content } } }),
    }
  }

  /** Read once a request; nearly always empty. */
  get #all(): ReadonlyMap<string, { pos: number; forAll: boolean }> {
    this.#erased ??= this.#store.recall.once('erased', () => erasedUsers(this.#store.sql))
    return this.#erased
  }
}

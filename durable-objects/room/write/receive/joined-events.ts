/**
 * The events of an answer to a join: those of its last part, and those that are staged. An object has no memory for all of
 * them, so a staged event is read when it is needed.
 */
import type { ReceivedEvent } from '../../../../src/objects/room/federation.ts'
import type { SqlReader } from '../../../sqlite.ts'
import {
  joinedAfter,
  joinedCreatesAfter,
  OWN_JOIN,
  readStaged,
  type StagedRow,
} from '../../rows/federation/staged.ts'
import { opened, Pool, type PooledEvent } from './pool.ts'

/** Staged events that are read at once: each has 64 KiB at most. */
const AT_ONCE = 50

export class JoinedEvents extends Pool {
  readonly #sql: SqlReader
  #createId: string | undefined

  constructor(sql: SqlReader, last: readonly ReceivedEvent[]) {
    super()
    this.#sql = sql
    this.add(last, OWN_JOIN, false)
  }

  override get(eventId: string): PooledEvent | undefined {
    const event = super.get(eventId) ?? this.#staged(eventId)
    return event && this.#isGood(event) ? event : undefined
  }

  /** From now on what else calls itself the create event is not there. */
  takeAsCreate(eventId: string): void {
    this.#createId = eventId
  }

  /** What calls itself the create event. */
  *creates(): Iterable<PooledEvent> {
    for (const event of this.#read(joinedCreatesAfter)) if (isCreate(event)) yield event
  }

  each(): Iterable<PooledEvent> {
    return this.#read(joinedAfter)
  }

  /** Those that are staged a few at a time, and then the others. */
  *#read(after: (sql: SqlReader, no: number, limit: number) => StagedRow[]): Iterable<PooledEvent> {
    for (let no = 0; ; ) {
      const rows = after(this.#sql, no, AT_ONCE)
      for (const row of rows) {
        const event = fromRow(row)
        if (this.#isGood(event)) yield event
      }
      const last = rows.at(-1)
      if (last === undefined) break
      no = last.no
    }
    for (const event of this.all) if (this.#isGood(event)) yield event
  }

  #staged(eventId: string): PooledEvent | undefined {
    const row = readStaged(this.#sql, eventId)
    return row?.origin === OWN_JOIN ? fromRow(row) : undefined
  }

  #isGood(event: PooledEvent): boolean {
    return this.#createId === undefined || event.eventId === this.#createId || !isCreate(event)
  }
}

const isCreate = ({ pdu }: PooledEvent) => pdu.type === 'm.room.create'

function fromRow({ event_id: eventId, pdu: json, redacted, origin, wanted }: StagedRow): PooledEvent {
  const event = { eventId, json, isRedacted: redacted === 1 }
  return opened(event, { origin, isStaged: true, isWanted: wanted === 1 })
}

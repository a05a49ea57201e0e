/** The Room's rows as the pipeline writes them: each write also keeps what is remembered of the rows true. */
import type { IdentifiedPdu } from '../../../src/protocol/events/event.ts'
import type { Extremity } from '../../../src/protocol/events/extremities.ts'
import type { Membership } from '../../../src/protocol/rooms/membership.ts'
import { type ObjectStorage, writeMeta } from '../../sqlite.ts'
import { type EventRow, insertEvent, type NewEvent, rewriteEvent } from './events/events.ts'
import type { ResolutionLoad } from './federation/resolution-load.ts'
import { putMember } from './members/members.ts'
import { Positions } from './positions.ts'
import { RowReader } from './reader.ts'
import { writeExtremities } from './state/extremities.ts'
import { endState, putState } from './state/state.ts'

export class RoomStore extends RowReader {
  declare readonly sql: SqlStorage
  declare readonly positions: Positions
  declare restoring: boolean
  readonly storage: ObjectStorage

  constructor(storage: ObjectStorage, load?: ResolutionLoad) {
    super(storage.sql, new Positions(storage.sql), load)
    this.storage = storage
  }

  /**
   * One mutation: everything from its first read to its last write, undone whole when it throws. Synchronous, since
   * whatever awaits inside would be committed half.
   */
  transaction<T>(work: () => T): T {
    try {
      return this.recall.mutating(() => this.storage.transactionSync(work))
    } catch (error) {
      this.forget()
      this.positions.rolledBack()
      throw error
    }
  }

  /** Drops what is only remembered, after a transaction that did not happen. */
  forget(): void {
    this.known.forget()
    this.recall.forget()
  }

  /** The room comes to be: its id and version, fixed by its create event. */
  initialise(roomId: string, version: string): void {
    writeMeta(this.sql, 'room_id', roomId)
    writeMeta(this.sql, 'room_version', version)
  }

  insertEvent(event: NewEvent): void {
    insertEvent(this.sql, event)
    // An event may come below the newest: history from before the join, or in a gap.
    if (this.known.head !== undefined) this.known.head = Math.max(this.known.head, event.pos)
  }

  /** Replaces what is stored of an event, and leaves nothing of it in the file. */
  rewriteEvent(row: Pick<EventRow, 'pos' | 'pdu'>, json: string): void {
    rewriteEvent(this.sql, row, json)
    this.known.state.clear()
  }

  /** Something durable that is no event took a position. One row. */
  moveHead(pos: number): void {
    writeMeta(this.sql, 'other_head', pos)
    this.known.head = pos
  }

  setExtremities(extremities: readonly Extremity[]): void {
    writeExtremities(this.sql, extremities)
    this.known.extremities = extremities
  }

  /** Puts a state event in force from its position on, and ends its predecessor. */
  putState(event: IdentifiedPdu, pos: number, value: string | null): void {
    putState(this.sql, event, pos, value)
    this.known.state.remember(event.pdu.type, event.pdu.state_key ?? '', event)
  }

  /** Ends a key: from a position on no event stands there. */
  endState(type: string, stateKey: string, pos: number): void {
    endState(this.sql, type, stateKey, pos)
    this.known.state.remember(type, stateKey, undefined)
  }

  putMember(userId: string, membership: Membership, eventId: string, sincePos: number): void {
    putMember(this.sql, { userId, membership, eventId, sincePos })
  }

  countMember(from: Membership | undefined, to: Membership): void {
    this.known.countMember(from, to)
  }
}

/** The Room's rows as they are read: nothing here, or got from here, writes one. */

import { MatrixError } from '../../../src/protocol/errors.ts'
import type { IdentifiedPdu, StateMap } from '../../../src/protocol/events/event.ts'
import type { Extremity } from '../../../src/protocol/events/extremities.ts'
import type { Membership } from '../../../src/protocol/rooms/membership.ts'
import { type RoomVersionRules, roomVersion } from '../../../src/protocol/rooms/room-version.ts'
import { readMeta, type SqlReader } from '../../sqlite.ts'
import { Caches } from './caches.ts'
import {
  type EventRow,
  eventById,
  eventIdByTxn,
  eventsById,
  newestPosition,
  shownEventById,
  shownEventsBetween,
} from './events/events.ts'
import { newestButMembers } from './events/unread-rows.ts'
import { hasGaps } from './federation/gaps.ts'
import { ResolutionLoad } from './federation/resolution-load.ts'
import { hasBranches } from './federation/state-groups.ts'
import { allMembers, countWith, type Member, memberById, membersWith } from './members/members.ts'
import { Recall } from './recall.ts'
import { readExtremities } from './state/extremities.ts'
import {
  currentKeys,
  currentState,
  type StateQuery,
  type StateRow,
  stateEntries,
  stateHistory,
  stateRowAt,
} from './state/state.ts'

/** A row of ids and positions. */
const ROW_LENGTH = 100

export class RowReader implements StateMap {
  readonly sql: SqlReader
  readonly positions: { readonly last: number }
  /** The archive's events are being put in place: nothing else may use the room meanwhile. */
  readonly restoring: boolean = false
  protected readonly known = new Caches()
  /** What the tables were asked lately. */
  readonly recall = new Recall()
  /** What was resolved of the room's forks lately. */
  readonly load: ResolutionLoad

  constructor(sql: SqlReader, positions: { readonly last: number }, load = new ResolutionLoad()) {
    this.sql = sql
    this.load = load
    this.positions = positions
  }

  // ------------------------------------------------------------ the room

  get exists(): boolean {
    return this.known.rules !== undefined || readMeta(this.sql, 'room_version') !== undefined
  }

  /** @throws M_NOT_FOUND where no room has been made */
  get rules(): RoomVersionRules {
    if (this.known.rules === undefined) {
      if (!this.restoring && this.isRebuilding) {
        throw new MatrixError('M_UNKNOWN', 'This room is being restored; try again soon', { status: 503 })
      }
      const version = readMeta<string>(this.sql, 'room_version')
      const rules = version === undefined ? undefined : roomVersion(version)
      if (rules === undefined) throw new MatrixError('M_NOT_FOUND', 'No such room')
      this.known.rules = rules
    }
    return this.known.rules
  }

  /** Whether what the archive has is being put in the place of what there was. */
  get isRebuilding(): boolean {
    return readMeta(this.sql, 'rebuilding') !== undefined
  }

  /** The room's version, also while the room answers nobody. */
  get version(): string {
    return readMeta<string>(this.sql, 'room_version') ?? ''
  }

  get roomId(): string {
    this.known.roomId ??= readMeta<string>(this.sql, 'room_id')
    if (this.known.roomId === undefined) throw new MatrixError('M_NOT_FOUND', 'No such room')
    return this.known.roomId
  }

  /** The event that made the room. */
  get createEvent(): IdentifiedPdu | undefined {
    return this.get('m.room.create', '')
  }

  // ------------------------------------------------------------ events

  /** An event that clients see. See `stateEvent` for one that is in force. */
  event(eventId: string): EventRow | undefined {
    return shownEventById(this.sql, eventId)
  }

  /** The position of the newest event that is no member event, among so many of the newest; 0: there is none. */
  newestButMembers(among: number): number {
    return this.recall.once(`newest but members ${among}`, () => newestButMembers(this.sql, among))
  }

  /** Whether events were named that are not there. */
  get hasGaps(): boolean {
    return this.recall.once('gaps', () => hasGaps(this.sql))
  }

  /** Whether the room has had more than one branch at a time. */
  get isBranched(): boolean {
    return this.recall.once('branched', () => hasBranches(this.sql))
  }

  eventByTxn(sender: string, txn: string): string | undefined {
    return eventIdByTxn(this.sql, sender, txn)
  }

  /** Visible events with from <= pos < to, newest first or oldest first. */
  eventsBetween(from: number, to: number, order: 'newest' | 'oldest', limit: number): readonly EventRow[] {
    return this.recall.once(
      `events ${from} ${to} ${order} ${limit}`,
      () => shownEventsBetween(this.sql, { from, to, order, limit }),
      (rows) => rows.reduce((sum, row) => sum + lengthOfEvent(row), 0),
    )
  }

  /** The position of the newest durable thing a client can see: 0 for an empty room. */
  get head(): number {
    this.known.head ??= Math.max(newestPosition(this.sql) ?? 0, readMeta<number>(this.sql, 'other_head') ?? 0)
    return this.known.head
  }

  get extremities(): readonly Extremity[] {
    this.known.extremities ??= readExtremities(this.sql)
    return this.known.extremities
  }

  // ------------------------------------------------------------ state

  /** The current state event of a key, whatever its flags. */
  get(type: string, stateKey: string): IdentifiedPdu | undefined {
    const known = this.known.state.get(type, stateKey)
    if (known !== undefined) return known.event
    const found = currentState(this.sql, type, stateKey)
    this.known.state.remember(type, stateKey, found)
    return found
  }

  /** The event of an entry of the state. It is found whatever its flags, since it is in force in any case. */
  stateEvent(eventId: string): EventRow | undefined {
    return eventById(this.sql, eventId)
  }

  /** As `stateEvent`, for many. */
  stateEvents(eventIds: readonly string[]): ReadonlyMap<string, EventRow> {
    const questionOf = (eventId: string) => `event ${eventId}`
    const found = new Map<string, EventRow>()
    const missing: string[] = []
    for (const eventId of eventIds) {
      const kept = this.recall.kept<EventRow>(questionOf(eventId))
      if (kept === undefined) missing.push(eventId)
      else found.set(eventId, kept)
    }
    if (missing.length === 0) return found
    for (const [eventId, row] of eventsById(this.sql, missing))
      found.set(
        eventId,
        this.recall.once(questionOf(eventId), () => row, lengthOfEvent),
      )
    return found
  }

  /** The entry of a key that was valid just after `pos`. */
  stateRowAt(type: string, stateKey: string, pos: number): StateRow | undefined {
    return this.recall.once(JSON.stringify(['state', type, stateKey, pos]), () =>
      stateRowAt(this.sql, type, stateKey, pos),
    )
  }

  /** All entries a key ever had, oldest first. */
  stateHistory(type: string, stateKey: string): readonly StateRow[] {
    return this.recall.once(
      JSON.stringify(['history', type, stateKey]),
      () => stateHistory(this.sql, type, stateKey),
      lengthOfRows,
    )
  }

  /** The entries of the state that are wanted, in no order. */
  stateEntries(wanted: StateQuery): readonly Pick<StateRow, 'from_pos' | 'event_id'>[] {
    return this.recall.once(
      JSON.stringify(['entries', wanted]),
      () => stateEntries(this.sql, wanted),
      lengthOfRows,
    )
  }

  /** The keys under which a type of state stands now. */
  currentKeys(type: string): string[] {
    return currentKeys(this.sql, type)
  }

  // ------------------------------------------------------------ members

  member(userId: string): Member | undefined {
    return memberById(this.sql, userId)
  }

  /** Members by membership, the longest-standing first. */
  membersWith(membership: Membership, limit: number): string[] {
    return membersWith(this.sql, membership, limit)
  }

  /** All users that ever had a membership. */
  allMembers(): Member[] {
    return allMembers(this.sql)
  }

  /** How many have joined and are invited; counted once an incarnation, then kept. */
  get counts(): { joined: number; invited: number } {
    this.known.counts ??= { joined: countWith(this.sql, 'join'), invited: countWith(this.sql, 'invite') }
    return this.known.counts
  }
}

function lengthOfEvent({ pdu }: EventRow): number {
  return pdu.length
}

/** What short rows count for, in characters. */
function lengthOfRows(rows: readonly unknown[]): number {
  return rows.length * ROW_LENGTH
}

/** Whether the room is there, and has at most so many members. */
export function isSmall(store: RowReader, members: number): boolean {
  return store.exists && store.counts.joined <= members
}

/** The Room's rows: events, state intervals and members, with the caches that a send reads. */

import { MatrixError } from '../../../src/protocol/errors.ts'
import type { IdentifiedPdu, Pdu, StateMap } from '../../../src/protocol/events/event.ts'
import type { Membership } from '../../../src/protocol/rooms/membership.ts'
import { type RoomVersionRules, roomVersion } from '../../../src/protocol/rooms/room-version.ts'
import { first, type ObjectStorage, readMeta, type SqlReader, writeMeta } from '../../sqlite.ts'
import { Positions } from './positions.ts'

export type EventRow = {
  pos: number
  event_id: string
  type: string
  state_key: string | null
  sender: string
  ts: number
  depth: number
  txn: string | null
  pdu: string
}

export type StateRow = {
  type: string
  state_key: string
  from_pos: number
  to_pos: number | null
  event_id: string
  value: string | null
}

/** A forward extremity: an event that no event names as its prev_event yet. */
export interface Extremity {
  eventId: string
  depth: number
}

export interface NewEvent extends IdentifiedPdu {
  pos: number
  json: string
  txn: string | null
  chain: { chain: number; seq: number } | null
}

const EVENT_COLUMNS = 'pos, event_id, type, state_key, sender, ts, depth, txn, pdu'
/**
 * White space after an event's JSON. What is stored of it when it is redacted, with the reference to its redaction,
 * then needs no more bytes: a row that grows would move others to another page, and leave their texts lying about.
 */
const ROOM_TO_REDACT = ' '.repeat(96)
/** Current state events kept parsed: enough for the senders of a busy room. */
const STATE_CACHE = 512

export class RoomStore implements StateMap {
  readonly sql: SqlStorage
  readonly storage: ObjectStorage
  readonly positions: Positions
  /** The archive's events are being put in place: nobody else gets at the room meanwhile. */
  restoring = false
  #rules: RoomVersionRules | undefined
  #roomId: string | undefined
  #extremities: Extremity[] | undefined
  #head: number | undefined
  #counts: { joined: number; invited: number } | undefined
  readonly #state = new Map<string, IdentifiedPdu | undefined>()

  constructor(storage: ObjectStorage) {
    this.storage = storage
    this.sql = storage.sql
    this.positions = new Positions(storage.sql)
  }

  /**
   * One mutation: everything from its first read to its last write, undone whole when it throws. Synchronous, since
   * whatever awaits inside would be committed half.
   */
  transaction<T>(work: () => T): T {
    try {
      return this.storage.transactionSync(work)
    } catch (error) {
      this.forget()
      this.positions.rolledBack()
      throw error
    }
  }

  /** Drops what is only remembered, after a transaction that did not happen. */
  forget(): void {
    this.#state.clear()
    this.#extremities = undefined
    this.#head = undefined
    this.#counts = undefined
    this.#rules = undefined
  }

  get exists(): boolean {
    return this.#rules !== undefined || readMeta(this.sql, 'room_version') !== undefined
  }

  /** @throws M_NOT_FOUND where no room has been made */
  get rules(): RoomVersionRules {
    if (this.#rules === undefined) {
      if (!this.restoring && readMeta(this.sql, 'rebuilding') !== undefined) {
        throw new MatrixError('M_UNKNOWN', 'This room is being restored; try again soon', { status: 503 })
      }
      const version = readMeta<string>(this.sql, 'room_version')
      const rules = version === undefined ? undefined : roomVersion(version)
      if (rules === undefined) throw new MatrixError('M_NOT_FOUND', 'No such room')
      this.#rules = rules
    }
    return this.#rules
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
    this.#roomId ??= readMeta<string>(this.sql, 'room_id')
    if (this.#roomId === undefined) throw new MatrixError('M_NOT_FOUND', 'No such room')
    return this.#roomId
  }

  /** The room comes to be: its id and version, fixed by its create event. */
  initialise(roomId: string, version: string): void {
    writeMeta(this.sql, 'room_id', roomId)
    writeMeta(this.sql, 'room_version', version)
  }

  // ------------------------------------------------------------ events

  insertEvent(event: NewEvent): void {
    const { pdu } = event
    this.sql.exec(
      `INSERT INTO events (pos, event_id, type, state_key, sender, ts, depth, chain, seq, txn, pdu)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      event.pos,
      event.eventId,
      pdu.type,
      pdu.state_key ?? null,
      pdu.sender,
      pdu.origin_server_ts,
      pdu.depth,
      event.chain?.chain ?? null,
      event.chain?.seq ?? null,
      event.txn,
      event.json + ROOM_TO_REDACT,
    )
    this.#head = event.pos
  }

  event(eventId: string): EventRow | undefined {
    return first<EventRow>(
      this.sql,
      `SELECT ${EVENT_COLUMNS} FROM events WHERE event_id = ? AND flags = 0`,
      eventId,
    )
  }

  /** Those of these events that clients see, by their ids. */
  eventsById(eventIds: readonly string[]): Map<string, EventRow> {
    const query = `SELECT ${EVENT_COLUMNS} FROM events
       WHERE event_id IN (SELECT value FROM json_each(?)) AND flags = 0`
    const rows = this.sql.exec<EventRow>(query, JSON.stringify(eventIds)).toArray()
    return new Map(rows.map((row) => [row.event_id, row]))
  }

  eventByTxn(sender: string, txn: string): string | undefined {
    return first<{ event_id: string }>(
      this.sql,
      'SELECT event_id FROM events WHERE sender = ? AND txn = ?',
      sender,
      txn,
    )?.event_id
  }

  /** Visible events with from <= pos < to, newest first or oldest first. */
  eventsBetween(from: number, to: number, order: 'newest' | 'oldest', limit: number): EventRow[] {
    return this.sql
      .exec<EventRow>(
        `SELECT ${EVENT_COLUMNS} FROM events WHERE pos >= ? AND pos < ? AND flags = 0
         ORDER BY pos ${order === 'newest' ? 'DESC' : 'ASC'} LIMIT ?`,
        from,
        to,
        limit,
      )
      .toArray()
  }

  /**
   * Replaces what is stored of an event, and leaves nothing of it in the file. SQLite overwrites a row where it
   * stands if its length stays the same, and else leaves the old one lying about as free space: so the old text
   * is covered first, and a shorter one is filled up with the white space that JSON allows.
   */
  rewriteEvent(row: Pick<EventRow, 'pos' | 'pdu'>, json: string): void {
    const room = byteLength(row.pdu)
    const length = byteLength(json)
    const update = 'UPDATE events SET pdu = ? WHERE pos = ?'
    if (length > room) this.sql.exec(update, ' '.repeat(room), row.pos)
    this.sql.exec(update, json + ' '.repeat(Math.max(0, room - length)), row.pos)
    this.#state.clear()
  }

  /** The position of the newest durable thing a client can see: 0 for an empty room. */
  get head(): number {
    this.#head ??= Math.max(
      first<{ pos: number | null }>(this.sql, 'SELECT max(pos) AS pos FROM events')?.pos ?? 0,
      readMeta<number>(this.sql, 'other_head') ?? 0,
    )
    return this.#head
  }

  /** Something durable that is no event took a position. One row. */
  moveHead(pos: number): void {
    writeMeta(this.sql, 'other_head', pos)
    this.#head = pos
  }

  /** The forward extremities: of a room without forks, the newest event. */
  get extremities(): readonly Extremity[] {
    this.#extremities ??= this.#forked ?? this.#newestEvent()
    return this.#extremities
  }

  /** Writes nothing while the room has no forks: the newest event is its one extremity then. */
  setExtremities(extremities: Extremity[]): void {
    const isNewest = extremities.length === 1 && extremities[0]?.eventId === this.#newestEvent()[0]?.eventId
    if (!isNewest) writeMeta(this.sql, 'extremities', JSON.stringify(extremities))
    else if (this.#forked !== undefined) this.sql.exec("DELETE FROM meta WHERE key = 'extremities'")
    this.#extremities = extremities
  }

  get #forked(): Extremity[] | undefined {
    const stored = readMeta<string>(this.sql, 'extremities')
    return stored === undefined ? undefined : (JSON.parse(stored) as Extremity[])
  }

  #newestEvent(): Extremity[] {
    const query = 'SELECT event_id, depth FROM events WHERE flags = 0 ORDER BY pos DESC LIMIT 1'
    const row = first<{ event_id: string; depth: number }>(this.sql, query)
    return row === undefined ? [] : [{ eventId: row.event_id, depth: row.depth }]
  }

  // ------------------------------------------------------------ state

  /** The current state event of a key. */
  get(type: string, stateKey: string): IdentifiedPdu | undefined {
    const key = `${type}\n${stateKey}`
    if (this.#state.has(key)) return this.#state.get(key)
    const row = first<{ event_id: string; pdu: string }>(
      this.sql,
      `SELECT e.event_id, e.pdu FROM state s JOIN events e ON e.event_id = s.event_id
       WHERE s.type = ? AND s.state_key = ? AND s.to_pos IS NULL`,
      type,
      stateKey,
    )
    const found = row && { eventId: row.event_id, pdu: JSON.parse(row.pdu) as Pdu }
    this.#remember(key, found)
    return found
  }

  /** The entry of a key that was valid just after `pos`. */
  stateRowAt(type: string, stateKey: string, pos: number): StateRow | undefined {
    const row = first<StateRow>(
      this.sql,
      `SELECT type, state_key, from_pos, to_pos, event_id, value FROM state
       WHERE type = ? AND state_key = ? AND from_pos <= ? ORDER BY from_pos DESC LIMIT 1`,
      type,
      stateKey,
      pos,
    )
    return row !== undefined && (row.to_pos === null || row.to_pos > pos) ? row : undefined
  }

  /** All entries a key ever had, oldest first. */
  stateHistory(type: string, stateKey: string): StateRow[] {
    return this.sql
      .exec<StateRow>(
        `SELECT type, state_key, from_pos, to_pos, event_id, value FROM state
         WHERE type = ? AND state_key = ? ORDER BY from_pos`,
        type,
        stateKey,
      )
      .toArray()
  }

  /** The keys under which a type of state stands now. */
  currentKeys(type: string): string[] {
    return this.sql
      .exec<{ state_key: string }>(
        'SELECT state_key FROM state WHERE type = ? AND to_pos IS NULL ORDER BY state_key',
        type,
      )
      .toArray()
      .map((row) => row.state_key)
  }

  /** Puts a state event in force from its position on, and ends its predecessor. */
  putState(event: IdentifiedPdu, pos: number, value: string | null): void {
    const { type } = event.pdu
    const stateKey = event.pdu.state_key ?? ''
    this.sql.exec(
      'UPDATE state SET to_pos = ? WHERE type = ? AND state_key = ? AND to_pos IS NULL',
      pos,
      type,
      stateKey,
    )
    this.sql.exec(
      'INSERT INTO state (type, state_key, from_pos, event_id, value) VALUES (?, ?, ?, ?, ?)',
      type,
      stateKey,
      pos,
      event.eventId,
      value,
    )
    this.#remember(`${type}\n${stateKey}`, event)
  }

  #remember(key: string, event: IdentifiedPdu | undefined): void {
    if (this.#state.size >= STATE_CACHE) this.#state.delete(this.#state.keys().next().value as string)
    this.#state.delete(key)
    this.#state.set(key, event)
  }

  // ------------------------------------------------------------ members

  member(userId: string): { membership: Membership; sincePos: number; eventId: string } | undefined {
    const row = first<{ membership: string; since_pos: number; event_id: string }>(
      this.sql,
      'SELECT membership, since_pos, event_id FROM members WHERE user_id = ?',
      userId,
    )
    return row && { membership: row.membership as Membership, sincePos: row.since_pos, eventId: row.event_id }
  }

  putMember(userId: string, membership: Membership, eventId: string, sincePos: number): void {
    this.sql.exec(
      'INSERT OR REPLACE INTO members (user_id, membership, event_id, since_pos) VALUES (?, ?, ?, ?)',
      userId,
      membership,
      eventId,
      sincePos,
    )
  }

  /** Members by membership, those who have been it longest first. */
  membersWith(membership: Membership, limit: number): string[] {
    return this.sql
      .exec<{ user_id: string }>(
        'SELECT user_id FROM members WHERE membership = ? ORDER BY since_pos LIMIT ?',
        membership,
        limit,
      )
      .toArray()
      .map((row) => row.user_id)
  }

  /** Everybody who ever had a membership. */
  allMembers(): { userId: string; membership: Membership; eventId: string }[] {
    return this.sql
      .exec<{ user_id: string; membership: string; event_id: string }>(
        'SELECT user_id, membership, event_id FROM members',
      )
      .toArray()
      .map((row) => ({
        userId: row.user_id,
        membership: row.membership as Membership,
        eventId: row.event_id,
      }))
  }

  /** How many have joined and are invited; counted once an incarnation, then kept. */
  get counts(): { joined: number; invited: number } {
    this.#counts ??= { joined: this.#count('join'), invited: this.#count('invite') }
    return this.#counts
  }

  countMember(from: Membership | undefined, to: Membership): void {
    if (this.#counts === undefined || from === to) return
    const step = (membership: Membership) => Number(to === membership) - Number(from === membership)
    this.#counts = {
      joined: this.#counts.joined + step('join'),
      invited: this.#counts.invited + step('invite'),
    }
  }

  #count(membership: Membership): number {
    const query = 'SELECT count(*) AS n FROM members WHERE membership = ?'
    return first<{ n: number }>(this.sql, query, membership)?.n ?? 0
  }
}

const utf8 = new TextEncoder()

function byteLength(text: string): number {
  return utf8.encode(text).length
}

/** Whether the room is there, and has no more than so many people in it. */
export function isSmall(store: RowReader, members: number): boolean {
  return store.exists && store.counts.joined <= members
}

/** The rows for what only reads. */
export type RowReader = Omit<
  RoomStore,
  | 'sql'
  | 'storage'
  | 'positions'
  | 'restoring'
  | 'transaction'
  | 'forget'
  | 'initialise'
  | 'insertEvent'
  | 'rewriteEvent'
  | 'moveHead'
  | 'setExtremities'
  | 'putState'
  | 'putMember'
  | 'countMember'
> & { readonly sql: SqlReader; readonly positions: Pick<Positions, 'last'> }

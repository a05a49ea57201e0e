/** The archive in Postgres: what the objects write to it, and what a rebuild reads of it. */
import type { Receipt } from '../objects/room/sync.ts'
import type { JsonObject } from '../protocol/events/canonical-json.ts'
import type { Pdu } from '../protocol/events/event.ts'
import type { Membership } from '../protocol/rooms/membership.ts'

/** An event as far as a text index reads it. */
export interface SearchableEvent {
  type: string
  stateKey: string | null
  content: JsonObject
}

/** The states before and after an event that did not follow on all that was there: a position, and groups over it. */
export interface StatesAround {
  pos: number
  before: number | null
  after: number | null
}

/** What the archive has of every event. */
export interface LoggedEvent {
  depth: number
  /** The PDU's canonical JSON. */
  pdu: string
  type: string
  stateKey: string | null
  sender: string
  ts: number
  /** A state event that is part of the room's state at its position. */
  current: boolean
  around?: StatesAround
}

/** An event that did not come to its place as the newest one, as it stands when it is told. */
export interface PlacedEvent extends LoggedEvent {
  /** Its position in the room. */
  at: number
  /** 0: people see it. */
  flags: number
}

/**
 * A room that other servers share keeps more than events. `group`: a piece of a state group. `gap`: an event that is missing.
 * `staged`: an event that waits for others. `judged`: the content of a redacted event that the rules still read.
 * `extremities`: the forward ones. `move`: a key of the state that moved by no event of its own, from a `moved` entry.
 * `relayed`: an event that came in through this server, which tells the others of it.
 */
export type RoomRecordKind = 'group' | 'gap' | 'staged' | 'judged' | 'extremities' | 'move' | 'relayed'

/** One entry of a room's typed log, in the order of its positions. */
export type RoomLogEntry =
  | ({
      kind: 'event'
      pos: number
      eventId: string
      /** Only on member events that are current. */
      membership: string | null
      /** Device, path and transaction id of a local send. */
      txn?: string | null
    } & LoggedEvent)
  /** `event` is read when the entry is told. */
  | { kind: 'placed'; pos: number; eventId: string; event?: PlacedEvent }
  /** `body` is read when the entry is told; null: there is no such thing any more. */
  | { kind: 'record'; pos: number; record: RoomRecordKind; key: string; body: string | null }
  /** A key of the state changed by no event of its own at that position: a resolution moved it, or a join brought it. */
  | {
      kind: 'moved'
      pos: number
      type: string
      stateKey: string
      /** Null: no event stands there from now on. */
      eventId: string | null
      /** Of a member's key. */
      membership: string | null
      /** By which event it moved. */
      causeId: string
      /** From which position on; absent in entries of earlier versions. */
      at?: number
      /** The PDU of the event that stands there now. */
      pdu?: string
    }
  | { kind: 'redacted'; pos: number; eventId: string; pdu: string }
  | { kind: 'alias'; pos: number; alias: string; creator: string }
  | { kind: 'visibility'; pos: number; public: boolean }
  | ({ kind: 'receipt' } & Receipt)
  | { kind: 'forgotten'; pos: number; userId: string }
  /** A delayed event as the Room keeps it, in JSON; null: the Room no longer keeps it. */
  | { kind: 'delayed'; pos: number; delayId: string; body: string | null }
  /** A user that joins after `erasedPos` sees the user's events redacted. */
  | { kind: 'erased'; pos: number; userId: string; erasedPos: number }
  /** The room was upgraded: its aliases and its place in the directory are the new room's. */
  | { kind: 'replaced'; pos: number; roomId: string }

/** One change of a user's archived facts; `body` null: deleted. */
export interface UserLogEntry {
  seq: number
  kind: string
  key: string
  body: string | null
}

export interface ArchiveStore {
  /** Applies entries in order, once or many times with the same result. At most 500 entries. */
  applyRoom(roomId: string, roomVersion: string, entries: RoomLogEntry[]): Promise<void>
  applyUser(userId: string, entries: UserLogEntry[]): Promise<void>
}

/** An event as the archive gives it back. */
export interface ArchivedEvent {
  pos: number
  eventId: string
  pdu: string
  inState: boolean
  txn: string | null
  flags: number
  around?: StatesAround
}

/** A part of what a Room keeps of branches. */
export interface ArchivedRecord {
  key: string
  body: string
  /** The position of the log by which it is so. */
  pos: number
}

/** One of a user's rooms as the archive knows it. */
export interface ArchivedMembership {
  roomId: string
  membership: Membership
  pos: number
  eventId: string
  forgotten: boolean
}

/** A member event, as far as it says how the membership came about. */
export interface ArchivedMember {
  eventId: string
  membership: Membership
  sender: string
  authEvents: string[]
}

/** A room as a list of rooms shows it, so far as it is archived. */
export interface RoomActivity {
  roomId: string
  /** When the newest event was sent, ms. */
  newest: number
  type: string | null
  encrypted: boolean
}

/** The archive's other side: what wiped objects are made from again. */
export interface ArchiveReader {
  /** Those of these rooms that the archive knows. */
  existing(roomIds: string[]): Promise<string[]>
  /** The rooms after an id, in the order of their ids. */
  rooms(after: string, limit: number): Promise<string[]>
  /** How many accounts and rooms there are. */
  sizes(): Promise<{ users: number; rooms: number }>
  /** Undefined where the archive knows no such room. */
  room(roomId: string): Promise<{ version: string; archivedPos: number } | undefined>
  /** Events after a position, oldest first. */
  roomEvents(roomId: string, after: number, limit: number): Promise<ArchivedEvent[]>
  /** What the room keeps of branches, of one kind, after a key and in the order of the keys. */
  roomRecords(roomId: string, kind: RoomRecordKind, after: string, limit: number): Promise<ArchivedRecord[]>
  /** The users that left the room and forgot it. */
  forgottenBy(roomId: string): Promise<string[]>
  erasedIn(roomId: string): Promise<{ userId: string; pos: number }[]>
  receiptsIn(roomId: string): Promise<Receipt[]>
  /** The room's delayed events, each as the JSON that the Room archived. */
  delayedIn(roomId: string): Promise<string[]>
  /** The rooms in which a user has delayed events. */
  delayedRoomsOf(userId: string): Promise<string[]>
  /** A user's records that are not deleted, in the order of their keys, after (kind, key). */
  userRecords(userId: string, after: [kind: string, key: string], limit: number): Promise<UserRecord[]>
  /** The users with a pusher of this key, as far as the archive knows. */
  pusherOwners(key: string): Promise<string[]>
  userRooms(userId: string): Promise<ArchivedMembership[]>
  /** Those of these events that are member events of the user. */
  memberEvents(userId: string, eventIds: readonly string[]): Promise<ArchivedMember[]>
  /** When something last happened in those of these rooms that the archive knows, and what kind of rooms they are. */
  activity(roomIds: string[]): Promise<RoomActivity[]>
  /** The JSON of an event's PDU, as far as it was archived. */
  event(eventId: string): Promise<string | undefined>
  /** The room that an event belongs to. */
  roomOfEvent(eventId: string): Promise<string | undefined>
  /** The PDUs of current state entries with an empty key, and of one user's membership. */
  currentState(roomId: string, types: readonly string[], member: string): Promise<Pdu[]>
}

export interface UserRecord {
  kind: string
  key: string
  body: string
}

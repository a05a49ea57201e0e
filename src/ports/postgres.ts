/** What Postgres keeps: accounts, names, directory, search, reports and the archive. */
import type { JsonObject } from '../protocol/events/canonical-json.ts'
import type { Pdu } from '../protocol/events/event.ts'
import type { PublicRoom } from '../protocol/rooms/room-summary.ts'
import type { Membership } from './room.ts'
import type { Receipt } from './room-sync.ts'

export interface Account {
  localpart: string
  /** As `src/accounts/passwords.ts` writes it; null: nobody can log in by password. */
  passwordHash: string | null
  admin: boolean
  deactivated: boolean
  guest: boolean
  createdTs: number
  /** The interactive-auth session that made it: repeating that registration gives the same account again. */
  createdBySession: string | null
}

export interface AccountCreation {
  /** Used up in the same transaction. */
  registrationToken?: string | undefined
  /** A guest of this name becomes this account. */
  upgrades?: boolean
}

export interface AccountStore {
  /** Inserts; `taken` where the localpart is (deactivated accounts keep theirs), unless a guest of that name is upgraded. */
  create(account: Account, options?: AccountCreation): Promise<'created' | 'taken' | 'token_spent'>
  find(localpart: string): Promise<Account | undefined>
  /** Of these localparts, those that have an account. */
  existing(localparts: string[]): Promise<string[]>
  /** Whether a registration token exists, is not expired and has uses left. */
  registrationTokenValid(token: string, now: number): Promise<boolean>
  setPassword(localpart: string, passwordHash: string): Promise<void>
  /** False where there is no such account, or it was deactivated. */
  setAdmin(localpart: string, admin: boolean): Promise<boolean>
  /** Accounts after a localpart, in their order. */
  list(after: string, limit: number): Promise<Account[]>
  /** For good: nobody logs in any more, and the name stays taken. Erased, the user's words in reports go too. */
  deactivate(userId: string, erased: boolean): Promise<void>
}

export interface RegistrationToken {
  token: string
  /** Null: without limit. */
  usesAllowed: number | null
  uses: number
  /** Null: never. */
  expiresTs: number | null
}

export interface RegistrationTokenStore {
  list(): Promise<RegistrationToken[]>
  find(token: string): Promise<RegistrationToken | undefined>
  /** False when there is such a token. */
  create(token: RegistrationToken): Promise<boolean>
  /** False when there is no such token. */
  remove(token: string): Promise<boolean>
}

export interface Alias {
  alias: string
  roomId: string
  creator: string
}

export interface AliasStore {
  /** Reserves for a room about to be created; others may have it a minute later unless the room's log confirms it. */
  reserve(alias: Alias, now: number): Promise<boolean>
  /** Adds a finished alias; false when it is taken. */
  add(alias: Alias, now: number): Promise<boolean>
  find(alias: string): Promise<Alias | undefined>
  remove(alias: string): Promise<void>
  ofRoom(roomId: string): Promise<string[]>
  /** How many somebody has made. */
  madeBy(creator: string): Promise<number>
  /** Gives all aliases of a room to the one that replaces it. */
  move(from: string, to: string): Promise<void>
}

/** A page of a list in a fixed order, beginning after one of its entries or ending before it. */
export interface PublicRoomsPage {
  limit: number
  /** Folded by `src/protocol/matching/fold.ts`; part of a name, topic or alias. */
  term?: string
  /** Null stands for rooms without a type. */
  roomTypes?: (string | null)[]
  from?: { direction: 'after' | 'before'; joined: number; roomId: string }
}

export interface DirectoryUser {
  userId: string
  displayName?: string
  avatarUrl?: string
}

/** What the archive knows of rooms and people: a moment behind the rooms themselves. */
export interface DirectoryStore {
  /** Listed rooms with members, the largest first; `more`: there are further ones in the direction of the page. */
  publicRooms(page: PublicRoomsPage): Promise<{ rooms: PublicRoom[]; more: boolean; total: number }>
  /** Whether the directory lists a room; undefined for rooms that the archive does not know. */
  isListed(roomId: string): Promise<boolean | undefined>
  /** Of these rooms, those in the public directory. */
  listedAmong(roomIds: string[]): Promise<Set<string>>
  /** People whom `viewer` may find, by words that must all be part of their name or id; the best first. */
  users(search: { viewer: string; words: string[]; limit: number }): Promise<DirectoryUser[]>
  /** Rooms that both have joined, by id, after the one named. */
  mutualRooms(
    users: [string, string],
    page: { after?: string; limit: number },
  ): Promise<{ rooms: string[]; total: number }>
}

export interface Report {
  reporter: string
  roomId?: string
  eventId?: string
  userId?: string
  reason: string
}

/** A report as it was kept. */
export interface KeptReport extends Report {
  id: number
  receivedTs: number
}

export interface ReportStore {
  add(report: Report, now: number): Promise<void>
  /** Reports before an id, newest first. */
  list(before: number, limit: number): Promise<KeptReport[]>
  find(id: number): Promise<KeptReport | undefined>
}

/** A room that a user may search: all of it, or up to the position at which they left. */
export interface VisitedRoom {
  roomId: string
  leftAt?: number
}

/** A place in the results: they come after it. */
export interface SearchPlace {
  rank: number
  ts: number
  eventId: string
}

export interface SearchHit extends SearchPlace {
  roomId: string
  sender: string
}

export interface SearchQuery {
  /** A tsquery literal of `src/search/terms.ts`. */
  query: string
  rooms: VisitedRoom[]
  types: string[]
  order: 'rank' | 'recent'
  senders?: string[]
  notSenders?: string[]
  containsUrl?: boolean
  after?: SearchPlace
}

export interface SearchStore {
  /** The next results in order. Whether the user may see each is for its Room to say. */
  find(query: SearchQuery, limit: number): Promise<SearchHit[]>
  /** The rooms and senders of what comes after a place. */
  remaining(query: SearchQuery): Promise<{ roomId: string; sender: string }[]>
}

/** An event as far as a text index reads it. */
export interface SearchableEvent {
  type: string
  stateKey: string | null
  content: JsonObject
}

/** One entry of a room's typed log, in the order of its positions. */
export type RoomLogEntry =
  | {
      kind: 'event'
      pos: number
      eventId: string
      depth: number
      /** The PDU's canonical JSON. */
      pdu: string
      type: string
      stateKey: string | null
      sender: string
      ts: number
      /** A state event that is part of the room's state at its position. */
      current: boolean
      /** Only on member events that are current. */
      membership: string | null
      /** Device, path and transaction id of a local send. */
      txn?: string | null
    }
  | { kind: 'redacted'; pos: number; eventId: string; pdu: string }
  | { kind: 'alias'; pos: number; alias: string; creator: string }
  | { kind: 'visibility'; pos: number; public: boolean }
  | ({ kind: 'receipt' } & Receipt)
  | { kind: 'forgotten'; pos: number; userId: string }
  /** A delayed event as the Room keeps it, in JSON; null: it is kept no more. */
  | { kind: 'delayed'; pos: number; delayId: string; body: string | null }
  /** Who comes after `erasedPos` sees the user's events redacted. */
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
}

/** One of a user's rooms as the archive knows it. */
export interface ArchivedMembership {
  roomId: string
  membership: Membership
  pos: number
  eventId: string
  forgotten: boolean
}

/** The archive's other side: what wiped objects are made from again. */
export interface ArchiveReader {
  /** Of these rooms, those that the archive knows. */
  existing(roomIds: string[]): Promise<string[]>
  /** Undefined where the archive knows no such room. */
  room(roomId: string): Promise<{ version: string; archivedPos: number } | undefined>
  /** Events after a position, oldest first. */
  roomEvents(roomId: string, after: number, limit: number): Promise<ArchivedEvent[]>
  /** Who left the room and forgot it. */
  forgottenBy(roomId: string): Promise<string[]>
  erasedIn(roomId: string): Promise<{ userId: string; pos: number }[]>
  receiptsIn(roomId: string): Promise<Receipt[]>
  /** The room's delayed events, each as the JSON that the Room archived. */
  delayedIn(roomId: string): Promise<string[]>
  /** The rooms in which a user has delayed events. */
  delayedRoomsOf(userId: string): Promise<string[]>
  /** A user's records that are not deleted, in the order of their keys, after (kind, key). */
  userRecords(userId: string, after: [kind: string, key: string], limit: number): Promise<UserRecord[]>
  /** Who has a pusher of this key, as far as the archive knows. */
  pusherOwners(key: string): Promise<string[]>
  userRooms(userId: string): Promise<ArchivedMembership[]>
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

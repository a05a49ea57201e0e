/** The whole outside world on one page: what the capabilities and the objects may ask of it. */
import type { JsonObject, JsonValue } from './protocol/canonical-json.ts'
import type { ClientEvent, Pdu, StrippedEvent } from './protocol/event.ts'
import type { RoomEventFilter } from './protocol/filter.ts'
import type { HeroCandidates } from './protocol/heroes.ts'
import type { RuleKind } from './protocol/push-evaluator.ts'
import type { RuleBody, RulePlace } from './protocol/push-rule-edits.ts'
import type { PublicRoom } from './protocol/room-summary.ts'
import type { SigningKey } from './protocol/signing.ts'
import type { SpaceChild } from './protocol/spaces.ts'

/** Everything the capabilities get from outside; functions take `Pick<Ports, …>` of what they use. */
export interface Ports {
  config: Config
  clock: Clock
  random: Random
  log: Logger
  accounts: AccountStore
  registrationTokens: RegistrationTokenStore
  aliases: AliasStore
  directory: DirectoryStore
  search: SearchStore
  reports: ReportStore
  archive: ArchiveStore
  archiveReader: ArchiveReader
  sessions: SessionStore
  uia: UiaStore
  nonces: NonceStore
  openIdTokens: OpenIdTokenStore
  limiter: RateLimiter
  calls: CallCounters
}

/** The settings, as `src/config.ts` reads them from the environment. */
export interface Config {
  serverName: string
  /** Without a slash at its end. */
  publicUrl: string
  registration: 'open' | 'token' | 'closed'
  registrationSharedSecret?: string
  rateLimits: boolean
  presence: boolean
  guests: boolean
  /** For clients that refresh their tokens; those of others do not expire. */
  accessTokenLifetimeMs: number
  /** The TURN servers that clients are told of, with the secret they share with us. */
  turn?: { uris: string[]; secret: string }
  defaultRoomVersion: string
  passwordCost: 'normal' | 'low'
  logLevel: LogLevel
  /** Newest first: the first signs. */
  signingKeys: SigningKey[]
  /** Newest first: the first signs, all verify. */
  tokenKeys: TokenKey[]
  /** The header in which a trusted proxy names the client's address. */
  clientAddressHeader?: string
  archiveDelayMs: number
  testHooks: boolean
}

/** A secret that access tokens are signed with. */
export interface TokenKey {
  id: string
  secret: Uint8Array
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'
export type LogFields = Record<string, string | number | boolean | undefined>

/** Never pass it content, tokens or passwords. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger whose lines all carry these fields, such as the request id. */
  with(fields: LogFields): Logger
}

/** Counts what costs money, by operation: for /metrics and for the tests of the budgets. */
export interface CallCounters {
  count(name: string, n?: number): void
  snapshot(): Record<string, number>
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

export interface Random {
  bytes(length: number): Uint8Array
  /** A string of `length` characters of [A-Za-z0-9], about 5.95 bits each. */
  token(length: number): string
}

// ---------------------------------------------------------------- Postgres

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

export interface AccountStore {
  /** Inserts; false when the localpart is taken (deactivated accounts keep theirs). `registrationToken` is used up in the same transaction. */
  create(account: Account, registrationToken?: string): Promise<'created' | 'taken' | 'token_spent'>
  find(localpart: string): Promise<Account | undefined>
  /** Whether a registration token exists, is not expired and has uses left. */
  registrationTokenValid(token: string, now: number): Promise<boolean>
  setPassword(localpart: string, passwordHash: string): Promise<void>
  /** For good: nobody logs in any more, and the name stays taken. */
  deactivate(localpart: string, erased: boolean): Promise<void>
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
  /** Gives all aliases of a room to the one that replaces it. */
  move(from: string, to: string): Promise<void>
}

/** A page of a list in a fixed order, beginning after one of its entries or ending before it. */
export interface PublicRoomsPage {
  limit: number
  /** Folded by `src/protocol/fold.ts`; part of a name, topic or alias. */
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

export interface ReportStore {
  add(report: Report, now: number): Promise<void>
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
  /** Undefined where the archive knows no such room. */
  room(roomId: string): Promise<{ version: string; archivedPos: number } | undefined>
  /** Events after a position, oldest first. */
  roomEvents(roomId: string, after: number, limit: number): Promise<ArchivedEvent[]>
  /** Who left the room and forgot it. */
  forgottenBy(roomId: string): Promise<string[]>
  erasedIn(roomId: string): Promise<{ userId: string; pos: number }[]>
  receiptsIn(roomId: string): Promise<Receipt[]>
  /** A user's records that are not deleted, in the order of their keys, after (kind, key). */
  userRecords(userId: string, after: [kind: string, key: string], limit: number): Promise<UserRecord[]>
  userRooms(userId: string): Promise<ArchivedMembership[]>
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

// ---------------------------------------------------------------- Redis

/** Who a request speaks for. */
export interface Session {
  userId: string
  deviceId: string
  sessionId: string
  /** The account is a guest's, and may do little. */
  guest?: boolean
}

/** The write-through copy of the User object's device row. Only the User object writes it. */
export interface SessionStore {
  /**
   * The session, or undefined where Redis does not vouch for it: the User object then decides.
   * @throws when Redis fails, failed a moment ago, or gives no answer in 150 ms: the User object then decides too
   */
  get(sessionId: string): Promise<Session | undefined>
  /** Vouches for it, unless it was removed: a session that has ended stays ended, whatever overtakes whatever. */
  put(session: Session): Promise<void>
  remove(sessionIds: string[]): Promise<void>
}

/** An interactive-auth session: Client-Server API §User-Interactive Authentication API. */
export interface UiaSession {
  id: string
  /** Method and path the session belongs to. */
  endpoint: string
  /** The body of the first call, without `auth`. */
  body: JsonObject
  completed: string[]
  /** What completed stages proved, such as the registration token. */
  facts: Record<string, string>
}

export interface UiaStore {
  get(id: string): Promise<UiaSession | undefined>
  /** Kept for an hour after the last write. */
  put(session: UiaSession): Promise<void>
}

export interface NonceStore {
  /** A nonce for shared-secret registration, good for a minute. */
  put(nonce: string): Promise<void>
  /** True once for each nonce. */
  take(nonce: string): Promise<boolean>
}

export interface OpenIdTokenStore {
  /** A token that proves to third parties who the user is, and nothing else, for so long. */
  put(token: string, userId: string, seconds: number): Promise<void>
  find(token: string): Promise<string | undefined>
}

/** At most `count` actions in `seconds`, for each key. */
export interface RateLimit {
  action: string
  count: number
  seconds: number
}

export interface RateLimiter {
  /** Counts one action for each of the keys (an account, an address); answers undefined, or the ms to wait. */
  hit(limit: RateLimit, keys: string[]): Promise<number | undefined>
}

// ---------------------------------------------------------------- Room object

export type Membership = 'join' | 'invite' | 'knock' | 'leave' | 'ban'

export interface Profile {
  displayname?: string
  avatar_url?: string
}

/** What an invitation must know of its target. */
export interface Invitee {
  /** Whether they take invitations from the one who asks. */
  takesInvites: boolean
  profile: Profile
}

/** What `createRoom` asks for, checked and with defaults filled in by the Worker. */
export interface CreateRoomPlan {
  /** The creator's profile, for their member event. */
  profile: Profile
  isDirect: boolean
  preset: 'private_chat' | 'trusted_private_chat' | 'public_chat'
  invite: string[]
  /** Of the invited, for their member events. */
  inviteProfiles?: Record<string, Profile>
  initialState: { type: string; stateKey: string; content: JsonObject }[]
  powerLevelOverride?: JsonObject
  name?: string
  topic?: string
  /** The full alias, reserved beforehand. */
  alias?: string
  public: boolean
  /** A room that replaces another: exactly these events follow the creator's join. */
  replicated?: { type: string; stateKey: string; content: JsonObject }[]
}

export interface SendRequest {
  sender: string
  /** With `txnId`: makes the send idempotent for the device, and names the sender's own event in sync. */
  deviceId?: string
  txnId?: string
  type: string
  /** Present: a state event. */
  stateKey?: string
  content: JsonObject
  /** Room versions up to 10: what a redaction removes. */
  redacts?: string
  /** A redaction's own path, to which its transaction id belongs; absent: that of sends of the type. */
  path?: string
  /** Of a redaction: what relates to its target in these ways goes too; `*` stands for all (MSC3912). */
  withRelations?: string[]
  /** The delayed event whose time has come (MSC4140). */
  delayId?: string
}

export interface MembershipRequest {
  sender: string
  target: string
  action: 'join' | 'invite' | 'knock' | 'leave' | 'kick' | 'ban' | 'unban'
  reason?: string
  /** The target's profile, for joins, knocks and invites. */
  profile?: Profile
  /** Further keys of the content that the client gave to /join. */
  content?: JsonObject
  isDirect?: boolean
  /** The sender is a guest: they join only where `m.room.guest_access` lets them. */
  guest?: boolean
  /** Rooms of `restricted` conditions in which the Worker found the user joined. */
  joinedAllowRooms?: string[]
}

/** Where a viewer reads: everything is cut to what history visibility shows them. */
export interface MessagesRequest {
  viewer: Session
  dir: 'f' | 'b'
  /** `p<position>`, or absent: the end (b) or the start (f). */
  from?: string
  to?: string
  limit: number
  filter?: RoomEventFilter
  /** Whose messages the viewer does not want to see. */
  ignored?: string[]
}

export interface MessagesAnswer {
  chunk: ClientEvent[]
  start: string
  end?: string
  state?: ClientEvent[]
}

export interface ContextRequest {
  viewer: Session
  eventId: string
  /** Of the events before and after together. */
  limit: number
  filter?: RoomEventFilter
  ignored?: string[]
}

export interface ContextAnswer {
  start: string
  end: string
  event: ClientEvent
  events_before: ClientEvent[]
  events_after: ClientEvent[]
  state: ClientEvent[]
}

/** The events that relate to one. Places as in `MessagesRequest`. */
export interface ChildrenRequest {
  viewer: Session
  eventId: string
  relType?: string
  eventType?: string
  dir: 'f' | 'b'
  from?: string
  to?: string
  limit: number
  /** Also what relates to what relates to it. */
  recurse: boolean
  ignored?: string[]
}

export interface ChildrenAnswer {
  chunk: ClientEvent[]
  next_batch?: string
  prev_batch?: string
  recursion_depth?: number
}

export interface ThreadsRequest {
  viewer: Session
  include: 'all' | 'participated'
  from?: string
  limit: number
  ignored?: string[]
}

export interface ThreadsAnswer {
  chunk: ClientEvent[]
  next_batch?: string
}

/** The event nearest to a moment, from it forwards or backwards. */
export interface MomentRequest {
  viewer: string
  ts: number
  dir: 'f' | 'b'
}

/** A room as the legacy initialSync endpoints show it. */
export interface RoomSnapshot {
  /** Null: the viewer only looks in. */
  membership: Membership | null
  messages: MessagesAnswer
  state: ClientEvent[]
}

/** What came in a room between two places. */
export interface PeekAnswer {
  start: string
  end: string
  chunk: ClientEvent[]
}

/** What upgrading a room takes (Client-Server API §Room Upgrades). */
export interface UpgradeRequest {
  sender: string
  profile: Profile
  version: string
  additionalCreators: string[]
  /** Makes the new room's id one that nobody else has. */
  nonce: string
}

/** What a client asks to be sent later (MSC4140). */
export interface DelayedRequest extends SendRequest {
  delayId: string
  delayMs: number
}

export type DelayedAction = 'send' | 'cancel' | 'restart'

/** A delayed event as its sender sees it. */
export interface DelayedEvent {
  delayId: string
  roomId: string
  type: string
  stateKey?: string
  content: JsonObject
  delayMs: number
  /** When the delay began to run, ms. */
  runningSince: number
  /** Present once it was sent or cancelled. */
  finalised?: {
    outcome: 'send' | 'cancel'
    reason: 'delay' | 'action' | 'error'
    error?: { errcode: string; error: string }
    eventId?: string
    at: number
  }
}

/** An event on its way to clients: made once for all who may see it. */
export interface TimelineEvent {
  pos: number
  /** Without `room_id`, `unsigned.age` and `unsigned.transaction_id`, which differ by request. */
  event: ClientEvent
  /** For the sending device alone. */
  txn?: { deviceId: string; txnId: string }
  /** For the sender alone: the delayed event that this one was (MSC4140). */
  delayId?: string
}

/** How far a user has read. Private ones (m.read.private) are for that user alone. */
export interface Receipt {
  /** The room position that the receipt itself took. */
  pos: number
  userId: string
  type: 'm.read' | 'm.read.private'
  /** The root of a thread, or `main`; absent: of the whole room. */
  threadId?: string
  eventId: string
  /** The room position of that event. */
  eventPos: number
  ts: number
}

export interface MarkReadRequest {
  userId: string
  receipts: Pick<Receipt, 'type' | 'threadId' | 'eventId'>[]
  /** The event of the user's m.fully_read marker: only looked up. */
  fullyRead?: string
}

/** What push rules ask of a room besides the event itself. */
export interface PushFacts {
  joined: number
  /** The power levels of the events' senders. */
  levels: Record<string, number>
  /** `notifications` of m.room.power_levels. */
  notifications: JsonObject
  /** The roots of the threads that events are in, by position; those of the main timeline are left out. */
  threads: Record<number, string>
  /** Positions of events that were redacted. */
  redacted: number[]
}

/** An event that a user has not read, and that their push rules notify of. */
export interface UnreadEvent {
  pos: number
  /** The root of its thread, or `main`. */
  thread: string
  highlight: boolean
}

/** Everything visible in a room in (from, to]. */
export interface Increment {
  from: number
  to: number
  events: TimelineEvent[]
  /** The member events of the senders, for clients that load members lazily. */
  members: ClientEvent[]
  /** Who types, if that changed. */
  typing?: string[]
  /** Member counts, if they may have changed. */
  counts?: { joined: number; invited: number }
  /** With `counts`, where the room has no name: those whom viewers may know it by, each without themselves. */
  heroes?: HeroCandidates
  /** Public receipts. */
  receipts?: Receipt[]
  /** Given with events. */
  push?: PushFacts
}

/** What a Room needs to count what a user has not read. */
export interface UnreadRequest {
  /** Absent: the default rules. */
  ruleset?: JsonObject
  /** The position up to which the user's object has counted; there is no answer where that is the head. */
  counted?: number
}

export interface PullRequest {
  userId: string
  /** The position the token stands at; 0 for a room not seen yet. */
  since: number
  /** First sight of the room, after an absence without a known place, or `full_state`: all state is wanted. */
  fullState: boolean
  timelineLimit: number
  filter?: { timeline?: RoomEventFilter; state?: RoomEventFilter }
  /** State up to the END of the timeline instead of its start. */
  stateAfter: boolean
  /** Events as servers exchange them (Client-Server API §Filtering, `event_format`). */
  federationFormat?: boolean
  /** Whether later wakes are wanted: not for one-off reads. */
  subscribe: boolean
  /** Whose messages the viewer does not want to see. */
  ignored?: string[]
  /** Given where counts are wanted. */
  unread?: UnreadRequest
}

export interface RoomSlice {
  /** The viewer's membership in the room now. */
  membership: Membership | null
  /** The position the answer stands at: the room's head, or the viewer's leave. */
  head: number
  events: TimelineEvent[]
  limited: boolean
  /** `p<position>` before the first event; absent at the room's start. */
  prevBatch?: string
  state: ClientEvent[]
  typing?: string[]
  counts?: { joined: number; invited: number }
  heroes?: string[]
  receipts?: Receipt[]
  /** The unread events that notify, as they stand at the head. */
  unread?: { events: UnreadEvent[]; displayName?: string }
}

/** What a room tells of itself to people outside: Client-Server API §Room summaries. */
export interface RoomSummary extends PublicRoom {
  room_version: string
  encryption?: string
  /** Of restricted rooms: the rooms whose members may join. */
  allowed_room_ids?: string[]
}

export interface SummaryAnswer {
  summary: RoomSummary
  /** The viewer's own; null where nobody asks, or it never had one. */
  membership: Membership | null
  /** Whether the viewer may know of the room, but for what membership of `allowed_room_ids` would let them. */
  open: boolean
  /** Spaces: their children, in order. */
  children: SpaceChild[]
}

/** What is wanted around each event that a search found. */
export interface SearchContext {
  before: number
  after: number
  profiles: boolean
}

export interface FoundEvent {
  event: ClientEvent
  context?: {
    start: string
    end: string
    events_before: ClientEvent[]
    events_after: ClientEvent[]
    profile_info?: Record<string, Profile>
  }
}

export interface RoomGateway {
  create(createPdu: Pdu, roomVersion: string, plan: CreateRoomPlan): Promise<{ roomId: string }>
  send(request: SendRequest): Promise<string>
  /** The event id, or undefined where nothing had to change (already joined, already invited). */
  changeMembership(request: MembershipRequest): Promise<string | undefined>
  /** Shows a joined user's new profile in their member event. */
  updateProfile(userId: string, profile: Profile): Promise<void>
  /** From now on whoever joins later is shown this user's events redacted. */
  markErased(userId: string): Promise<void>
  setTyping(userId: string, typing: boolean, timeoutMs: number): Promise<void>
  /**
   * Moves receipts forward, and answers the position of the fully-read event.
   * @throws MatrixError M_FORBIDDEN outside the room, M_INVALID_PARAM for an unknown event or one of another thread
   */
  markRead(request: MarkReadRequest): Promise<{ fullyReadPos?: number }>
  /** The local members who want to hear of the room now; nobody where it has more than `limit` members. */
  awake(userId: string, limit: number): Promise<string[]>
  pull(request: PullRequest): Promise<RoomSlice>
  messages(request: MessagesRequest): Promise<MessagesAnswer>
  event(viewer: Session, eventId: string): Promise<ClientEvent>
  context(request: ContextRequest): Promise<ContextAnswer>
  children(request: ChildrenRequest): Promise<ChildrenAnswer>
  threads(request: ThreadsRequest): Promise<ThreadsAnswer>
  eventAtTime(request: MomentRequest): Promise<{ event_id: string; origin_server_ts: number }>
  snapshot(viewer: Session, limit: number): Promise<RoomSnapshot>
  /** What came after a place; without one, only where the room stands. */
  peek(viewer: Session, from?: string): Promise<PeekAnswer>
  /** All state, as the viewer may see it. */
  state(viewer: string): Promise<ClientEvent[]>
  stateEvent(viewer: string, type: string, stateKey: string): Promise<ClientEvent>
  members(
    viewer: string,
    query: { at?: string; membership?: string; notMembership?: string },
  ): Promise<ClientEvent[]>
  joinedMembers(viewer: string): Promise<Record<string, { display_name?: string; avatar_url?: string }>>
  /** What a joiner must satisfy, before anybody is asked: the join rule and the rooms that `restricted` names. */
  joinRule(): Promise<{ joinRule: string; allowRooms: string[] }>
  /** Whether a user is joined: for restricted rooms elsewhere, and checks of the alias API. */
  isJoined(userId: string): Promise<boolean>
  /** Whether the user may set the canonical alias: who may edit the directory for the room. */
  mayEditAliases(userId: string): Promise<boolean>
  /** Takes an alias out of the canonical alias event, where it stands there and the user may change that. */
  dropAlias(userId: string, alias: string): Promise<void>
  /** Answers when the archive knows what the room has so far, or after two seconds. */
  archived(): Promise<void>
  /**
   * Lists the room in the public directory, or takes it out. Answers as `archived` does.
   * @throws MatrixError M_FORBIDDEN without the power to set the canonical alias
   */
  setListed(userId: string, listed: boolean): Promise<void>
  /** For lists of rooms and spaces; `viewer` null: nobody in particular. */
  summary(viewer: string | null): Promise<SummaryAnswer>
  /** Of these events, those that are there and that the viewer may see. */
  visibleEvents(viewer: string, eventIds: string[], ignored: string[]): Promise<string[]>
  /** Events that a search found, each with what stands around it. */
  foundEvents(
    viewer: Session,
    eventIds: string[],
    request: { ignored: string[]; context?: SearchContext },
  ): Promise<FoundEvent[]>
  /** @throws MatrixError M_UNKNOWN (400) unless the user has left the room */
  forget(userId: string): Promise<void>
  /** Makes the room that replaces this one, and answers its id. Asked again, it answers the same room. */
  upgrade(request: UpgradeRequest): Promise<string>
  /** Answers the id of the delayed event: of the one there is already, for a transaction id used before. */
  schedule(request: DelayedRequest): Promise<string>
  /** @param userId the owner, where the one who asks is known. @throws MatrixError M_NOT_FOUND; 409 when it is over */
  delayedAction(delayId: string, action: DelayedAction, userId?: string): Promise<void>
  delayedEvents(userId: string): Promise<DelayedEvent[]>
  /** Makes the room again from the archive alone. Answers how many events it has. */
  rebuild(roomId: string): Promise<number>
}

// ---------------------------------------------------------------- User object

export interface Device {
  device_id: string
  display_name?: string
  last_seen_ip?: string
  last_seen_ts?: number
}

/** A Room's news to a User object: at least once, any order. */
export interface Wake {
  roomId: string
  from: number
  to: number
  /** The JSON of the increment (from, to]: made once, and cheaper to hand to many than the object. */
  increment?: string
}

/** A wake, its increment read. */
export interface News extends Omit<Wake, 'increment'> {
  increment?: Increment
}

/** One row of a room's member feed. */
export interface MembershipChange {
  roomId: string
  /** Position of the member event in the room. */
  pos: number
  membership: Membership
  /** The same membership as before: a profile change and the like. */
  unchanged: boolean
  eventId: string
  sender: string
  /** For invite and knock: what the user sees of the room, their own member event included. */
  strippedState?: StrippedEvent[]
  /** The user forgot the room. */
  forgotten?: boolean
  /** For joins: the room that this one replaced, whose personal settings the user takes along. */
  predecessor?: string
}

export interface SyncRequest {
  session: Session
  since?: string
  /** A filter id, or inline JSON. */
  filter?: string
  fullState: boolean
  stateAfter: boolean
  timeoutMs: number
  /** What the device says of itself; `offline`: nothing. */
  presence: PresenceValue
}

/** Client-Server API §Presence. */
export type PresenceValue = 'online' | 'unavailable' | 'offline'

export interface PresenceState {
  userId: string
  presence: PresenceValue
  statusMsg?: string | undefined
  /** When they last did something, ms since the epoch. */
  lastActive?: number | undefined
}

/** What a client changes about one of its push rules. */
export type PushRuleChange = { kind: RuleKind; ruleId: string } & (
  | { action: 'put'; rule: RuleBody; place: RulePlace }
  | { action: 'delete' }
  | { action: 'enable'; enabled: boolean }
  | { action: 'act'; actions: JsonValue[] }
)

/** What administrators, or its user, did to an account. */
export interface AccountStanding {
  locked: boolean
  suspended: boolean
  deactivated: boolean
}

export interface UserGateway {
  /**
   * Makes or renews a device: its old session ends. Answers the device and the new session; with `refreshHash`, of
   * the first refresh token, when it expires (ms) and what its refresh tokens share.
   */
  openSession(request: {
    deviceId?: string
    displayName?: string
    address?: string
    refreshHash?: string
  }): Promise<Session & { expiresAt?: number; family?: string }>
  /** A session in place of the device's, for the hash of its refresh token; `next` is that of the one after. */
  refreshSession(request: {
    deviceId: string
    family: string
    presented: string
    next: string
  }): Promise<Session & { expiresAt: number }>
  /** @throws MatrixError M_UNKNOWN_TOKEN when the session is no longer the device's, M_USER_LOCKED */
  checkSession(session: Session): Promise<{ suspended: boolean }>
  /** Stores the hash of a new password; with `logoutDevices`, every device but the session's own is deleted. */
  changePassword(session: Session, hash: string, logoutDevices: boolean): Promise<void>
  /** Deletes devices; those that are gone already stay gone. */
  deleteDevices(session: Session, deviceIds: string[]): Promise<void>
  /** Closes the account for good. With `erase`, who joins a room later sees the user's events redacted. */
  deactivate(session: Session, erase: boolean): Promise<void>
  /** For administrators: no session of the user is asked for. */
  standing(): Promise<AccountStanding>
  setStanding(change: { locked?: boolean; suspended?: boolean }): Promise<void>
  whois(): Promise<Device[]>
  logout(session: Session): Promise<void>
  logoutAll(session: Session): Promise<void>
  devices(session: Session): Promise<Device[]>
  device(session: Session, deviceId: string): Promise<Device>
  renameDevice(session: Session, deviceId: string, displayName: string): Promise<void>
  /** What member events carry of the profile. */
  profile(): Promise<Profile>
  profileFields(): Promise<JsonObject>
  /** Sets a field, or takes it away where there is no value; rooms learn of it by and by. */
  setProfileField(session: Session, key: string, value: JsonValue | undefined): Promise<void>
  joinedRooms(session: Session): Promise<string[]>
  /** Moves the m.fully_read marker of a room forward, to an event at a position of that room. */
  setFullyRead(session: Session, marker: { roomId: string; eventId: string; eventPos: number }): Promise<void>
  changePushRules(session: Session, change: PushRuleChange): Promise<void>
  setPresence(session: Session, presence: PresenceValue, statusMsg: string | undefined): Promise<void>
  /** The content of m.presence. @throws MatrixError M_FORBIDDEN where the viewer shares none of their `rooms` */
  presence(viewer: string, rooms: string[]): Promise<JsonObject>
  /** Another user's presence, which waiting clients are told of; the answer is the user's own. */
  hearPresence(state: PresenceState): Promise<PresenceState>
  /** The rooms the user is or was in, and has not forgotten. */
  visitedRooms(session: Session): Promise<VisitedRoom[]>
  putFilter(session: Session, filter: JsonObject): Promise<string>
  getFilter(session: Session, filterId: string): Promise<JsonObject>
  putAccountData(session: Session, roomId: string | null, type: string, content: JsonObject): Promise<void>
  getAccountData(session: Session, roomId: string | null, type: string): Promise<JsonValue>
  /** All of one room. */
  roomAccountData(session: Session, roomId: string): Promise<{ type: string; content: JsonObject }[]>
  /** Where a sync token stands in a room, for endpoints that accept one: `p<position>`. */
  positionOf(session: Session, token: string, roomId: string): Promise<string>
  membershipChanged(change: MembershipChange): Promise<void>
  tags(session: Session, roomId: string): Promise<JsonObject>
  /** Sets a tag, or takes it away. */
  setTag(session: Session, roomId: string, tag: string, value: JsonObject | null): Promise<void>
  /** Whose messages the user does not want to see. */
  ignoredUsers(session: Session): Promise<string[]>
  /** What the user's settings say to an invite from `sender`. */
  invitePermission(sender: string): Promise<'allow' | 'ignore' | 'block'>
  /** Notes that a room may hold delayed events of this user: before it does. */
  noteDelayed(session: Session, roomId: string): Promise<void>
  /** Rooms that may hold delayed events of this user. */
  delayedRooms(session: Session): Promise<string[]>
  /** These rooms hold none any more. */
  pruneDelayed(session: Session, roomIds: string[]): Promise<void>
  /** Makes the user's object again from the archive alone. Answers how many records it has. */
  rebuild(): Promise<number>
  /** Answers whether the Room may forget this subscriber. */
  wake(wake: Wake): Promise<{ unsubscribe: boolean }>
  /** The answer at once, or a WebSocket (status 101) on which it comes: see `workers/client/sync.ts`. */
  sync(request: SyncRequest): Promise<Response>
}

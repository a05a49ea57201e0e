/** The whole outside world on one page: what the capabilities and the objects may ask of it. */
import type { JsonObject, JsonValue } from './protocol/canonical-json.ts'
import type { ClientEvent, Pdu, StrippedEvent } from './protocol/event.ts'
import type { RoomEventFilter } from './protocol/filter.ts'
import type { SigningKey } from './protocol/signing.ts'

/** Everything the capabilities get from outside; functions take `Pick<Ports, …>` of what they use. */
export interface Ports {
  config: Config
  clock: Clock
  random: Random
  log: Logger
  accounts: AccountStore
  aliases: AliasStore
  archive: ArchiveStore
  sessions: SessionStore
  uia: UiaStore
  nonces: NonceStore
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
    }
  | { kind: 'redacted'; pos: number; eventId: string; pdu: string }
  | { kind: 'alias'; pos: number; alias: string; creator: string }
  | { kind: 'visibility'; pos: number; public: boolean }

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

// ---------------------------------------------------------------- Redis

/** Who a request speaks for. */
export interface Session {
  userId: string
  deviceId: string
  sessionId: string
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

/** What `createRoom` asks for, checked and with defaults filled in by the Worker. */
export interface CreateRoomPlan {
  /** The creator's profile, for their member event. */
  profile: Profile
  isDirect: boolean
  preset: 'private_chat' | 'trusted_private_chat' | 'public_chat'
  invite: string[]
  initialState: { type: string; stateKey: string; content: JsonObject }[]
  powerLevelOverride?: JsonObject
  name?: string
  topic?: string
  /** The full alias, reserved beforehand. */
  alias?: string
  public: boolean
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
}

export interface MessagesAnswer {
  chunk: ClientEvent[]
  start: string
  end?: string
  state?: ClientEvent[]
}

/** An event on its way to clients: made once for all who may see it. */
export interface TimelineEvent {
  pos: number
  /** Without `room_id`, `unsigned.age` and `unsigned.transaction_id`, which differ by request. */
  event: ClientEvent
  /** For the sending device alone. */
  txn?: { deviceId: string; txnId: string }
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
  /** Member counts, if they changed. */
  counts?: { joined: number; invited: number }
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
  /** Whether later wakes are wanted: not for one-off reads. */
  subscribe: boolean
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
}

export interface RoomGateway {
  create(createPdu: Pdu, roomVersion: string, plan: CreateRoomPlan): Promise<{ roomId: string }>
  send(request: SendRequest): Promise<string>
  /** The event id, or undefined where nothing had to change (already joined, already invited). */
  changeMembership(request: MembershipRequest): Promise<string | undefined>
  setTyping(userId: string, typing: boolean, timeoutMs: number): Promise<void>
  pull(request: PullRequest): Promise<RoomSlice>
  messages(request: MessagesRequest): Promise<MessagesAnswer>
  event(viewer: Session, eventId: string): Promise<ClientEvent>
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
}

export interface SyncRequest {
  session: Session
  since?: string
  /** A filter id, or inline JSON. */
  filter?: string
  fullState: boolean
  stateAfter: boolean
  timeoutMs: number
}

export interface UserGateway {
  /** Makes or renews a device: its old session ends. Answers the device and the new session. */
  openSession(request: { deviceId?: string; displayName?: string; address?: string }): Promise<Session>
  /** @throws MatrixError M_UNKNOWN_TOKEN when the session is no longer the device's */
  checkSession(session: Session): Promise<void>
  logout(session: Session): Promise<void>
  logoutAll(session: Session): Promise<void>
  devices(session: Session): Promise<Device[]>
  device(session: Session, deviceId: string): Promise<Device>
  renameDevice(session: Session, deviceId: string, displayName: string): Promise<void>
  profile(): Promise<Profile>
  joinedRooms(session: Session): Promise<string[]>
  putFilter(session: Session, filter: JsonObject): Promise<string>
  getFilter(session: Session, filterId: string): Promise<JsonObject>
  putAccountData(session: Session, roomId: string | null, type: string, content: JsonObject): Promise<void>
  getAccountData(session: Session, roomId: string | null, type: string): Promise<JsonValue>
  /** Where a sync token stands in a room, for endpoints that accept one: `p<position>`. */
  positionOf(session: Session, token: string, roomId: string): Promise<string>
  membershipChanged(change: MembershipChange): Promise<void>
  /** Answers whether the Room may forget this subscriber. */
  wake(wake: Wake): Promise<{ unsubscribe: boolean }>
  /** The answer at once, or a WebSocket (status 101) on which it comes: see `workers/client/sync.ts`. */
  sync(request: SyncRequest): Promise<Response>
}

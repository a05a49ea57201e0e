/** The User object, as the Workers and the Rooms call it, and what passes between them. */
import type { JsonObject, JsonValue } from '../protocol/events/canonical-json.ts'
import type { StrippedEvent } from '../protocol/events/event.ts'
import type { CrossSigningKeys, SignatureFailure } from '../protocol/keys/cross-signing.ts'
import type { RuleKind } from '../protocol/push/push-evaluator.ts'
import type { RuleBody, RulePlace } from '../protocol/push/push-rule-edits.ts'
import type { VisitedRoom } from './postgres.ts'
import type { PushNews } from './push.ts'
import type { Session } from './redis.ts'
import type { Membership, Profile, ThreadPlace } from './room.ts'
import type { Increment } from './room-sync.ts'

export interface Device {
  device_id: string
  display_name?: string
  /** Null: not known. */
  last_seen_ip: string | null
  last_seen_ts: number | null
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
  /** When the Room wrote it, ms. */
  at?: number
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

/** A thread by its first event. */
export interface Thread {
  roomId: string
  rootId: string
}

/** How a user follows a thread (MSC4306): by a client on its own, or as they wished. */
export interface ThreadSubscription {
  automatic: boolean
}

/** What a client changes about one of its push rules. */
export type PushRuleChange = { kind: RuleKind; ruleId: string } & (
  | { action: 'put'; rule: RuleBody; place: RulePlace }
  | { action: 'delete' }
  | { action: 'enable'; enabled: boolean }
  | { action: 'act'; actions: JsonValue[] }
)

/** Client-Server API §Push notifications: where a device wants to be told of events, as clients see it. */
export interface Pusher extends JsonObject {
  app_id: string
  pushkey: string
  kind: 'http'
  app_display_name: string
  device_display_name: string
  lang: string
  data: JsonObject & { url: string }
}

/** What administrators, or its user, did to an account. */
export interface AccountStanding {
  locked: boolean
  suspended: boolean
  deactivated: boolean
}

/** What a device uploads; nothing of it is checked yet. */
export interface KeyUpload {
  deviceKeys?: JsonObject
  oneTimeKeys?: JsonObject
  fallbackKeys?: JsonObject
}

/** MSC3814: a device without a session, sealed by the client that made it. */
export interface DehydratedDevice {
  deviceId: string
  data: JsonObject
}

export interface DehydratedUpload extends DehydratedDevice {
  displayName?: string
  keys: KeyUpload & { deviceKeys: JsonObject }
}

export interface DehydratedEvents {
  events: JsonObject[]
  /** Where the next page begins; absent where nothing came. */
  last?: number
}

/** Algorithms by device id. */
export type KeyClaims = Record<string, string>

/** What everybody may see of a user's keys, with the signatures that everybody may see. */
export interface PublicKeys {
  devices: Record<string, JsonObject>
  master?: JsonObject
  selfSigning?: JsonObject
}

/** What the user alone sees besides. */
export interface PrivateKeys {
  userSigning?: JsonObject
  /** By user, the signatures on their master keys: by key id. */
  signatures: Record<string, Record<string, string>>
}

/** Objects that a user has signed, by the device id or key they are of. */
export interface SignatureUpload {
  own: Record<string, JsonObject>
  /** Others' master keys by user; `stored` is what their own object has. */
  others: Record<string, Record<string, { signed: JsonObject; stored?: JsonObject }>>
}

/** By user and by the device id or key. */
export type SignatureFailures = Record<string, Record<string, SignatureFailure>>

/** Where a backed-up room key belongs; with less, all below that. */
export interface KeyPlace {
  roomId?: string
  sessionId?: string
}

export interface BackedUpKey {
  roomId: string
  sessionId: string
  /** JSON. */
  data: string
}

/** Client-Server API §Server-side key backups: it changes when the stored keys do. */
export interface KeyBackupState {
  etag: string
  count: number
}

export interface KeyBackupVersion extends KeyBackupState {
  algorithm: string
  auth_data: JsonObject
  version: string
}

/** One to-device message, for one device or, by `*`, for all that its receiver has. */
export interface ToDeviceMessage {
  deviceId: string
  type: string
  /** JSON. */
  content: string
}

/** What a sender has for one user, numbered in the sender's order. */
export interface ToDeviceParcel {
  seq: number
  messages: ToDeviceMessage[]
}

export interface NotificationRooms {
  rooms: string[]
  ruleset?: JsonObject
  ignored: string[]
}

export interface UserGateway {
  /** Begins a backup of room keys, which is the current one from then on. Answers its version. */
  createKeyBackup(session: Session, algorithm: string, authData: JsonObject): Promise<string>
  /** @throws MatrixError M_NOT_FOUND, as all that follow */
  keyBackup(session: Session, version: string | undefined): Promise<KeyBackupVersion>
  updateKeyBackup(session: Session, version: string, algorithm: string, authData: JsonObject): Promise<void>
  deleteKeyBackup(session: Session, version: string): Promise<void>
  /** Stores those keys that are better than what is there. @throws MatrixError M_WRONG_ROOM_KEYS_VERSION */
  putBackedUpKeys(session: Session, version: string, keys: BackedUpKey[]): Promise<KeyBackupState>
  /** As many keys as one call carries, in order of room and session, after the last one of the batch before. */
  backedUpKeys(
    session: Session,
    version: string,
    place: KeyPlace,
    after?: [string, string],
  ): Promise<{ keys: BackedUpKey[]; more: boolean }>
  deleteBackedUpKeys(session: Session, version: string, place: KeyPlace): Promise<KeyBackupState>
  /** Stores messages by receiver, all of this server, and delivers them; once for each transaction id of a device. */
  sendToDevice(session: Session, txnId: string, messages: Record<string, ToDeviceMessage[]>): Promise<void>
  /** For the devices of this user: parcels of one sender, oldest first; those that came before are passed over. */
  takeToDevice(sender: string, parcels: ToDeviceParcel[]): Promise<void>
  /** Whether the account has ever been used. */
  hasPast(): Promise<boolean>
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
  /** Gives a new account its first profile, as its first session would. Asked again, it changes nothing. */
  beginProfile(): Promise<void>
  /** Closes the account for good. With `erase`, who joins a room later sees the user's events redacted. */
  deactivate(session: Session, erase: boolean): Promise<void>
  /** As `deactivate`, by the operator. */
  close(erase: boolean): Promise<void>
  /** As `deleteDevices`, by the operator. */
  endDevices(deviceIds: string[]): Promise<void>
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
  /** Counts a room that the user is about to make; what its member event carries. */
  makeRoom(session: Session): Promise<Profile>
  profileFields(): Promise<JsonObject>
  /** Sets a field, or takes it away where there is no value; rooms learn of it by and by. */
  setProfileField(session: Session, key: string, value: JsonValue | undefined): Promise<void>
  joinedRooms(session: Session): Promise<string[]>
  /** Moves the m.fully_read marker of a room forward, to an event at a position of that room. */
  setFullyRead(session: Session, marker: { roomId: string; eventId: string; eventPos: number }): Promise<void>
  changePushRules(session: Session, change: PushRuleChange): Promise<void>
  pushers(session: Session): Promise<JsonObject[]>
  /** Adds a pusher of the session's device, or puts it in the place of the one with its app and pushkey. */
  setPusher(session: Session, pusher: Pusher): Promise<void>
  /** A Room's new events, of which the user's pushers may have to be told. */
  pushNews(news: PushNews): Promise<void>
  /** The member has read in a room: the number on their devices may be lower. */
  pushRead(roomId: string): Promise<void>
  /** What finding the user's notifications takes: their joined rooms, those that moved last first, and their settings. */
  notificationRooms(session: Session): Promise<NotificationRooms>
  removePusher(session: Session, appId: string, pushkey: string): Promise<void>
  /** Another user has this pushkey now. */
  losePusher(appId: string, pushkey: string): Promise<void>
  setPresence(session: Session, presence: PresenceValue, statusMsg: string | undefined): Promise<void>
  /** The content of m.presence. @throws MatrixError M_FORBIDDEN where the viewer shares none of their `rooms` */
  presence(viewer: string, rooms: string[]): Promise<JsonObject>
  /**
   * Another user's presence, which waiting clients are told of: where it has changed, or always where the two have
   * `met` in a room that one of them came into. The answer is the user's own.
   */
  hearPresence(state: PresenceState, met: boolean): Promise<PresenceState>
  /** The rooms the user is or was in, and has not forgotten, those first that moved last. */
  visitedRooms(session: Session): Promise<VisitedRoom[]>
  putFilter(session: Session, filter: JsonObject): Promise<string>
  getFilter(session: Session, filterId: string): Promise<JsonObject>
  putAccountData(session: Session, roomId: string | null, type: string, content: JsonObject): Promise<void>
  removeAccountData(session: Session, roomId: string | null, type: string): Promise<void>
  getAccountData(session: Session, roomId: string | null, type: string): Promise<JsonValue>
  threadSubscription(session: Session, thread: Thread): Promise<ThreadSubscription>
  /** @throws MatrixError IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION */
  followThread(session: Session, thread: Thread, place: ThreadPlace): Promise<void>
  leaveThread(session: Session, thread: Thread, place: ThreadPlace): Promise<void>
  /** All of one room. */
  roomAccountData(session: Session, roomId: string): Promise<{ type: string; content: JsonObject }[]>
  /** The presence events of these users, as far as the session's user was told of them. */
  presenceOf(session: Session, userIds: string[]): Promise<(JsonObject & { type: string; sender: string })[]>
  /** Where a sync token stands in a room, for endpoints that accept one: `p<position>`. */
  positionOf(session: Session, token: string, roomId: string): Promise<string>
  /** The session's device asks for all members of a room. */
  membersLoaded(session: Session, roomId: string): Promise<void>
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
  /**
   * Stores what a device publishes, and answers how many one-time keys it has left.
   * @throws MatrixError M_INVALID_PARAM, M_INVALID_SIGNATURE: nothing of it was stored then
   */
  uploadKeys(session: Session, upload: KeyUpload): Promise<Record<string, number>>
  /** Of all devices, or of these. */
  publicKeys(deviceIds: string[]): Promise<PublicKeys>
  /** For the user's own queries: the user-signing key, and the signatures on the master keys of `userIds`. */
  privateKeys(session: Session, userIds: string[]): Promise<PrivateKeys>
  /** Hands out one-time keys, each once, or fallback keys: by device, `<algorithm>:<key id>`. */
  claimKeys(claims: KeyClaims): Promise<Record<string, Record<string, JsonValue>>>
  /** Answers whether the keys are stored; false: the user must prove who they are first. */
  uploadCrossSigning(session: Session, keys: CrossSigningKeys, confirmed: boolean): Promise<boolean>
  uploadSignatures(session: Session, upload: SignatureUpload): Promise<SignatureFailures>
  /** Whose devices changed since a sync token, and with whom no room is shared any more. */
  keyChanges(session: Session, from: string, to: string): Promise<{ changed: string[]; left: string[] }>
  /** Of these rooms, those in which the user has, or had, any membership. */
  knownRooms(roomIds: string[]): Promise<string[]>
  /** Whether the user is joined to one of these rooms. */
  isInAny(roomIds: string[]): Promise<boolean>
  /** @throws MatrixError M_NOT_FOUND where there is none; so do the two below */
  dehydratedDevice(session: Session): Promise<DehydratedDevice>
  putDehydratedDevice(session: Session, upload: DehydratedUpload): Promise<void>
  /** Answers its id. */
  deleteDehydratedDevice(session: Session): Promise<string>
  /** What came for it after a place. */
  dehydratedEvents(
    session: Session,
    deviceId: string,
    after: number,
    limit: number,
  ): Promise<DehydratedEvents>
  /** Makes the user's object again from the archive alone. Answers how many records it has. */
  rebuild(): Promise<number>
  /** Answers whether the Room may forget this subscriber. */
  wake(wake: Wake): Promise<{ unsubscribe: boolean }>
  /** The answer at once, or a WebSocket (status 101) on which it comes: see `workers/client/sync/sync.ts`. */
  sync(request: SyncRequest): Promise<Response>
}

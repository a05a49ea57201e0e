/** The User object, as the Workers and the Rooms call it. */

import type { JsonObject, JsonValue } from '../../protocol/events/canonical-json.ts'
import type { CrossSigningKeys } from '../../protocol/keys/cross-signing.ts'
import type { Profile } from '../../protocol/profile.ts'
import type { ThreadPlace } from '../room/timeline.ts'
import type {
  BackedUpKey,
  DehydratedDevice,
  DehydratedEvents,
  DehydratedUpload,
  KeyBackupState,
  KeyBackupVersion,
  KeyClaims,
  KeyPlace,
  KeyUpload,
  PrivateKeys,
  PublicKeys,
  SignatureFailures,
  SignatureUpload,
} from './keys.ts'
import type { PresenceState, PresenceValue } from './presence.ts'
import type { AccountStanding, Device, Session } from './session.ts'
import type { Pusher, PushNews, PushRuleChange, Thread, ThreadSubscription } from './settings.ts'
import type { MembershipChange, NotificationRooms, SyncRequest, VisitedRoom, Wake } from './sync.ts'
import type { ToDeviceMessage, ToDeviceParcel } from './to-device.ts'

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

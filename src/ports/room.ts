/** What is asked of a Room object, and what it answers. */

import type { JsonObject, JsonValue } from '../protocol/events/canonical-json.ts'
import type { ClientEvent } from '../protocol/events/event.ts'
import type { RoomEventFilter } from '../protocol/matching/filter.ts'
import type { PublicRoom } from '../protocol/rooms/room-summary.ts'
import type { NewState } from '../protocol/rooms/room-upgrade.ts'
import type { SpaceChild } from '../protocol/rooms/spaces.ts'
import type { Session } from './redis.ts'
import type { Receipt } from './room-sync.ts'

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
  replicated?: NewState[]
}

/** One page of what a user was notified of. */
export interface NotificationsRequest {
  /** Of the user's own push rules; absent: the default ones. */
  ruleset?: JsonObject
  ignored: string[]
  /** Only what comes before this, by time and then by event ID. */
  before?: { ts: number; eventId: string }
  limit: number
  onlyHighlights: boolean
}

export interface RoomNotification {
  roomId: string
  event: Omit<ClientEvent, 'room_id'>
  actions: JsonValue[]
  read: boolean
  /** ms since the epoch. */
  ts: number
}

/** A Room's part of a page: where it is cut, what is older than its last is yet to come. */
export interface NotificationsSlice {
  found: RoomNotification[]
  isCut: boolean
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
  /** The request has no body: it can only repeat an earlier one, known by its transaction id. */
  isBare?: boolean
  /** The delayed event whose time has come (MSC4140). */
  delayId?: string
  /** The content was written with numbers such as `1.0`, which JSON.parse does not tell from integers. */
  hasFloats?: boolean
  /** Of a redaction: the sender administers this server, and so may redact what its users have sent. */
  asAdministrator?: boolean
  /** Of one's own join: of the rooms that a restricted room names, those the sender is in. */
  joinedAllowRooms?: string[]
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
  /** As in `SendRequest`, of those keys. */
  hasFloats?: boolean
  /** The sender is a guest: they join only where `m.room.guest_access` lets them. */
  guest?: boolean
  /** Rooms of `restricted` conditions in which the Worker found the user joined. */
  joinedAllowRooms?: string[]
}

/** Where a slice of the state goes on: in the state just after `at`, behind what came into force up to `after`. */
export interface StateCursor {
  at: number
  after?: number
}

/** Which state events are wanted. */
export interface StateRequest {
  viewer: string
  /** `p<position>`: the state just before this place; absent: as far as the viewer is shown. */
  at?: string
  /** Where the slice before this one ended. */
  cursor?: StateCursor
  only?: 'm.room.member'
  membership?: string
  notMembership?: string
  filter?: RoomEventFilter
  /** Only what came into force after this position, but for `members`. */
  since?: number
  /** Of member events these users' alone, whenever they came. */
  members?: string[]
  /** Events that are shown elsewhere. */
  except?: string[]
  /** As sync shows them, without `room_id`, or as servers exchange them. */
  format?: 'sync' | 'federation'
}

/** A part of the state. */
export interface StateSlice {
  events: ClientEvent[]
  /** Absent behind the last one. */
  next?: StateCursor
}

export interface JoinedMembersSlice {
  joined: Record<string, { display_name: string | null; avatar_url: string | null }>
  next?: StateCursor
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
  /** The state that belongs to it; absent where the viewer is shown none. */
  state?: StateRequest
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
  receipts: Receipt[]
  /** Who is joined, where there are few. */
  members: string[]
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

/** What a subscription to a thread must know of its room (MSC4306), in the room's positions. */
export interface ThreadPlace {
  head: number
  /** Of the event by which a client subscribes on its own. */
  cause?: number
}

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

/** What is sent into a Room: events, memberships, and events for later. */
import type { JsonObject } from '../../protocol/events/canonical-json.ts'
import type { Profile } from '../../protocol/profile.ts'

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
  /** Of a redaction: events that relate to its target in these ways are redacted too; `*` stands for all (MSC3912). */
  withRelations?: string[]
  /** The request has no body: it can only repeat an earlier one, known by its transaction id. */
  isBare?: boolean
  /** The delayed event that is due (MSC4140). */
  delayId?: string
  /** The content was written with numbers such as `1.0`, which JSON.parse does not tell from integers. */
  hasFloats?: boolean
  /** Of a redaction: the sender administers this server, and so may redact what its users have sent. */
  asAdministrator?: boolean
  /** Of the sender's own join: those of the rooms that a restricted room names in which the sender is. */
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

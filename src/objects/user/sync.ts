/** What passes between Rooms, User objects and syncing clients. */

import type { JsonObject } from '../../protocol/events/canonical-json.ts'
import type { StrippedEvent } from '../../protocol/events/event.ts'
import type { Membership } from '../../protocol/rooms/membership.ts'
import type { Increment } from '../room/sync.ts'
import type { PresenceValue } from './presence.ts'
import type { Session } from './session.ts'

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
  /** Position of the member event in the room; 0 where another server told of it. */
  pos: number
  /**
   * Another server told of an invite or a knock, or the user went back on one, in a room in which no user of this server
   * is. It stands until a Room says more.
   */
  outside?: true
  membership: Membership
  /** The same membership as before: a profile change and the like. */
  unchanged: boolean
  eventId: string
  sender: string
  /**
   * For invite and knock: what the user sees of the room, their own member event included. For the end of one of which
   * another server told: the leave event.
   */
  strippedState?: StrippedEvent[]
  /** The user forgot the room. */
  forgotten?: boolean
  /** When the Room wrote it, ms. */
  at?: number
  /** For joins: the room that this one replaced; the user's settings move over from it. */
  predecessor?: string
}

/** How a user stands in a room, by the user's own list. */
export interface OwnMembership {
  membership: Membership
  /** Of the user's member event. */
  eventId: string
  /** Of an invite: who sent it. */
  inviter?: string
  /** Of an invite: the room's version, as the invite tells it. */
  roomVersion?: string
  /** Another server told of it, and no Room has since. */
  outside: boolean
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

export interface NotificationRooms {
  rooms: string[]
  ruleset?: JsonObject
  ignored: string[]
}

/** A room that a user may search: all of it, or up to the position at which they left. */
export interface VisitedRoom {
  roomId: string
  leftAt?: number
}

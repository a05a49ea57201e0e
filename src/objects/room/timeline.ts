/** Reading the events of a Room. */

import type { JsonObject, JsonValue } from '../../protocol/events/canonical-json.ts'
import type { ClientEvent } from '../../protocol/events/event.ts'
import type { RoomEventFilter } from '../../protocol/matching/filter.ts'
import type { Profile } from '../../protocol/profile.ts'
import type { Session } from '../user/session.ts'
import type { StateRequest } from './state.ts'

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

/** A Room's part of a page. If it is cut, events older than its last one are still to come. */
export interface NotificationsSlice {
  found: RoomNotification[]
  isCut: boolean
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
  /** Users whose messages the viewer does not want to see. */
  ignored?: string[]
}

export interface MessagesAnswer {
  chunk: ClientEvent[]
  start: string
  end?: string
  state?: ClientEvent[]
  /** Events that belong into this page and are not here: other servers may have them, and what is before them. */
  missing?: string[]
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

/** What a subscription to a thread must know of its room (MSC4306), in the room's positions. */
export interface ThreadPlace {
  head: number
  /** The event because of which a client subscribes on its own. */
  cause?: number
}

/** The event nearest to a moment, from it forwards or backwards. */
export interface MomentRequest {
  viewer: string
  ts: number
  dir: 'f' | 'b'
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

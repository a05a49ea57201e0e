/** What a Room tells syncing users: events, receipts, marks, and what they are counted by. */

import type { JsonObject } from '../../protocol/events/canonical-json.ts'
import type { ClientEvent } from '../../protocol/events/event.ts'
import type { RoomEventFilter } from '../../protocol/matching/filter.ts'
import type { HeroCandidates } from '../../protocol/rooms/heroes.ts'
import type { Membership } from '../../protocol/rooms/membership.ts'
import type { StateRequest } from './state.ts'

/** An event on its way to clients: made once for all who may see it. */
export interface TimelineEvent {
  pos: number
  /** Without `room_id`, `unsigned.age` and `unsigned.transaction_id`, which differ by request. */
  event: ClientEvent
  /** For the sending device alone. */
  txn?: { deviceId: string; txnId: string }
  /** For the sender alone: the delayed event that this one was (MSC4140). */
  delayId?: string
  /** The server made it in the sender's name, or sent it at another time than they asked, so they may not have read. */
  unattended?: true
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

/** A member with changed devices, or one that has left, and the position of that. */
export interface DeviceMark {
  userId: string
  pos: number
}

export interface DeviceMarks {
  /** Their devices have changed, or they have come. */
  changed: DeviceMark[]
  left: DeviceMark[]
}

/** A field of a member's profile that has changed; without one, any of them may have. */
export interface ProfileMark {
  userId: string
  pos: number
  field?: string
}

/** Everything visible in a room in (from, to]. */
export interface Increment {
  from: number
  to: number
  events: TimelineEvent[]
  /** The member events of the senders, for clients that load members lazily. */
  members: ClientEvent[]
  /** The users that are typing, if that changed. */
  typing?: string[]
  /** Member counts, if they may have changed. */
  counts?: { joined: number; invited: number }
  /** With `counts`, where the room has no name: the members it may be called after; each viewer leaves themselves out. */
  heroes?: HeroCandidates
  /** Public receipts. */
  receipts?: Receipt[]
  /** Given with events. */
  push?: PushFacts
  devices?: DeviceMarks
  profiles?: ProfileMark[]
}

/** What a Room needs to count what a user has not read. */
export interface UnreadRequest {
  /** Absent: the default rules. */
  ruleset?: JsonObject
  /** The position up to which the user's object has counted; if that is the head, there is no answer. */
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
  /** The viewer has come or gone since their last sync: everybody in the room counts as changed, or as left. */
  everyone?: boolean
  /** Whether later wakes are wanted: not for one-off reads. */
  subscribe: boolean
  /** Users whose messages the viewer does not want to see. */
  ignored?: string[]
  /** Given where counts are wanted. */
  unread?: UnreadRequest
  /** The timeline goes back to before `since`, to the event after this position. */
  timelineSince?: number
  /** The place of the room's marks, where it is another than `since`. */
  devicesSince?: number
  /** Which marks of profiles are wanted: those after `devicesSince`, or one of each member. */
  profiles?: 'changed' | 'everyone'
  /** With all state, and members that come with what they send: these members besides. */
  members?: string[]
  /** Whether the room's card is wanted. */
  card?: true
}

/** What a list of rooms is ordered and filtered by. */
export interface RoomCard {
  /** When the newest event was sent, ms. */
  newest: number
  /** When the newest event was sent that counts as activity, ms. */
  bump: number
  /** The type of the room; null: none. */
  type: string | null
  encrypted: boolean
  /** Of a space: the rooms that it names. */
  children?: string[]
}

export interface RoomSlice {
  /** The viewer's membership in the room now. */
  membership: Membership | null
  /** The position the answer stands at: the room's head, or the viewer's leave. */
  head: number
  events: TimelineEvent[]
  limited: boolean
  /** `p<position>` before the first event; without one, behind what the answer tells of. */
  prevBatch: string
  state: ClientEvent[]
  /** The rest of the state, where it is more than one answer carries. */
  rest?: StateRequest
  typing?: string[]
  counts?: { joined: number; invited: number }
  heroes?: string[]
  receipts?: Receipt[]
  devices?: DeviceMarks
  profiles?: ProfileMark[]
  /** The unread events that notify, as they stand at the head. */
  unread?: { events: UnreadEvent[]; displayName?: string }
  card?: RoomCard
}

/** State that an answer of sync leaves to be fetched from its Room, since it is more than the User object should hold. */
export interface RestOfState {
  /** The section of the answer that it belongs to; `sliding`: the room of an answer of sliding sync. */
  kind: 'join' | 'leave' | 'sliding'
  roomId: string
  request: StateRequest
  /** The fields of events that the client wants; absent: all. */
  fields?: string[]
}

/** Reading the state of a Room in slices. */
import type { ClientEvent } from '../../protocol/events/event.ts'
import type { RoomEventFilter } from '../../protocol/matching/filter.ts'

/** Where a slice of the state goes on: in the state just after `at`, after what came into force up to `after`. */
export interface StateCursor {
  at: number
  after?: number
  /** Of what came into force at `after`, the last event that was given, by their ids. */
  afterEvent?: string
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
  /** Only what came into force after this position. This does not apply to `members`. */
  since?: number
  /** Of member events only those of these users, whenever they came. */
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

/** A look at a Room without being synced: snapshots, summaries, previews. */

import type { ClientEvent } from '../../protocol/events/event.ts'
import type { Membership } from '../../protocol/rooms/membership.ts'
import type { PublicRoom } from '../../protocol/rooms/room-summary.ts'
import type { SpaceChild } from '../../protocol/rooms/spaces.ts'
import type { Receipt } from './sync.ts'
import type { MessagesAnswer } from './timeline.ts'

/** A room as the legacy initialSync endpoints show it. */
export interface RoomSnapshot {
  /** Null: the viewer only looks in. */
  membership: Membership | null
  messages: MessagesAnswer
  receipts: Receipt[]
  /** The joined members, where there are few. */
  members: string[]
}

/** What came in a room between two places. */
export interface PeekAnswer {
  start: string
  end: string
  chunk: ClientEvent[]
}

/** What a room tells outsiders of itself: Client-Server API §Room summaries. */
export interface RoomSummary extends PublicRoom {
  room_version: string
  encryption?: string
  /** Of restricted rooms: the rooms whose members may join. */
  allowed_room_ids?: string[]
}

export interface SummaryAnswer {
  summary: RoomSummary
  /** The viewer's own membership; null if nobody asks, or the viewer never had one. */
  membership: Membership | null
  /** Whether the viewer may know of the room, leaving aside what membership of `allowed_room_ids` would allow. */
  open: boolean
  /** Spaces: their children, in order. */
  children: SpaceChild[]
}

/** What a client asks for by sliding sync (MSC4186), the same for both forms of the endpoint. */
import type { RoomConfig } from '../../protocol/sliding/room-config.ts'
import type { PresenceValue } from './presence.ts'
import type { Session } from './session.ts'

/** Which rooms a list has. */
export interface ListFilters {
  is_dm?: boolean
  is_encrypted?: boolean
  is_invite?: boolean
  /** Null: no type. */
  room_types?: (string | null)[]
  not_room_types?: (string | null)[]
  spaces?: string[]
  tags?: string[]
  not_tags?: string[]
}

export interface SlidingList {
  /** From and to, both included; absent: all rooms. */
  ranges?: [number, number][]
  filters?: ListFilters
  /** An index of `configs`. */
  config: number
}

/** Which rooms an extension is for; absent fields: all lists, all subscriptions. `*` stands for all too. */
export interface Scope {
  lists?: string[]
  rooms?: string[]
}

/** MSC4262. "Before this MSC is accepted, implementations should use" this name. */
export const PROFILES = 'org.matrix.msc4262.profiles'

/** MSC4308: "Whilst this proposal is unstable" it has this name. */
export const THREADS = 'io.element.msc4308.thread_subscriptions'

export interface AskedProfiles extends Scope {
  /** Absent: all. */
  fields?: string[]
}

/** The extensions that a client has enabled. */
export interface SlidingExtensions {
  e2ee?: true
  /** `since`: the last message that the client has. */
  to_device?: { since?: number; limit?: number }
  account_data?: Scope
  receipts?: Scope
  typing?: Scope
  presence?: true
  [PROFILES]?: AskedProfiles
  /** How many changes at most. */
  [THREADS]?: { limit?: number }
}

export interface SlidingAsked {
  /** Which names the answer has: those of MSC4186 as it was accepted, or those from before. */
  form: 'unstable' | 'accepted'
  configs: RoomConfig[]
  lists: Record<string, SlidingList>
  /** By room, an index of `configs`. */
  rooms: Record<string, number>
  extensions: SlidingExtensions
}

export interface SlidingRequest {
  session: Session
  /** The connection's name. */
  conn: string
  pos?: string
  timeoutMs: number
  presence: PresenceValue
  txnId?: string
  asked: SlidingAsked
}

/** What a Room is made from, and what it is replaced by. */
import type { JsonObject } from '../../protocol/events/canonical-json.ts'
import type { Profile } from '../../protocol/profile.ts'
import type { NewState } from '../../protocol/rooms/room-upgrade.ts'

/** What an invitation must know of its target. */
export interface Invitee {
  /** Whether they take invitations from the user of the request. */
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
  /** Users of other servers, who are invited once there is the room: their servers are asked first. */
  inviteElsewhere?: string[]
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

/** What upgrading a room takes (Client-Server API §Room Upgrades). */
export interface UpgradeRequest {
  sender: string
  profile: Profile
  version: string
  additionalCreators: string[]
  /** Makes the new room's id one that nobody else has. */
  nonce: string
}

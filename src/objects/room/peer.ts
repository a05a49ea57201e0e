/** A Room as other objects call it. What a method does stands beside its row in the Room's tables. */
import type { Pdu } from '../../protocol/events/event.ts'
import type { Profile } from '../../protocol/profile.ts'
import type { NewState } from '../../protocol/rooms/room-upgrade.ts'
import type { PresenceState } from '../user/presence.ts'
import type { CreateRoomPlan } from './create.ts'
import type { OutgoingEvents, OutgoingRequest } from './outgoing.ts'
import type { MembershipRequest } from './send.ts'
import type { MarkReadRequest, PullRequest, RoomSlice, UnreadRequest } from './sync.ts'

/** Properties, not methods: of these the compiler compares the parameters with those of the rows. */
export interface RoomPeer {
  create: (createPdu: Pdu, roomVersion: string, plan: CreateRoomPlan) => Promise<{ roomId: string }>
  replicate: (sender: string, states: NewState[]) => Promise<void>
  changeMembership: (request: MembershipRequest) => Promise<string | undefined>
  updateProfile: (userId: string, profile: Profile, fields: string[]) => Promise<void>
  markErased: (userId: string) => Promise<void>
  markDevices: (userId: string) => Promise<void>
  setPushMember: (userId: string, wanted: boolean) => Promise<boolean>
  pull: (request: PullRequest) => Promise<RoomSlice>
  setTyping: (userId: string, typing: boolean, timeoutMs: number) => Promise<void>
  markRead: (request: MarkReadRequest) => Promise<{ fullyReadPos?: number }>
  announce: (state: PresenceState, met: boolean) => Promise<PresenceState[]>
  outgoingEvents: (request: OutgoingRequest) => Promise<OutgoingEvents>
  unread: (userId: string, request: UnreadRequest & { ignored: string[] }) => Promise<number>
}

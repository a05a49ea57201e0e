/** A User object as other objects call it. What a method does stands beside its row in the User object's tables. */
import type { JsonObject, JsonValue } from '../../protocol/events/canonical-json.ts'
import type { Profile } from '../../protocol/profile.ts'
import type { InvitePermission } from '../../protocol/rooms/invite-permission.ts'
import type { KeyClaims, PublicKeys } from './keys.ts'
import type { PresenceNews, PresenceState } from './presence.ts'
import type { AccountStanding } from './session.ts'
import type { PushNews } from './settings.ts'
import type { MembershipChange, Wake } from './sync.ts'
import type { ToDeviceParcel } from './to-device.ts'

/** Properties, not methods: of these the compiler compares the parameters with those of the rows. */
export interface UserPeer {
  membershipChanged: (change: MembershipChange) => Promise<void>
  wake: (wake: Wake) => Promise<{ unsubscribe: boolean }>
  wakeTogether: (wakes: Wake[]) => Promise<{ unsubscribe: boolean }[]>
  pushNews: (news: PushNews) => Promise<void>
  pushRead: (roomId: string) => Promise<void>
  standing: () => Promise<AccountStanding>
  hearPresences: (news: PresenceNews[]) => Promise<PresenceState>
  takeToDevice: (sender: string, parcels: ToDeviceParcel[]) => Promise<void>
  isInAny: (roomIds: string[]) => Promise<boolean>
  publicKeys: (deviceIds: string[]) => Promise<PublicKeys>
  claimKeys: (claims: KeyClaims) => Promise<Record<string, Record<string, JsonValue>>>
  invitePermission: (sender: string) => Promise<InvitePermission>
  profile: () => Promise<Profile>
  profileFields: (fields?: string[]) => Promise<JsonObject>
}

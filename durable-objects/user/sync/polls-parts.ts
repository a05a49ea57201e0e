/** What the syncing half of a User object asks of the rest. */
import type { PresenceState } from '../../../src/objects/user/presence.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type { RoomActivity } from '../../../src/ports/archive.ts'
import type { Metrics } from '../../../src/ports/metrics.ts'
import type { Clock, Random } from '../../../src/ports/system.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { PresenceParts } from '../presence/presence.ts'
import type { AccountDataEvent } from '../settings/account-data.ts'
import type { UserRoom } from './memberships.ts'
import type { PullRooms } from './pull-transport.ts'
import type { StoredFilters } from './query.ts'
import type { Admission } from './streams/admission.ts'

export interface SyncPollsParts extends StoredFilters {
  ctx: DurableObjectState
  sql: SqlStorage
  userId: string
  clock: Clock
  metrics: Metrics
  random: Pick<Random, 'token'>
  pullRooms: PullRooms
  admission: Admission
  own: () => number
  accountData: (since: number | undefined) => AccountDataEvent[]
  /** One value of it: of a room, or of none. */
  data: (roomId: string | null, type: string) => JsonObject | undefined
  /** Users whose messages are not shown. */
  ignored: () => ReadonlySet<string>
  /** Whether an invite that is there is not shown. */
  hidesInvite: (room: UserRoom) => boolean
  /** What the archive has of these rooms: nothing, where it does not answer soon. */
  activity: (roomIds: string[]) => Promise<RoomActivity[]>
  /** What these users have in their profiles, or in these fields, in their order; undefined for one that was not reached. */
  profiles: (userIds: string[], fields: string[] | undefined) => Promise<(JsonObject | undefined)[]>
  /** Those of the given users that share no room with this one any more. */
  strangers: (userIds: string[]) => Promise<string[]>
  /** Passes a session that is alive. @throws MatrixError M_UNKNOWN_TOKEN, M_USER_LOCKED */
  check: (session: Session) => void
  transaction: <T>(work: () => T) => T
  /** Has the alarm end streams whose tokens have expired, at a time (ms) at the latest. */
  armStreams: (at: number) => void
  presence: Pick<PresenceParts, 'enabled' | 'timeoutMs' | 'arm' | 'hidden' | 'meet' | 'told'> & {
    tell: (roomIds: string[], state: PresenceState) => Promise<PresenceState[]>
    /** Waits for `work`, but no longer than a first sync may. */
    patiently: (work: Promise<unknown>) => Promise<unknown>
  }
}

/** What the RPC tables of a User object need of it. */
import type { Session } from '../../src/objects/user/session.ts'
import type { Ports } from '../../src/ports/ports.ts'
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import type { Timers } from '../timers.ts'
import type { Changes, UserAccount } from './account/account.ts'
import type { DeviceChange } from './account/devices.ts'
import type { UserJob } from './jobs.ts'
import type { DeviceLists } from './keys/device-lists.ts'
import type { Outbox } from './outbox.ts'
import type { Pushes } from './push/pushes.ts'
import type { RoomSettings } from './settings/room-settings.ts'
import type { SyncPolls } from './sync/sync-polls.ts'

export interface UserHost {
  sql: SqlStorage
  ports: Ports
  account: UserAccount
  userId: () => string
  /** Everything sync needs, read at the first call that does. */
  polls: () => SyncPolls
  /** To-device messages on their way to others. */
  outbox: Outbox
  timers: () => Timers<UserJob>
  /** What account data means for rooms. */
  roomSettings: RoomSettings
  /** Stores a filter, and answers its id. */
  storeFilter: (filter: JsonObject) => string
  /** The next place in the user's own log; to be called inside a mutation. One row. */
  nextOwn: () => number
  /** Runs one transaction; what it changes reaches the archive, and what it ends reaches Redis. */
  mutate: <T>(work: () => Changes & { value: T }) => T
  /** Ends sessions by a mutation, and answers once Redis knows. */
  endSessions: (work: () => DeviceChange) => Promise<void>
  /** Runs one transaction that is no change of the user's own. */
  transaction: <T>(work: () => T) => T
  /** Has jobs run at once, from the alarm. */
  armNow: (...jobs: UserJob[]) => void
  deviceLists: DeviceLists
  /** What the user's pushers are told of. */
  pushes: Pushes
  /** Tests: may end the object between what it has committed and its answer. */
  beforeAnswer: () => Promise<void>
  /** Tests: may end the object in place of its answer to a wake. */
  afterWake: <T>(answer: T) => T | Promise<never>
  /** Tells Redis of what has ended, for as long as it listens. */
  flushSessions: () => Promise<unknown>
  /** Vouches for a session in Redis. */
  vouchFor: (session: Session) => void
}

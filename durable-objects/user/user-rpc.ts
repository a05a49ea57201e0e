/**
 * What every part of the User object's RPC surface stands on. The parts form one chain of classes, a feature each,
 * since a runtime calls only methods of the object's own class: `User` is the last, and makes the host.
 */
import { DurableObject } from 'cloudflare:workers'
import type { Env } from '../../src/env.ts'
import type { Session } from '../../src/objects/user/session.ts'
import type { Ports } from '../../src/ports/ports.ts'
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import { type RpcResult, toResult } from '../rpc.ts'
import type { Timers } from '../timers.ts'
import type { Changes, UserAccount } from './account/account.ts'
import type { DeviceChange } from './account/devices.ts'
import type { UserJob } from './jobs.ts'
import type { Outbox } from './outbox.ts'
import type { Pushes } from './push/pushes.ts'
import type { RoomLife } from './settings/room-life.ts'
import type { SyncPolls } from './sync/sync-polls.ts'

/** What the parts need of the object they belong to. */
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
  roomLife: RoomLife
  /** Stores a filter, and answers its id. */
  storeFilter: (filter: JsonObject) => string
  /** The next place in the user's own log; to be called inside a mutation. One row. */
  nextOwn: () => number
  /** Runs one transaction; what it changes reaches the archive, and what it ends reaches Redis. */
  mutate: <T>(work: () => Changes & { value: T }) => T
  /** Ends sessions by a mutation, and answers once Redis knows. */
  endSessions: (work: () => DeviceChange) => Promise<RpcResult<void>>
  /** What the user's pushers are told. */
  pushes: Pushes
  /** Tests: may end the object between what it has committed and its answer. */
  beforeAnswer: () => Promise<void>
  /** Tells Redis of what has ended, for as long as it listens. */
  flushSessions: () => Promise<void>
  /** Vouches for a session in Redis. */
  vouchFor: (session: Session) => void
}

export abstract class UserRpc extends DurableObject<Env> {
  protected abstract get host(): UserHost

  /** For the requests of a client: its session is checked here, and asks no Redis. */
  protected checked<T>(session: Session, work: () => T): RpcResult<T> {
    return toResult(() => {
      this.host.account.check(session)
      return work()
    })
  }
}

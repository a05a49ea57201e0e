/** What a User object is made of, and how it is put together. */
import { takeFault } from '../../src/faults.ts'
import type { Ports } from '../../src/ports/ports.ts'
import { partitionOf } from '../../src/protocol/event-stream.ts'
import { type Consumer, namesOf, spreadDelay } from '../consumer.ts'
import type { Peers } from '../peers.ts'
import { beginInGeneration, enterGeneration } from '../restore.ts'
import { countingStorage, type LazyStorage, lazyStorage } from '../sqlite.ts'
import { Timers } from '../timers.ts'
import type { PlannedAbort } from './abort.ts'
import { UserAccount } from './account/account.ts'
import { SessionCopies } from './account/sessions.ts'
import { type UserChanged, userConsumers } from './consumers.ts'
import { EventOutbox } from './event-outbox.ts'
import type { UserHost } from './host.ts'
import { type UserJob, userJobs } from './jobs.ts'
import { DeviceLists } from './keys/device-lists.ts'
import { UserLog } from './log.ts'
import { Outbox } from './outbox.ts'
import { removePusher } from './push/pushers.ts'
import { Pushes } from './push/pushes.ts'
import { renewUser } from './renew.ts'
import { USER_MIGRATIONS } from './schema.ts'
import { RoomSettings } from './settings/room-settings.ts'

/** Put together at the object's first use, since a constructor that throws loses alarms. */
export interface UserParts {
  storage: LazyStorage
  timers: Timers<UserJob>
  /** How long the archive waits for company, ms. */
  archiveDelayMs: number
  /** What the alarm runs; some of it follows each mutation. */
  jobs: readonly Consumer<UserJob, UserChanged>[]
  sessions: SessionCopies
  account: UserAccount
  roomSettings: RoomSettings
  deviceLists: DeviceLists
  pushes: Pushes
  log: UserLog
  events: EventOutbox
  host: UserHost
}

/** What the parts may ask of the object they are parts of. */
export interface UserInside
  extends Pick<
    UserHost,
    'userId' | 'polls' | 'nextOwn' | 'storeFilter' | 'transaction' | 'mutate' | 'endSessions' | 'armNow'
  > {
  /** The object's own, whatever it is named after. */
  id: string
  storage: DurableObjectStorage
  ports: Ports
  peers: () => Peers
  waitUntil: (work: Promise<unknown>) => void
  plannedAbort: PlannedAbort
  countUnread: (roomId: string) => Promise<number>
  /** Runs a transaction that makes the tables anew: what is in memory is void. */
  replace: (work: () => void) => void
}

/** Puts a User object together. Everything here takes constant time, whatever the user has. */
export function assembleUser(user: UserInside): UserParts {
  const { ports, userId, polls, nextOwn, mutate, transaction } = user
  const { calls, clock, config } = ports
  const counted = config.testHooks
    ? countingStorage(user.storage, (rows, n) => calls.count(`user.${rows}`, n))
    : user.storage
  const { generation } = config
  const storage = lazyStorage(counted, USER_MIGRATIONS, (made) => beginInGeneration(made, generation))
  if (storage.hasTables) enterGeneration(storage, generation, () => renewUser(storage.sql, clock.now()))
  const { sql } = storage
  const now = () => clock.now()
  const log = new UserLog({ sql, userId, archive: ports.archive, now })
  const sessions = new SessionCopies(sql, ports.sessions, now)
  const account = new UserAccount({
    sql,
    userId,
    ports,
    objects: user.peers,
    memberships: () => polls().memberships,
    mutate,
    nextOwn,
    serve: () => polls().serve(),
    runJob: (job, inMs = 0) => timers.arm(job, clock.now() + inMs),
    watched: (roomId) => pushes.countAnew(roomId),
  })
  const deviceLists = new DeviceLists({
    sql,
    userId,
    now,
    nextOwn,
    joinedRooms: () => polls().memberships.joinedRooms(),
    jobs: () => account.jobs,
  })
  const outbox = new Outbox({
    sql,
    userId,
    inbox: () => polls().inbox,
    now,
    user: (userId) => user.peers().user(userId),
  })
  const roomSettings = new RoomSettings({
    sql,
    userId,
    ports,
    log,
    nextOwn,
    mutate,
    replace: user.replace,
  })
  const pushes = new Pushes({
    sql,
    userId,
    gateway: ports.push,
    joinedRooms: () => polls().memberships.joinedRooms(),
    countUnread: user.countUnread,
    arm: (at) => timers.arm('push', at),
    now,
    transaction,
    refused: (appId, pushkey) => {
      mutate(() => ({ value: undefined, archive: removePusher(sql, appId, pushkey) }))
    },
  })
  const events = new EventOutbox({
    sql,
    userId,
    on: config.eventStream.on,
    now,
    deliver: (delivery) => user.peers().partition(partitionOf(userId())).append([delivery]),
    arm: (at) => timers.arm('events', at),
  })
  const consumers = userConsumers({
    log,
    events,
    sessions,
    outbox,
    pushes,
    roomJobs: account.jobs,
    waitUntil: user.waitUntil,
  })
  const jobs = userJobs({
    consumers,
    presence: () => polls().presence,
    streams: () => polls().streams,
    account,
  })
  const timers = new Timers<UserJob>({
    storage,
    clock,
    jobs,
    onError: (job, error) =>
      ports.log.trouble(`user.${job}`, 'user job failed', { job, error: String(error) }),
    following: ports.backlogs.of('user', user.id, namesOf(consumers)),
  })
  const host: UserHost = {
    sql,
    ports,
    account,
    outbox,
    timers: () => timers,
    roomSettings,
    userId,
    polls,
    storeFilter: user.storeFilter,
    nextOwn,
    pushes,
    mutate,
    endSessions: user.endSessions,
    flushSessions: () => sessions.flush().catch(() => undefined),
    transaction,
    armNow: user.armNow,
    deviceLists,
    afterWake: (answer) => (takeFault('user:abort-after-wake') ? user.plannedAbort.run() : answer),
    beforeAnswer: async () => (takeFault('user:abort-after-commit') ? user.plannedAbort.run() : undefined),
    vouchFor: (session) => user.waitUntil(sessions.copy(session)),
  }
  if (storage.hasTables) timers.recover()
  const archiveDelayMs = spreadDelay(config.archiveDelayMs, ports.random)
  return {
    storage,
    timers,
    archiveDelayMs,
    jobs,
    sessions,
    account,
    roomSettings,
    deviceLists,
    pushes,
    log,
    events,
    host,
  }
}

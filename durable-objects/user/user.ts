/** The User object: the one owner of a user's sessions, rooms and account data; it composes sync and holds its polls. */
import { DurableObject } from 'cloudflare:workers'
import { portsOf } from '../../src/context.ts'
import type { Env } from '../../src/env.ts'
import { takeFault } from '../../src/faults.ts'
import type { SlidingRequest } from '../../src/objects/user/sliding.ts'
import type { StreamRequest } from '../../src/objects/user/stream.ts'
import type { SyncRequest } from '../../src/objects/user/sync.ts'
import { patiently } from '../../src/patience.ts'
import type { Ports } from '../../src/ports/ports.ts'
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import { answerAlarm } from '../answer-alarm.ts'
import { follow } from '../consumer.ts'
import { idOfName, peersOf } from '../peers.ts'
import { responseOf, toResult } from '../rpc.ts'
import { installRpc } from '../rpc-table.ts'
import { readMeta, writeMeta } from '../sqlite.ts'
import { answerRequest } from '../traced.ts'
import { PlannedAbort } from './abort.ts'
import type { Changes } from './account/account.ts'
import { deviceIds } from './account/device-rows.ts'
import type { DeviceChange } from './account/devices.ts'
import type { UserJob } from './jobs.ts'
import { receivingDevices } from './keys/dehydrated.ts'
import { dropStrayTransactions } from './outbox.ts'
import { assembleUser, type UserInside, type UserParts } from './parts.ts'
import { announcePresence } from './presence/presence-exchange.ts'
import { storedRuleset } from './push/push-rules.ts'
import { dropPushersWith } from './push/pushers.ts'
import { changesPushes } from './push/pushes.ts'
import { userRpc } from './rpc.ts'
import { accountDataSince, dropDataOfDevices, findAccountData } from './settings/account-data.ts'
import { getFilter, putFilter } from './settings/filters.ts'
import { ignoredUsers } from './settings/ignored-users.ts'
import { Incoming } from './stream/incoming.ts'
import { STREAM_TAG } from './stream/sockets.ts'
import { dropStrayEpochs } from './sync/head-store.ts'
import { hidesInvite } from './sync/invites.ts'
import { pulling } from './sync/pull-transport.ts'
import { activityIn } from './sync/sliding/activity.ts'
import { dropStrayConnections, epochHolders } from './sync/sliding/store.ts'
import { SyncPolls } from './sync/sync-polls.ts'
import { dropStrayMessages } from './to-device/inbox.ts'

/** How long a first sync waits for the presence of the people around, ms. */
const PRESENCE_PATIENCE_MS = 300

export class User extends DurableObject<Env> {
  static {
    installRpc(User, 'user', userRpc, {
      partsOf: (user) => user.#parts.host,
      check: ({ account }, session) => account.check(session),
      stored: (user) => user.ctx.storage.sync(),
    })
  }

  #made: UserParts | undefined
  #syncPolls: SyncPolls | undefined
  #ownPos: number | undefined
  readonly #incoming = new Incoming({
    host: () => this.#parts.host,
    room: (roomId) => peersOf(this.env, this.#ports.calls).room(roomId),
  })
  readonly #plannedAbort = new PlannedAbort(this.ctx)

  get #parts(): UserParts {
    this.#made ??= assembleUser(this.#inside)
    return this.#made
  }

  /** What the parts may ask of the object they are parts of. */
  get #inside(): UserInside {
    const { ctx, env } = this
    const ports = this.#ports
    return {
      id: ctx.id.toString(),
      storage: ctx.storage,
      ports,
      peers: () => peersOf(env, ports.calls),
      waitUntil: (work) => ctx.waitUntil(work),
      plannedAbort: this.#plannedAbort,
      userId: () => this.#userId,
      polls: () => this.#polls,
      nextOwn: () => this.#nextOwn(),
      storeFilter: (filter) => this.#storeFilter(filter),
      countUnread: (roomId) => this.#countUnread(roomId),
      transaction: (work) => this.#transaction(work),
      mutate: (work) => this.#mutate(work),
      replace: (work) => this.#replace(work),
      endSessions: (work) => this.#endSessions(work),
      armNow: (...jobs) => this.#armNow(...jobs),
    }
  }

  get #ports(): Ports {
    return portsOf(this.env)
  }

  /**
   * `/sync` and sliding sync: the answer, or a socket on which it comes; and a stream. Errors are rendered here, since
   * no RPC carries them.
   */
  override async fetch(request: Request): Promise<Response> {
    await this.#plannedAbort.holdUp()
    return answerRequest(request, 'user', this.#answer.bind(this), () => this.ctx.storage.sync())
  }

  async #answer(method: string, given: unknown): Promise<Response> {
    const answer = toResult(() => {
      const asked = given as SyncRequest | SlidingRequest | StreamRequest
      this.#parts.account.check(asked.session)
      const polls = this.#polls
      if (method === 'stream') return polls.streams.open(asked as StreamRequest)
      return method === 'slide' ? polls.slide(asked as SlidingRequest) : polls.sync(asked as SyncRequest)
    })
    return responseOf(await answer)
  }

  /** On the socket of a poll the Worker only listens. */
  override async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    if (this.#isStream(socket)) await this.#incoming.take(socket, data)
  }

  override webSocketClose(socket: WebSocket): void {
    const { sockets, streams } = this.#polls
    if (this.#isStream(socket)) streams.sockets.closed(socket)
    else sockets.closed(socket)
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket)
  }

  override async alarm(): Promise<void> {
    await answerAlarm(this.ctx.storage, () => this.#parts.timers.fire())
    this.#ports.gathered?.flush()
  }

  // ------------------------------------------------------------ inside

  #isStream(socket: WebSocket): boolean {
    return this.ctx.getTags(socket).includes(STREAM_TAG)
  }

  get #sql(): SqlStorage {
    return this.#parts.storage.sql
  }

  /** Kept in `meta` too: some versions of the runtime do not tell an alarm the object's name. */
  get #userId(): string {
    const { name } = this.ctx.id
    if (name !== undefined) return idOfName(name)
    const stored = readMeta<string>(this.#sql, 'user_id')
    if (stored === undefined) throw new Error('This User object does not know its name')
    return stored
  }

  /** Everything sync needs, read at the first call that does. */
  get #polls(): SyncPolls {
    this.#syncPolls ??= new SyncPolls({
      ctx: this.ctx,
      sql: this.#sql,
      userId: this.#userId,
      clock: this.#ports.clock,
      metrics: this.#ports.metrics,
      random: this.#ports.random,
      ...pulling(peersOf(this.env, this.#ports.calls), this.#ports),
      own: () => this.#own,
      accountData: (since) => accountDataSince(this.#sql, this.#userId, since),
      data: (roomId, type) => findAccountData(this.#sql, roomId, type),
      filter: (id) => getFilter(this.#sql, id),
      storeFilter: (filter) => this.#storeFilter(filter),
      check: (session) => this.#parts.account.check(session),
      transaction: (work) => this.#transaction(work),
      ignored: () => ignoredUsers(this.#sql, this.#userId),
      hidesInvite: (room) => hidesInvite(this.#sql, this.#userId, room),
      strangers: (userIds) => this.#strangers(userIds),
      activity: (roomIds) => activityIn(this.#ports.archiveReader, roomIds),
      profiles: (userIds, fields) => peersOf(this.env, this.#ports.calls).profiles(userIds, fields),
      armStreams: (at) => this.#parts.timers.arm('streams', at),
      presence: {
        enabled: this.#ports.config.presence,
        timeoutMs: this.#ports.config.presenceTimeoutMs,
        arm: (at) => this.#parts.timers.arm('presence', at),
        hidden: () => this.#parts.account.standing.suspended,
        told: (state) => this.#parts.events.notePresence(state),
        tell: (roomIds, state) => announcePresence(peersOf(this.env, this.#ports.calls), roomIds, state),
        meet: (roomId, state) =>
          announcePresence(peersOf(this.env, this.#ports.calls), [roomId], state, true),
        patiently: (work) => patiently(PRESENCE_PATIENCE_MS, work),
      },
    })
    return this.#syncPolls
  }

  /** Those of these users that are in none of this user's rooms. */
  #strangers(userIds: string[]): Promise<string[]> {
    return peersOf(this.env, this.#ports.calls).strangers(userIds, this.#polls.memberships.joinedRooms())
  }

  #countUnread(roomId: string): Promise<number> {
    const request = { ignored: [...ignoredUsers(this.#sql, this.#userId)], ruleset: storedRuleset(this.#sql) }
    return peersOf(this.env, this.#ports.calls).room(roomId).unread(this.#userId, request)
  }

  #storeFilter(filter: JsonObject): string {
    return this.#mutate(() => {
      const { filterId, archive } = putFilter(this.#sql, filter, this.#ports.config.quotas)
      return { value: filterId, archive }
    })
  }

  /** The newest position of the user's own log. */
  get #own(): number {
    this.#ownPos ??= readMeta<number>(this.#sql, 'own') ?? 0
    return this.#ownPos
  }

  /** The next one; call it inside a transaction. One row. */
  #nextOwn(): number {
    const next = this.#own + 1
    writeMeta(this.#sql, 'own', next)
    this.#ownPos = next
    return next
  }

  /** What is in memory belongs to tables that are gone; waiting clients are told that everything is new. */
  #replace(work: () => void): void {
    this.#transaction(() => {
      work()
      writeMeta(this.#sql, 'user_id', this.#userId)
      this.#parts.pushes.countAnew()
    })
    this.#ownPos = undefined
    this.#syncPolls = undefined
    this.#polls.serve()
  }

  #transaction<T>(work: () => T): T {
    try {
      const value = this.#parts.storage.transactionSync(work)
      this.#parts.account.forget()
      this.#syncPolls?.keysChanged()
      return value
    } catch (error) {
      // Memory follows the tables again, which the exception rolled back.
      this.#ownPos = undefined
      this.#parts.account.forget()
      this.#syncPolls = undefined
      throw error
    }
  }

  /** Runs one transaction; what it changes reaches the archive, and what it ends reaches Redis. */
  #mutate<T>(work: () => Changes & { value: T }): T {
    const mutated = this.#transaction(() => {
      const done = work()
      const { archive: keys, changed } = this.#parts.deviceLists.settle(done)
      const pushers = dropPushersWith(this.#sql, done.archive)
      const settings = dropDataOfDevices(this.#sql, done.archive)
      const pushes = [...done.archive, ...pushers].some(({ kind }) => kind === 'pusher')
      if (pushes) this.#parts.account.jobs.add('push', this.#polls.memberships.joinedRooms())
      const counts = changesPushes(done.archive)
      if (counts) this.#parts.pushes.settingsChanged()
      this.#parts.log.append([...done.archive, ...keys, ...pushers, ...settings], this.#ports.clock.now())
      this.#parts.events.note(done.archive)
      this.#parts.sessions.revoke(done.revoked ?? [])
      if (done.revoked?.length) {
        const devices = deviceIds(this.#sql)
        dropStrayMessages(this.#sql, receivingDevices(this.#sql))
        dropStrayTransactions(this.#sql, devices)
        dropStrayConnections(this.#sql, devices)
        dropStrayEpochs(this.#sql, new Set([...devices, ...epochHolders(this.#sql)]))
      }
      // A message that another user leaves here does not count as use: see `Kept`.
      const isUse = done.archive.length > 0 && this.#parts.storage.hasTables
      if (isUse && readMeta(this.#sql, 'user_id') === undefined) writeMeta(this.#sql, 'user_id', this.#userId)
      return { ...done, changed: changed || pushes, counts }
    })
    const { value, revoked, changed, counts } = mutated
    const { jobs, timers, archiveDelayMs } = this.#parts
    const now = this.#ports.clock.now()
    follow(jobs, mutated, timers, { now, soon: now + archiveDelayMs })
    if (counts) this.#syncPolls?.settingsChanged()
    if (revoked !== undefined && revoked.length > 0) this.#polls.endSessions(new Set(revoked))
    if (changed) this.#polls.serve()
    return value
  }

  #armNow(...jobs: UserJob[]): void {
    for (const job of jobs) this.#parts.timers.arm(job, this.#ports.clock.now())
  }

  /** Revocation writes the device row first, then Redis; the answer waits for both, but no longer than Redis lets it. */
  async #endSessions(work: () => DeviceChange): Promise<void> {
    this.#mutate(() => ({ value: undefined, ...work() }))
    if (takeFault('user:abort-after-commit')) await this.#plannedAbort.run()
    await this.#parts.sessions.flush().catch(() => undefined)
  }
}

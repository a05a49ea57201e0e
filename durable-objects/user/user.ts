/** The User object: the one owner of a user's sessions, rooms and account data; it composes sync and holds its polls. */
import { DurableObject } from 'cloudflare:workers'
import { portsOf } from '../../src/context.ts'
import type { Env } from '../../src/env.ts'
import { takeFault } from '../../src/faults.ts'
import type {
  MembershipChange,
  Ports,
  Session,
  SyncRequest,
  UserGateway,
  UserLogEntry,
  Wake,
} from '../../src/ports.ts'
import type { JsonObject } from '../../src/protocol/canonical-json.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { type RpcResult, toResult, toResultAsync } from '../rpc.ts'
import { countingStorage, migrate, type ObjectStorage, readMeta, writeMeta } from '../sqlite.ts'
import { idOfName, objectsOf, type RpcSide } from '../stubs.ts'
import { Timers } from '../timers.ts'
import { accountDataSince, getAccountData, putAccountData } from './account-data.ts'
import * as devices from './devices.ts'
import { getFilter, putFilter } from './filters.ts'
import { UserLog } from './log.ts'
import { pullRooms } from './pull-transport.ts'
import { USER_MIGRATIONS } from './schema.ts'
import { SessionCopies } from './sessions.ts'
import { SyncPolls } from './sync-polls.ts'

/** What a mutation leaves to the consumers. */
interface Changes {
  archive: readonly Omit<UserLogEntry, 'seq'>[]
  revoked?: readonly string[]
}

export class User extends DurableObject<Env> implements RpcSide<UserGateway> {
  readonly #ports: Ports
  readonly #storage: ObjectStorage
  readonly #timers: Timers
  readonly #log: UserLog
  readonly #sessions: SessionCopies
  #syncPolls: SyncPolls | undefined
  #ownPos: number | undefined

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#ports = portsOf(env)
    const { calls, clock, config, log, archive, sessions } = this.#ports
    this.#storage = config.testHooks
      ? countingStorage(ctx.storage, (rows) => calls.count('user.rows_written', rows))
      : ctx.storage
    migrate(this.#storage, USER_MIGRATIONS)
    this.#log = new UserLog(this.#storage.sql)
    this.#sessions = new SessionCopies(this.#storage.sql, sessions)
    this.#timers = new Timers(
      this.#storage,
      clock,
      [
        { name: 'archive', run: async () => (await this.#log.flush(this.#userId, archive)) as undefined },
        { name: 'sessions', run: async () => (await this.#sessions.flush()) as undefined },
      ],
      (job, error) => log.warn('user job failed', { job, error: String(error) }),
    )
  }

  // ------------------------------------------------------------ sessions and devices

  openSession(request: { deviceId?: string; displayName?: string; address?: string }): RpcResult<Session> {
    return toResult(() => {
      const { clock, random } = this.#ports
      const context = { now: clock.now(), random }
      return this.#mutate(() => {
        const { session, archive, revoked } = devices.openSession(this.#sql, this.#userId, request, context)
        return { value: session, archive, revoked }
      })
    })
  }

  checkSession(session: Session): RpcResult<void> {
    return toResult(() => {
      this.#check(session)
      this.ctx.waitUntil(this.#sessions.copy(session))
    })
  }

  logout(session: Session) {
    return this.#endSessions(() => devices.logout(this.#sql, session))
  }

  logoutAll(session: Session) {
    return this.#endSessions(() => devices.logoutAll(this.#sql, session))
  }

  devices(session: Session) {
    return this.#checked(session, () => devices.listDevices(this.#sql))
  }

  device(session: Session, deviceId: string) {
    return this.#checked(session, () => devices.getDevice(this.#sql, deviceId))
  }

  renameDevice(session: Session, deviceId: string, displayName: string): RpcResult<void> {
    return this.#checked(session, () =>
      this.#mutate(() => ({ value: undefined, ...devices.renameDevice(this.#sql, deviceId, displayName) })),
    )
  }

  profile() {
    return toResult(() => ({}))
  }

  // ------------------------------------------------------------ filters and account data

  putFilter(session: Session, filter: JsonObject): RpcResult<string> {
    return this.#checked(session, () => this.#storeFilter(filter))
  }

  getFilter(session: Session, filterId: string) {
    return this.#checked(session, () => getFilter(this.#sql, filterId))
  }

  putAccountData(session: Session, roomId: string | null, type: string, content: JsonObject) {
    return this.#checked(session, () => {
      const change = { roomId, type, content }
      this.#mutate(() => ({ value: undefined, ...putAccountData(this.#sql, change, () => this.#nextOwn()) }))
      this.#polls.serve()
    })
  }

  getAccountData(session: Session, roomId: string | null, type: string) {
    return this.#checked(session, () => getAccountData(this.#sql, this.#userId, roomId, type))
  }

  // ------------------------------------------------------------ rooms and sync

  joinedRooms(session: Session) {
    return this.#checked(session, () => this.#polls.memberships.joinedRooms())
  }

  positionOf(session: Session, token: string, roomId: string) {
    return this.#checked(session, () => this.#polls.positionOf(token, roomId))
  }

  membershipChanged(change: MembershipChange): RpcResult<void> {
    return toResult(() => {
      const polls = this.#polls
      this.#transaction(() => polls.memberships.apply(change, () => this.#nextOwn()))
      polls.membershipApplied(change)
    })
  }

  wake(wake: Wake): RpcResult<{ unsubscribe: boolean }> | Promise<never> {
    const result = toResult(() => this.#polls.wake(wake))
    return takeFault('user:abort-after-wake') ? this.#abort() : result
  }

  /** `/sync`: the answer, or a socket on which it comes. Errors are rendered here, since no RPC carries them. */
  override async fetch(request: Request): Promise<Response> {
    const result = await toResultAsync(async () => {
      const query = new URL(request.url).searchParams.get('request') ?? ''
      const sync = JSON.parse(query) as SyncRequest
      this.#check(sync.session)
      return this.#polls.sync(sync)
    })
    if (result.ok) return result.value
    const { errcode, message, status, extra } = result.error
    return Response.json({ errcode, error: message, ...extra }, { status })
  }

  override webSocketMessage(): void {
    // The Worker only listens.
  }

  override webSocketClose(socket: WebSocket): void {
    this.#polls.sockets.closed(socket)
  }

  override webSocketError(socket: WebSocket): void {
    this.#polls.sockets.closed(socket)
  }

  override async alarm(): Promise<void> {
    await this.#timers.fire()
  }

  // ------------------------------------------------------------ inside

  get #sql(): SqlStorage {
    return this.#storage.sql
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
      pullRooms: pullRooms(this.env, objectsOf(this.env, this.#ports.calls)),
      own: () => this.#own,
      accountData: (since) => accountDataSince(this.#sql, this.#userId, since),
      filter: (id) => getFilter(this.#sql, id),
      storeFilter: (filter) => this.#storeFilter(filter),
      transaction: (work) => this.#transaction(work),
    })
    return this.#syncPolls
  }

  #storeFilter(filter: JsonObject): string {
    return this.#mutate(() => {
      const { filterId, archive } = putFilter(this.#sql, filter)
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

  /** @throws MatrixError M_UNKNOWN_TOKEN */
  #check(session: Session): void {
    devices.checkSession(this.#sql, session, this.#ports.clock.now())
  }

  #checked<T>(session: Session, work: () => T): RpcResult<T> {
    return toResult(() => {
      this.#check(session)
      return work()
    })
  }

  #transaction<T>(work: () => T): T {
    try {
      return this.#storage.transactionSync(work)
    } catch (error) {
      // Memory follows the tables again, which the exception rolled back.
      this.#ownPos = undefined
      this.#syncPolls = undefined
      throw error
    }
  }

  /** Runs one transaction; what it changes reaches the archive, and what it ends reaches Redis. */
  #mutate<T>(work: () => Changes & { value: T }): T {
    const { value, archive, revoked } = this.#transaction(() => {
      const done = work()
      this.#log.append(done.archive, this.#ports.clock.now())
      this.#sessions.revoke(done.revoked ?? [])
      if (readMeta(this.#sql, 'user_id') === undefined) writeMeta(this.#sql, 'user_id', this.#userId)
      return done
    })
    if (archive.length > 0) this.#timers.arm(this.#ports.clock.now() + this.#ports.config.archiveDelayMs)
    if (revoked !== undefined && revoked.length > 0) {
      this.#timers.arm(this.#ports.clock.now() + this.#ports.config.archiveDelayMs)
      this.#syncPolls?.sockets.endSessions(new Set(revoked))
      this.ctx.waitUntil(this.#sessions.flush().catch(() => undefined))
    }
    return value
  }

  /** Revocation writes the device row first, then Redis; the answer waits for both, but no longer than Redis lets it. */
  #endSessions(work: () => devices.DeviceChange): Promise<RpcResult<void>> {
    return toResultAsync(async () => {
      this.#mutate(() => ({ value: undefined, ...work() }))
      if (takeFault('user:abort-after-commit')) await this.#abort()
      await this.#sessions.flush().catch(() => undefined)
    })
  }

  /** Tests: the object dies with what it has written on disk, and answers nobody. */
  async #abort(): Promise<never> {
    await this.ctx.storage.sync()
    this.ctx.abort('A test aborted this user after the commit')
    throw new MatrixError('M_UNKNOWN', 'aborted')
  }
}

/** The Room object: the one owner of a room's events and state. RPC methods are a few lines over the files beside it. */
import { portsOf } from '../../src/context.ts'
import type { Env } from '../../src/env.ts'
import { takeFault } from '../../src/faults.ts'
import type {
  CreateRoomPlan,
  DelayedAction,
  DelayedRequest,
  MarkReadRequest,
  MembershipRequest,
  Ports,
  Profile,
  PullRequest,
  RoomGateway,
  SendRequest,
  UpgradeRequest,
} from '../../src/ports.ts'
import type { Pdu } from '../../src/protocol/event.ts'
import type { NewState } from '../../src/protocol/room-upgrade.ts'
import { enterGeneration, renewRoom } from '../restore.ts'
import { type RpcResult, toResult, toResultAsync } from '../rpc.ts'
import { countingStorage, migrate } from '../sqlite.ts'
import { type Objects, objectsOf, type RpcSide } from '../stubs.ts'
import { Timers } from '../timers.ts'
import { Archiver, readCursors } from './archive.ts'
import { RoomContext } from './context.ts'
import { createRoom, replicate } from './create.ts'
import { markDevices } from './device-marks.ts'
import { markErased } from './erasure.ts'
import { forget } from './forget.ts'
import type { RoomJob } from './host.ts'
import { makeIncrement, RecentEvents } from './increments.ts'
import { RoomLife } from './life.ts'
import { dropAlias, setListed } from './listing.ts'
import { MemberFeed } from './member-feed.ts'
import { updateProfile } from './member-profile.ts'
import { changeMembership } from './membership.ts'
import { patiently } from './patience.ts'
import { pull } from './pull.ts'
import { setPushMember } from './push-members.ts'
import { markRead } from './receipts.ts'
import { RoomReads } from './room-reads.ts'
import { ROOM_MIGRATIONS } from './schema.ts'
import { send } from './send.ts'
import { isSmall, RoomStore } from './store.ts'
import { Subscribers } from './subscribers.ts'
import { requireTypist, Typing } from './typing.ts'
import { fanOut } from './wake-transport.ts'

export class Room extends RoomReads implements RpcSide<RoomGateway> {
  readonly #ports: Ports
  readonly #objects: Objects
  protected readonly room: RoomContext
  readonly #timers: Timers<RoomJob>
  readonly #feed: MemberFeed
  readonly #life: RoomLife
  readonly #archiver: Archiver
  readonly #typing = new Typing()
  #subscribers: Subscribers | undefined
  #recent: RecentEvents | undefined

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#ports = portsOf(env)
    const { calls, clock, config, log } = this.#ports
    this.#objects = objectsOf(env, calls)
    const storage = config.testHooks
      ? countingStorage(ctx.storage, (rows) => calls.count('room.rows_written', rows))
      : ctx.storage
    migrate(storage, ROOM_MIGRATIONS)
    enterGeneration(storage, config.generation, () => renewRoom(storage.sql))
    this.room = new RoomContext(new RoomStore(storage), clock, config.serverName, config.signingKeys[0]!)
    this.#feed = new MemberFeed({
      sql: storage.sql,
      deliver: (userId, change) => this.#objects.user(userId).membershipChanged(change),
      now: () => clock.now(),
      arm: (at) => this.#timers.arm('feed', at),
    })
    this.#archiver = new Archiver(this.room.store, this.#ports.archive, () => this.#started.watermark())
    this.#life = new RoomLife({
      room: this.room,
      objects: this.#objects,
      mutate: (work) => this.#mutateAndFeed(work),
      arm: (job, at) => this.#timers.arm(job, at),
      armAll: (at) => this.#timers.armAll(at),
      reader: this.#ports.archiveReader,
      flush: () => this.#archiver.flush(),
      reset: () => this.#startAnew(),
    })
    this.#timers = new Timers({
      storage,
      clock,
      jobs: [
        { name: 'wake', run: async () => this.#wakeBehind() },
        { name: 'feed', run: () => this.#feed.drain() },
        ...this.#life.jobs,
        { name: 'archive', run: async () => (await this.#archiver.flush()) as undefined },
      ],
      onError: (job, error) => log.trouble(`room.${job}`, 'room job failed', { job, error: String(error) }),
    })
  }

  // ------------------------------------------------------------ writing

  create(createPdu: Pdu, version: string, plan: CreateRoomPlan) {
    return toResultAsync(async () => ({
      roomId: await this.#mutateAndFeed(() => createRoom(this.room, createPdu, version, plan)),
    }))
  }

  send(request: SendRequest): Promise<RpcResult<string>> {
    return toResultAsync(() => this.#mutateAndFeed(() => send(this.room, request)))
  }

  changeMembership(request: MembershipRequest) {
    return toResultAsync(() => this.#mutateAndFeed(() => changeMembership(this.room, request)))
  }

  updateProfile(userId: string, profile: Profile): Promise<RpcResult<void>> {
    return toResultAsync(() => this.#mutateAndFeed(() => updateProfile(this.room, userId, profile)))
  }

  markErased(userId: string): RpcResult<void> {
    return toResult(() => void this.#mutate(() => markErased(this.room, userId)))
  }

  markDevices(userId: string): RpcResult<void> {
    return toResult(() => {
      if (!this.room.store.transaction(() => markDevices(this.room, userId))) return
      this.#armSoon('wake', 'archive')
      this.#started.notify()
    })
  }

  setPushMember(userId: string, wanted: boolean) {
    return toResult(() => setPushMember(this.room, userId, wanted))
  }

  dropAlias(userId: string, alias: string): Promise<RpcResult<void>> {
    return toResultAsync(() => this.#mutateAndFeed(() => dropAlias(this.room, userId, alias)))
  }

  setListed(userId: string, listed: boolean): Promise<RpcResult<void>> {
    return toResultAsync(async () => {
      this.#mutate(() => setListed(this.room, userId, listed))
      await patiently(this.#timers.runNow('archive'))
    })
  }

  archived(): Promise<RpcResult<void>> {
    return toResultAsync(async () => {
      void this.room.store.rules
      await patiently(this.#timers.runNow('archive'))
    })
  }

  forget(userId: string) {
    return toResultAsync(() => this.#mutateAndFeed(() => forget(this.room, userId)))
  }

  upgrade(request: UpgradeRequest) {
    return toResultAsync(() => this.#life.upgrades.run(request))
  }

  replicate(sender: string, states: NewState[]): Promise<RpcResult<void>> {
    return toResultAsync(() => this.#mutateAndFeed(() => replicate(this.room, sender, states)))
  }

  schedule(request: DelayedRequest) {
    return toResultAsync(() => this.#life.delayed.schedule(request))
  }

  delayedAction(delayId: string, action: DelayedAction, userId?: string) {
    return toResultAsync(() => this.#life.delayed.act(delayId, action, userId))
  }

  rebuild(roomId: string) {
    return toResultAsync(() => this.#life.rebuild.run(roomId))
  }

  setTyping(userId: string, typing: boolean, timeoutMs: number): RpcResult<void> {
    return toResult(() => {
      requireTypist(this.room.store, userId)
      if (this.#typing.set(userId, typing, timeoutMs, () => this.#typingChanged())) this.#typingChanged()
    })
  }

  markRead(request: MarkReadRequest) {
    return toResult(() => {
      const { answer, audience } = this.room.store.transaction(() => markRead(this.room, request))
      if (audience === 'none') return answer
      this.#armSoon('wake', 'push', 'archive')
      if (audience === 'all') this.#started.notify()
      else this.#started.notifyOnly(request.userId)
      return answer
    })
  }

  // ------------------------------------------------------------ reading

  pull(request: PullRequest) {
    return toResult(() => {
      const started = this.#started
      this.#resumeTyping(request.since)
      const slice = pull(this.room, this.#typing, request)
      if (request.subscribe && slice.membership === 'join') started.subscribe(request.userId, slice.head)
      return slice
    })
  }

  awake(userId: string, limit: number) {
    return toResult(() =>
      isSmall(this.room.store, limit) ? this.#started.userIds().filter((other) => other !== userId) : [],
    )
  }

  // ------------------------------------------------------------ consumers

  override async alarm(): Promise<void> {
    await this.#timers.fire()
  }

  /** The subscribers, loaded when first needed; an incarnation that finds one behind its head wakes it again. */
  get #started(): Subscribers {
    if (this.#subscribers === undefined) {
      const { store } = this.room
      this.#subscribers = new Subscribers(
        {
          sql: store.sql,
          roomId: () => store.roomId,
          head: () => Math.max(store.head, this.#typing.pos),
          increment: (from, to) => makeIncrement(this.room, this.#recentEvents, this.#typing, from, to),
          transport: fanOut(this.env, this.#objects),
          now: () => this.#ports.clock.now(),
          retryAt: (at) => this.#timers.arm('wake', at),
        },
        readCursors(store.sql).woken,
      )
      this.#subscribers.notify()
    }
    return this.#subscribers
  }

  /** The tables were made again: what was remembered of the old ones is void, and everybody is told anew. */
  #startAnew(): void {
    this.#subscribers = undefined
    this.#recent = undefined
  }

  get #recentEvents(): RecentEvents {
    this.#recent ??= new RecentEvents(this.room.store.head)
    return this.#recent
  }

  /** Runs one transaction, and then hands what it appended to the consumers. */
  #mutate<T>(work: () => T): { value: T; fed: string[] } {
    const room = this.room
    const recent = this.#recentEvents
    room.begin()
    const value = room.store.transaction(work)
    const { appended, fed } = room
    if (fed.length > 0) this.#armSoon('feed')
    if (room.logged) this.#armSoon('archive', 'erase')
    if (room.rewritten) recent.reset(appended[0] === undefined ? room.store.head : appended[0].pos - 1)
    if (appended.length === 0 && !room.rewritten) return { value, fed }
    // In the same turn as the commit, so that both reach the disk together: a crash loses no wake and no archive.
    this.#armSoon('wake', 'push', 'archive')
    recent.push(appended)
    this.#ports.calls.count('events.appended', appended.length)
    for (const userId of fed) this.#forgetGone(userId)
    if (this.#typing.endBySending(appended)) this.#typingChanged()
    return { value, fed }
  }

  /** With the archive's next batch: one alarm for all. */
  #armSoon(...jobs: RoomJob[]): void {
    const at = this.#ports.clock.now() + this.#ports.config.archiveDelayMs
    for (const job of jobs) this.#timers.arm(job, at)
  }

  #forgetGone(userId: string): void {
    if (this.room.store.member(userId)?.membership === 'join') return
    this.#subscribers?.remove(userId)
    if (this.#typing.end(userId)) this.#typingChanged()
  }

  async #mutateAndFeed<T>(work: () => T): Promise<T> {
    const { value, fed } = this.#mutate(work)
    if (takeFault('room:abort-after-commit')) await this.#abort()
    this.#started.notifyBesideAnswer()
    if (fed.length > 0) await this.#feed.confirm(fed)
    return value
  }

  #wakeBehind(): number | undefined {
    this.#started.wakeBehind()
    return this.#started.nextRetry()
  }

  #typingChanged(): void {
    this.#typing.pos = this.room.store.transaction(() => this.room.store.positions.next())
    this.#started.notify()
  }

  /** See `Typing`: positions past the durable head that this incarnation did not give were shown by the last one. */
  #resumeTyping(since: number): void {
    const { store } = this.room
    const { startedAt } = store.positions
    if (since > store.head && since <= startedAt && this.#typing.pos === 0) this.#typing.resumeAt(startedAt)
  }

  /** Tests: the object dies with its mutation on disk, before anybody is told. */
  async #abort(): Promise<never> {
    await this.ctx.storage.sync()
    this.ctx.abort('A test aborted this room after its commit')
    throw new Error('aborted')
  }
}

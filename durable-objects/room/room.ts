/** The Room object: the one owner of a room's events and state. RPC methods are a few lines over the files beside it. */
import { portsOf } from '../../src/context.ts'
import { takeFault } from '../../src/faults.ts'
import type { CreateRoomPlan, UpgradeRequest } from '../../src/objects/room/create.ts'
import type { RoomGateway } from '../../src/objects/room/gateway.ts'
import type {
  DelayedAction,
  DelayedRequest,
  MembershipRequest,
  SendRequest,
} from '../../src/objects/room/send.ts'
import type { MarkReadRequest, PullRequest } from '../../src/objects/room/sync.ts'
import type { Ports } from '../../src/ports/ports.ts'
import type { Pdu } from '../../src/protocol/events/event.ts'
import type { Profile } from '../../src/protocol/profile.ts'
import type { NewState } from '../../src/protocol/rooms/room-upgrade.ts'
import { answerAlarm } from '../answer-alarm.ts'
import { usersIn } from '../gate.ts'
import { beginInGeneration, enterGeneration, renewRoom } from '../restore.ts'
import { type RpcResult, toResult, toResultAsync } from '../rpc.ts'
import { countingStorage, lazyStorage } from '../sqlite.ts'
import { type Objects, objectsOf, type RpcSide } from '../stubs.ts'
import { Timers } from '../timers.ts'
import { RoomContext } from './context.ts'
import type { RoomJob } from './host.ts'
import { RoomLife } from './life.ts'
import { dropAlias, setListed } from './read/listing.ts'
import { pull } from './read/pull.ts'
import { RoomReads } from './read/room-reads.ts'
import { markDevices } from './rows/device-marks.ts'
import { markRead } from './rows/receipts.ts'
import { ROOM_MIGRATIONS } from './rows/schema.ts'
import { isSmall, RoomStore } from './rows/store.ts'
import { Archiver, readCursors } from './tell/archive.ts'
import { makeIncrement, RecentEvents } from './tell/increments.ts'
import { MemberFeed } from './tell/member-feed.ts'
import { patiently } from './tell/patience.ts'
import { changesLists } from './tell/shown-in-lists.ts'
import { Subscribers } from './tell/subscribers.ts'
import { fanOut } from './tell/wake-transport.ts'
import { createRoom, replicate } from './write/create.ts'
import { markErased } from './write/erasure.ts'
import { forget } from './write/forget.ts'
import { updateProfile } from './write/member-profile.ts'
import { changeMembership } from './write/membership.ts'
import { send } from './write/send.ts'
import { requireTypist, Typing } from './write/typing.ts'

/** What a Room is made of: put together at its first use, since a constructor that throws loses alarms. */
interface RoomParts {
  room: RoomContext
  typing: Typing
  timers: Timers<RoomJob>
  feed: MemberFeed
  life: RoomLife
  archiver: Archiver
}

export class Room extends RoomReads implements RpcSide<RoomGateway> {
  #made: RoomParts | undefined
  #subscribers: Subscribers | undefined
  #recent: RecentEvents | undefined

  get #parts(): RoomParts {
    this.#made ??= this.#assemble()
    return this.#made
  }

  /** Everything here takes constant time, however large the room. */
  #assemble(): RoomParts {
    const { archive, archiveReader, calls, clock, config, log } = this.#ports
    const counted = config.testHooks
      ? countingStorage(this.ctx.storage, (rows) => calls.count('room.rows_written', rows))
      : this.ctx.storage
    const { generation } = config
    const storage = lazyStorage(counted, ROOM_MIGRATIONS, (made) => beginInGeneration(made, generation))
    if (storage.hasTables) enterGeneration(storage, generation, () => renewRoom(storage.sql))
    const room = new RoomContext(new RoomStore(storage), clock, config.serverName, config.signingKeys[0]!)
    room.erasesForAll = config.erasure === 'everybody'
    const isUser = usersIn(this.#ports)
    const feed = new MemberFeed({
      sql: storage.sql,
      deliver: async (userId, change) => {
        // Who acts for themselves has a session; of the others somebody may have made up the name.
        if (change.sender !== userId && !(await isUser(userId))) return
        await this.#objects.user(userId).membershipChanged(change)
      },
      now: () => clock.now(),
      arm: (at) => timers.arm('feed', at),
    })
    const archiver = new Archiver(room.store, archive, () => this.#started.watermark())
    const life = new RoomLife({
      room,
      objects: this.#objects,
      mutate: (work) => this.#mutateAndFeed(work),
      arm: (job, at) => timers.arm(job, at),
      armAll: (at) => timers.armAll(at),
      reader: archiveReader,
      flush: () => archiver.flush(),
      reset: () => this.#startAnew(),
    })
    const timers = new Timers<RoomJob>({
      storage,
      clock,
      jobs: [
        { name: 'wake', run: async () => this.#wakeBehind() },
        { name: 'typing', run: async () => this.#endTyping() },
        { name: 'feed', run: () => feed.drain(), isLeft: () => feed.waits() },
        ...life.jobs,
        {
          name: 'archive',
          run: async () => (await archiver.flush()) as undefined,
          isLeft: () => archiver.isBehind(),
        },
      ],
      onError: (job, error) => log.trouble(`room.${job}`, 'room job failed', { job, error: String(error) }),
    })
    if (storage.hasTables) timers.recover()
    return { room, typing: new Typing(room.store), timers, feed, life, archiver }
  }

  protected get room(): RoomContext {
    return this.#parts.room
  }

  get #ports(): Ports {
    return portsOf(this.env)
  }

  get #objects(): Objects {
    return objectsOf(this.env, this.#ports.calls)
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
    return toResult(() => this.#parts.life.pushes.set(userId, wanted))
  }

  dropAlias(userId: string, alias: string): Promise<RpcResult<void>> {
    return toResultAsync(() => this.#mutateAndFeed(() => dropAlias(this.room, userId, alias)))
  }

  setListed(userId: string, listed: boolean): Promise<RpcResult<void>> {
    return toResultAsync(async () => {
      this.#mutate(() => setListed(this.room, userId, listed))
      await patiently(this.#parts.timers.runNow('archive'))
    })
  }

  archived(): Promise<RpcResult<void>> {
    return toResultAsync(async () => {
      void this.room.store.rules
      await patiently(this.#parts.timers.runNow('archive'))
    })
  }

  forget(userId: string) {
    return toResultAsync(() => this.#mutateAndFeed(() => forget(this.room, userId)))
  }

  upgrade(request: UpgradeRequest) {
    return toResultAsync(() => this.#parts.life.upgrades.run(request))
  }

  replicate(sender: string, states: NewState[]): Promise<RpcResult<void>> {
    return toResultAsync(() => this.#mutateAndFeed(() => replicate(this.room, sender, states)))
  }

  schedule(request: DelayedRequest) {
    return toResultAsync(() => this.#parts.life.delayed.schedule(request))
  }

  delayedAction(delayId: string, action: DelayedAction, userId?: string) {
    return toResultAsync(() => this.#parts.life.delayed.act(delayId, action, userId))
  }

  rebuild(roomId: string) {
    return toResultAsync(() => this.#parts.life.rebuild.run(roomId))
  }

  setTyping(userId: string, typing: boolean, timeoutMs: number): RpcResult<void> {
    return toResult(() => {
      requireTypist(this.room.store, userId)
      if (!typing) {
        this.#changeTyping((list) => list.end(userId))
        return
      }
      this.#changeTyping((list) => {
        const { until, isNew } = list.begin(userId, timeoutMs, this.#ports.clock.now())
        this.#parts.timers.arm('typing', until)
        return isNew
      })
    })
  }

  markRead(request: MarkReadRequest) {
    return toResult(() => {
      const { answer, audience } = this.room.store.transaction(() => markRead(this.room, request))
      if (audience === 'none') return answer
      this.#armSoon('wake', 'push', 'archive')
      this.#parts.life.pushes.tellSoon()
      if (audience === 'all') this.#started.notify()
      else this.#started.notifyOnly(request.userId)
      return answer
    })
  }

  // ------------------------------------------------------------ reading

  pull(request: PullRequest) {
    return toResult(() => {
      const subscribers = this.#loaded
      try {
        const slice = pull(this.room, this.#typing, request)
        if (request.subscribe && slice.membership === 'join')
          subscribers.subscribe(request.userId, slice.head)
        return slice
      } finally {
        // Who asks has the news with this answer: a wake beside it would be one call too many.
        subscribers.start()
      }
    })
  }

  awake(userId: string, limit: number) {
    return toResult(() =>
      isSmall(this.room.store, limit) ? this.#started.userIds().filter((other) => other !== userId) : [],
    )
  }

  // ------------------------------------------------------------ consumers

  override alarm(): Promise<void> {
    return answerAlarm(this.ctx.storage, () => this.#parts.timers.fire())
  }

  /** The subscribers; an incarnation that finds one behind its head has woken it again. */
  get #started(): Subscribers {
    this.#loaded.start()
    return this.#loaded
  }

  /** The subscribers, read when first needed. */
  get #loaded(): Subscribers {
    if (this.#subscribers === undefined) {
      const { store } = this.room
      const { woken } = readCursors(store.sql)
      this.#subscribers = new Subscribers(
        {
          sql: store.sql,
          roomId: () => store.roomId,
          head: () => Math.max(store.head, this.#typing.pos),
          increment: (from, to) => makeIncrement(this.room, this.#recentEvents, this.#typing, from, to),
          transport: fanOut(this.env, this.#objects),
          now: () => this.#ports.clock.now(),
          retryAt: (at) => this.#parts.timers.arm('wake', at),
        },
        // Who was told of all events was told of who types as well.
        woken < store.head ? woken : Math.max(store.head, this.#typing.pos),
      )
    }
    return this.#subscribers
  }

  /** The tables were made again: what was remembered of the old ones is void, and everybody is told anew. */
  #startAnew(): void {
    this.#subscribers = undefined
    this.#recent = undefined
    this.#parts.typing.startAnew(this.room.store.positions.startedAt)
    this.#parts.life.pushes.reset()
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
    this.#parts.life.pushes.tellSoon()
    recent.push(appended)
    this.#ports.calls.count('events.appended', appended.length)
    for (const userId of fed) this.#forgetGone(userId)
    return { value, fed }
  }

  /** With the archive's next batch: one alarm for all. */
  #armSoon(...jobs: RoomJob[]): void {
    const at = this.#ports.clock.now() + this.#ports.config.archiveDelayMs
    for (const job of jobs) this.#parts.timers.arm(job, at)
  }

  #forgetGone(userId: string): void {
    if (this.room.store.member(userId)?.membership === 'join') return
    this.#subscribers?.remove(userId)
    this.#changeTyping((list) => list.end(userId))
  }

  async #mutateAndFeed<T>(work: () => T): Promise<T> {
    const { value, fed } = this.#mutate(work)
    const isListed = changesLists(this.room)
    if (takeFault('room:abort-after-commit')) await this.#abort()
    this.#started.notifyBesideAnswer()
    await Promise.all([
      fed.length > 0 ? this.#parts.feed.confirm(fed) : undefined,
      isListed ? patiently(this.#parts.timers.runNow('archive')) : undefined,
    ])
    return value
  }

  #wakeBehind(): number | undefined {
    this.#started.wakeBehind()
    return this.#started.nextRetry()
  }

  #endTyping(): number | undefined {
    this.#changeTyping((list) => list.endOverdue(this.#ports.clock.now()))
    return this.#typing.next()
  }

  get #typing(): Typing {
    return this.#parts.typing
  }

  /** Changes the list in a transaction; where that is news, everybody is told. */
  #changeTyping(change: (list: Typing) => boolean): void {
    const list = this.#typing
    let isNews = false
    try {
      isNews = this.room.store.transaction(() => change(list))
    } catch (error) {
      list.forget()
      throw error
    }
    if (isNews) this.#started.notify()
  }

  /** Tests: the object dies with its mutation on disk, before anybody is told. */
  async #abort(): Promise<never> {
    await this.ctx.storage.sync()
    this.ctx.abort('A test aborted this room after its commit')
    throw new Error('aborted')
  }
}

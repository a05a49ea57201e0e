/** The Room object: the one owner of a room's events and state. RPC methods are a few lines over the files beside it. */
import { DurableObject } from 'cloudflare:workers'
import { portsOf } from '../../src/context.ts'
import type { Env } from '../../src/env.ts'
import { takeFault } from '../../src/faults.ts'
import type {
  CreateRoomPlan,
  MembershipRequest,
  MessagesRequest,
  Ports,
  PullRequest,
  RoomGateway,
  SendRequest,
  Session,
} from '../../src/ports.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { Pdu } from '../../src/protocol/event.ts'
import { powerLevels } from '../../src/protocol/power-levels.ts'
import { patiently } from '../patience.ts'
import { type RpcResult, toResult, toResultAsync } from '../rpc.ts'
import { countingStorage, migrate } from '../sqlite.ts'
import { type Objects, objectsOf, type RpcSide } from '../stubs.ts'
import { Timers } from '../timers.ts'
import { Archiver, readCursors } from './archive.ts'
import { RoomContext } from './context.ts'
import { createRoom } from './create.ts'
import { makeIncrement, RecentEvents } from './increments.ts'
import { FEED_SLICE, MemberFeed } from './member-feed.ts'
import { changeMembership, joinRule } from './membership.ts'
import { pull } from './pull.ts'
import { ROOM_MIGRATIONS } from './schema.ts'
import { send } from './send.ts'
import { RoomStore } from './store.ts'
import { Subscribers } from './subscribers.ts'
import { eventFor, joinedMembersFor, membersFor, messages, stateEventFor, stateFor } from './timeline.ts'
import { Typing } from './typing.ts'
import { fanOut } from './wake-transport.ts'

/** How long a request waits for the User objects whose memberships it changed, ms. */
const FEED_PATIENCE_MS = 2_000
const FEED_RETRY_MS = 1_000

export class Room extends DurableObject<Env> implements RpcSide<RoomGateway> {
  readonly #ports: Ports
  readonly #objects: Objects
  readonly #room: RoomContext
  readonly #timers: Timers
  readonly #feed: MemberFeed
  readonly #typing = new Typing()
  #subscribers: Subscribers | undefined
  #notifying = false
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
    this.#room = new RoomContext(new RoomStore(storage), clock, config.serverName, config.signingKeys[0]!)
    this.#feed = new MemberFeed(
      storage.sql,
      (userId, change) => this.#objects.user(userId).membershipChanged(change),
      () => this.#timers.arm(clock.now() + FEED_RETRY_MS),
    )
    const archiver = new Archiver(this.#room.store, this.#ports.archive, () => this.#started.watermark())
    this.#timers = new Timers(
      storage,
      clock,
      [
        { name: 'wake', run: async () => this.#wakeBehind() },
        { name: 'feed', run: () => this.#drainFeed() },
        { name: 'archive', run: async () => (await archiver.flush()) as undefined },
      ],
      (job, error) => log.warn('room job failed', { job, error: String(error) }),
    )
  }

  // ------------------------------------------------------------ writing

  create(createPdu: Pdu, version: string, plan: CreateRoomPlan) {
    return toResultAsync(async () => {
      const roomId = await this.#mutateAndFeed(() => createRoom(this.#room, createPdu, version, plan))
      return { roomId }
    })
  }

  send(request: SendRequest): Promise<RpcResult<string>> {
    return toResultAsync(() => this.#mutateAndFeed(() => send(this.#room, request)))
  }

  changeMembership(request: MembershipRequest) {
    return toResultAsync(() => this.#mutateAndFeed(() => changeMembership(this.#room, request)))
  }

  setTyping(userId: string, typing: boolean, timeoutMs: number): RpcResult<void> {
    return toResult(() => {
      if (this.#room.store.member(userId)?.membership !== 'join') {
        throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
      }
      if (this.#typing.set(userId, typing, timeoutMs, () => this.#typingChanged())) this.#typingChanged()
    })
  }

  // ------------------------------------------------------------ reading

  pull(request: PullRequest) {
    return toResult(() => {
      const started = this.#started
      this.#resumeTyping(request.since)
      const slice = pull(this.#room, this.#typing, request)
      if (request.subscribe && slice.membership === 'join') started.subscribe(request.userId, slice.head)
      return slice
    })
  }

  messages(request: MessagesRequest) {
    return toResult(() => messages(this.#room, request))
  }

  event(viewer: Session, eventId: string) {
    return toResult(() => eventFor(this.#room, viewer, eventId))
  }

  state(viewer: string) {
    return toResult(() => stateFor(this.#room, viewer))
  }

  stateEvent(viewer: string, type: string, stateKey: string) {
    return toResult(() => stateEventFor(this.#room, viewer, type, stateKey))
  }

  members(viewer: string, query: { at?: string; membership?: string; notMembership?: string }) {
    return toResult(() => membersFor(this.#room, viewer, query))
  }

  joinedMembers(viewer: string) {
    return toResult(() => joinedMembersFor(this.#room, viewer))
  }

  joinRule() {
    return toResult(() => {
      // A room that does not exist is M_NOT_FOUND, not a room without a join rule.
      void this.#room.store.rules
      return joinRule(this.#room)
    })
  }

  isJoined(userId: string) {
    return toResult(() => this.#room.store.member(userId)?.membership === 'join')
  }

  mayEditAliases(userId: string) {
    return toResult(() => {
      const { store } = this.#room
      if (store.member(userId)?.membership !== 'join') return false
      const levels = powerLevels(store.rules, store)
      return levels.user(userId) >= levels.event('m.room.canonical_alias', true)
    })
  }

  // ------------------------------------------------------------ consumers

  override async alarm(): Promise<void> {
    await this.#timers.fire()
  }

  /** The subscribers, loaded when first needed; an incarnation that finds one behind its head wakes it again. */
  get #started(): Subscribers {
    if (this.#subscribers === undefined) {
      const { store } = this.#room
      this.#subscribers = new Subscribers(
        {
          sql: store.sql,
          roomId: () => store.roomId,
          head: () => Math.max(store.head, this.#typing.pos),
          increment: (from, to) => makeIncrement(this.#room, this.#recentEvents, this.#typing, from, to),
          transport: fanOut(this.env, this.#objects),
          now: () => this.#ports.clock.now(),
          retryAt: (at) => this.#timers.arm(at),
        },
        readCursors(store.sql).woken,
      )
      this.#subscribers.notify()
    }
    return this.#subscribers
  }

  get #recentEvents(): RecentEvents {
    this.#recent ??= new RecentEvents(this.#room.store.head)
    return this.#recent
  }

  /** Runs one transaction, and then hands what it appended to the consumers. */
  #mutate<T>(work: () => T): { value: T; fed: string[] } {
    const room = this.#room
    const recent = this.#recentEvents
    room.appended = []
    room.fed = []
    room.rewritten = false
    const value = room.store.transaction(work)
    const { appended, fed } = room
    if (appended.length === 0) return { value, fed }
    // In the same turn as the commit, so that both reach the disk together: a crash loses no wake and no archive.
    this.#timers.arm(this.#ports.clock.now() + this.#ports.config.archiveDelayMs)
    if (room.rewritten) recent.reset(appended[0]!.pos - 1)
    recent.push(appended)
    this.#ports.calls.count('events.appended', appended.length)
    for (const userId of fed) this.#forgetGone(userId)
    return { value, fed }
  }

  #forgetGone(userId: string): void {
    if (this.#room.store.member(userId)?.membership === 'join') return
    this.#subscribers?.remove(userId)
    if (this.#typing.end(userId)) this.#typingChanged()
  }

  async #mutateAndFeed<T>(work: () => T): Promise<T> {
    const { value, fed } = this.#mutate(work)
    if (takeFault('room:abort-after-commit')) await this.#abort()
    this.#notifySoon()
    if (fed.length > 0) await this.#confirmed(fed)
    return value
  }

  /** In a turn of its own: the answer to who changed the room leaves first, however many are to be woken. */
  #notifySoon(): void {
    if (this.#notifying) return
    this.#notifying = true
    setTimeout(() => {
      this.#notifying = false
      this.#started.notify()
    }, 0)
  }

  /** Waits until the users' objects know of their memberships, for a while. */
  async #confirmed(userIds: string[]): Promise<void> {
    const users = [...new Set(userIds)]
    // The others are told from the alarm, in slices.
    if (users.length > FEED_SLICE) this.#timers.arm(this.#ports.clock.now())
    const told = Promise.all(users.slice(0, FEED_SLICE).map((userId) => this.#feed.deliverTo(userId)))
    await patiently(FEED_PATIENCE_MS, told)
  }

  #wakeBehind(): number | undefined {
    this.#started.notify()
    return this.#started.nextRetry()
  }

  async #drainFeed(): Promise<number | undefined> {
    const confirmed = await this.#feed.deliverSome()
    if (!this.#feed.waiting()) return undefined
    return this.#ports.clock.now() + (confirmed ? 0 : FEED_RETRY_MS)
  }

  #typingChanged(): void {
    this.#typing.pos = this.#room.store.transaction(() => this.#room.store.positions.next())
    this.#started.notify()
  }

  /** See `Typing`: positions past the durable head that this incarnation did not give were shown by the last one. */
  #resumeTyping(since: number): void {
    const { store } = this.#room
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

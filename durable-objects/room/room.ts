/** The Room object: the one owner of a room's events and state. What is asked of it stands in the tables of `rpc.ts`. */
import { DurableObject } from 'cloudflare:workers'
import { portsOf } from '../../src/context.ts'
import type { Env } from '../../src/env.ts'
import { takeFault } from '../../src/faults.ts'
import type { Ports } from '../../src/ports/ports.ts'
import { partitionOf } from '../../src/protocol/event-stream.ts'
import { answerAlarm } from '../answer-alarm.ts'
import { type Consumer, follow, namesOf, spreadDelay } from '../consumer.ts'
import { usersIn } from '../existing-users.ts'
import { type Peers, peersOf } from '../peers.ts'
import { beginInGeneration, enterGeneration, renewRoom } from '../restore.ts'
import { installRpc } from '../rpc-table.ts'
import { countingStorage, lazyStorage, type ObjectStorage } from '../sqlite.ts'
import { Timers } from '../timers.ts'
import { roomConsumers } from './consumers.ts'
import { type Changed, type Committed, commit, RoomContext, type RoomWriter } from './context.ts'
import type { RoomDesk } from './desk.ts'
import type { RoomJob } from './host.ts'
import { LongWork } from './long-work.ts'
import { Typing } from './rows/members/typing.ts'
import { ROOM_MIGRATIONS } from './rows/schema.ts'
import { RoomStore } from './rows/store.ts'
import { readCursors } from './rows/tell/cursors.ts'
import { roomRpc } from './rpc.ts'
import { RoomArchive } from './tell/archive.ts'
import { EventTeller } from './tell/event-teller.ts'
import { makeIncrement } from './tell/increments.ts'
import { MemberFeed } from './tell/member-feed.ts'
import { patiently } from './tell/patience.ts'
import { RoomPresence, tellsPresence } from './tell/presence.ts'
import { Recent } from './tell/recent.ts'
import { changesLists } from './tell/shown-in-lists.ts'
import { Subscribers } from './tell/subscribers.ts'
import { countedWakes, fanOut } from './tell/wake-transport.ts'

/** What a Room is made of: put together at its first use, since a constructor that throws loses alarms. */
interface RoomParts {
  room: RoomContext
  typing: Typing
  timers: Timers<RoomJob>
  archiveDelayMs: number
  /** What the alarm runs; some of it follows each commit. */
  jobs: readonly Consumer<RoomJob, Changed>[]
  feed: MemberFeed
  events: EventTeller | undefined
  life: LongWork
  desk: RoomDesk
}

export class Room extends DurableObject<Env> {
  static {
    installRpc(Room, 'room', roomRpc, {
      partsOf: (object) => object.#parts.desk,
      stored: (object) => object.ctx.storage.sync(),
    })
  }

  #made: RoomParts | undefined
  #subscribers: Subscribers | undefined
  #recent: Recent | undefined

  get #parts(): RoomParts {
    this.#made ??= this.#assemble()
    return this.#made
  }

  /** Everything here takes constant time, however large the room. */
  #assemble(): RoomParts {
    const { archive, archiveReader, backlogs, calls, clock, config, log, random } = this.#ports
    const counted = config.testHooks
      ? countingStorage(this.ctx.storage, (rows, n) => calls.count(`room.${rows}`, n))
      : this.ctx.storage
    const begin = (made: ObjectStorage) => beginInGeneration(made, config.generation)
    const storage = lazyStorage(counted, ROOM_MIGRATIONS, begin)
    if (storage.hasTables) enterGeneration(storage, config.generation, () => renewRoom(storage.sql))
    const room = new RoomContext({
      store: new RoomStore(storage),
      clock,
      serverName: config.serverName,
      signingKey: config.signingKeys[0]!,
      erasesForAll: config.erasure === 'everybody',
    })
    const isUser = usersIn(this.#ports)
    const feed = new MemberFeed({
      sql: storage.sql,
      deliver: async (userId, change) => {
        // A sender has a session, and so an account; the name of another member may be made up.
        if (change.sender !== userId && !(await isUser(userId))) return
        await this.#objects.user(userId).membershipChanged(change)
      },
      now: () => clock.now(),
      arm: (at) => timers.arm('feed', at),
    })
    const roomArchive = new RoomArchive({
      store: room.store,
      archive,
      woken: () => this.#started.watermark(),
      streamed: () => events?.position,
      now: () => clock.now(),
    })
    const events = this.#eventTeller(room)
    const life = new LongWork({
      room,
      objects: this.#objects,
      mutate: (work) => this.#mutateAndFeed(work),
      arm: (job, at) => timers.arm(job, at),
      armAll: (at) => timers.armAll(at),
      reader: archiveReader,
      federates: config.federation.on,
      flush: () => Promise.all([roomArchive.flush(), events?.flush()]),
      streamed: async (roomId) => events?.partitionHas(roomId),
      reset: () => this.#startAnew(),
    })
    const consumers = roomConsumers({
      subscribers: () => this.#started,
      feed,
      pushes: life.pushes,
      destinations: life.destinations,
      archive: roomArchive,
      events,
    })
    const jobs: Consumer<RoomJob, Changed>[] = [
      // Jobs that commit come first, so that their consumers run in the same alarm.
      { name: 'typing', run: async () => this.#endTyping(clock.now()) },
      ...life.jobs,
      ...consumers,
    ]
    const timers = new Timers<RoomJob>({
      storage,
      clock,
      jobs,
      onError: (job, error) => log.trouble(`room.${job}`, 'room job failed', { job, error: String(error) }),
      following: backlogs.of('room', this.ctx.id.toString(), namesOf(consumers)),
    })
    if (storage.hasTables) timers.recover()
    const typing = new Typing(room.store)
    const archiveDelayMs = spreadDelay(config.archiveDelayMs, random)
    const presence = new RoomPresence({
      audience: () => (tellsPresence(room.store) ? this.#started.userIds() : []),
      tell: (userId, news) => this.#objects.user(userId).hearPresences(news),
      now: () => clock.now(),
    })
    const desk: RoomDesk = {
      room,
      typing,
      presence,
      timers,
      life,
      mutate: (work) => this.#mutate(work).value,
      mutateAndFeed: (work) => this.#mutateAndFeed(work),
      changeTyping: (work) => this.#changeTyping(work),
      archived: () => patiently(timers.runNow('archive')),
      subscribers: () => this.#loaded,
      started: () => this.#started,
    }
    return { room, typing, timers, archiveDelayMs, jobs, feed, events, life, desk }
  }

  /** None where the event stream is off: then nothing is written or called for it. */
  #eventTeller({ store, clock }: RoomContext): EventTeller | undefined {
    if (!this.#ports.config.eventStream.on) return undefined
    return new EventTeller({
      store,
      partition: (roomId) => this.#objects.partition(partitionOf(roomId)),
      synced: () => this.ctx.storage.sync(),
      woken: () => this.#started.watermark(),
      now: () => clock.now(),
    })
  }

  get #room(): RoomContext {
    return this.#parts.room
  }

  get #ports(): Ports {
    return portsOf(this.env)
  }

  get #objects(): Peers {
    return peersOf(this.env, this.#ports.calls)
  }

  // ------------------------------------------------------------ consumers

  override async alarm(): Promise<void> {
    await answerAlarm(this.ctx.storage, () => this.#parts.timers.fire())
    this.#ports.gathered?.flush()
  }

  /** The subscribers. An incarnation that finds one behind its head has woken it again. */
  get #started(): Subscribers {
    this.#loaded.start()
    return this.#loaded
  }

  /** The subscribers, read when first needed. */
  get #loaded(): Subscribers {
    if (this.#subscribers === undefined) {
      const { clock, store } = this.#room
      const { woken } = readCursors(store.sql)
      this.#subscribers = new Subscribers(
        {
          sql: store.sql,
          roomId: () => store.roomId,
          head: () => Math.max(store.head, this.#typing.pos),
          increment: (from, to) => makeIncrement(this.#room, this.#kept, this.#typing, from, to),
          transport: countedWakes(fanOut(this.#objects, this.ctx.storage, clock), this.#ports.metrics),
          now: () => clock.now(),
          retryAt: (at) => this.#parts.timers.arm('wake', at),
        },
        // The tables do not say whether typing was told: the alarm that told it, or the next event, tells it again.
        { watermark: Math.min(woken, store.head), loud: store.head },
      )
    }
    return this.#subscribers
  }

  /** The tables were made again: what was remembered of the old ones is void, and everybody is told anew. */
  #startAnew(): void {
    this.#subscribers = undefined
    this.#recent = undefined
    this.#parts.typing.startAnew(this.#room.store.positions.startedAt)
    this.#parts.life.reset()
    this.#parts.events?.reset()
  }

  get #kept(): Recent {
    this.#recent ??= new Recent(this.#room.store.head)
    return this.#recent
  }

  /** Runs one mutation, and then hands what it has changed to the consumers. */
  #mutate<T>(work: (change: RoomWriter) => T): Committed<T> {
    const room = this.#room
    const recent = this.#kept
    const committed = commit(room, work)
    const { appended, fed, moved, rewritten } = committed.change
    const { archiveDelayMs, events, jobs, timers } = this.#parts
    events?.took(committed.change)
    const now = this.#ports.clock.now()
    // At once, or with the archive's next batch, so that one alarm does for all.
    follow(jobs, committed.change, timers, { now, soon: now + archiveDelayMs })
    recent.took(committed.change, room.store.head)
    if (appended.length === 0 && !rewritten && !moved) return committed
    this.#ports.calls.count('events.appended', appended.length)
    for (const userId of fed) this.#forgetGone(userId)
    return committed
  }

  #forgetGone(userId: string): void {
    if (this.#room.store.member(userId)?.membership === 'join') return
    this.#subscribers?.remove(userId)
    this.#parts.desk.presence.forget(userId)
    this.#changeTyping((list) => list.end(userId))
  }

  async #mutateAndFeed<T>(work: (change: RoomWriter) => T): Promise<T> {
    const { value, change } = this.#mutate(work)
    if (takeFault('room:abort-after-commit')) await this.#abort()
    await Promise.all([
      this.#started.notifyBesideAnswer(),
      change.fed.length > 0 ? this.#parts.feed.confirm(change.fed) : undefined,
      changesLists(this.#room.store, change) ? patiently(this.#parts.timers.runNow('archive')) : undefined,
    ])
    return value
  }

  #endTyping(now: number): number | undefined {
    if (this.#typing.isOverdue(now)) this.#changeTyping((list) => list.endOverdue(now))
    return this.#typing.next()
  }

  get #typing(): Typing {
    return this.#parts.typing
  }

  /** Runs a mutation of the list of typing users; if it changed, everybody is told. */
  #changeTyping(work: (list: Typing) => boolean): void {
    const list = this.#typing
    // The subscribers' places are read before the list moves: a new incarnation takes its own place for what they know.
    const subscribers = this.#started
    try {
      const { change } = this.#mutate((room) => {
        room.typingChanged = work(list)
      })
      if (change.typingChanged) subscribers.notifyQuietly()
    } catch (error) {
      list.forget()
      throw error
    }
  }

  /** Tests: the object dies with its mutation on disk, before anybody is told. */
  async #abort(): Promise<never> {
    await this.ctx.storage.sync()
    this.ctx.abort('A test aborted this room after its commit')
    throw new Error('aborted')
  }
}

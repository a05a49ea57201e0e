/**
 * Wakes: an outbox consumer with a watermark for each subscriber. At least once, in any order; a subscriber that does
 * not answer is tried again. See `docs/decisions/` and the model in `test/` for why each rule is there.
 */
import type { Wake } from '../../../src/objects/user/sync.ts'
import { backoff } from '../../timers.ts'
import type { WakeAnswer } from '../../wake-rounds.ts'
import { addSubscriber, removeSubscriber, subscriberIds } from '../rows/tell/subscribers.ts'
import { type Subscriber, subscriber } from './subscriber.ts'
import type { SharedCall, WakeTransport } from './wake-calls.ts'
import { inPlaces, wakeSlices } from './wake-slices.ts'

export interface SubscribersOptions {
  sql: SqlStorage
  roomId: () => string
  /** The position of the newest thing that a client sees, quiet or not. */
  head: () => number
  /** The JSON of what lies between, where it is small enough to go along. */
  increment: (from: number, to: number) => string | undefined
  transport: WakeTransport
  now: () => number
  /** Asks for a run of `notify` at a time (ms), from the alarm. */
  retryAt: (at: number) => void
}

/** Up to this many, the Room wakes by itself; above, in slices through the fan-out. */
const DIRECT = 200
/** Up to this many, wakes leave before the answer to the user that changed the room. */
const WOKEN_AT_ONCE = 20
/** Somebody may be waiting: a wake is never put off for longer than this, ms. */
const LAST_RETRY_MS = 4_000
/** A wake that is under way this long may never be answered, ms. */
const STUCK_MS = 10_000

export class Subscribers {
  readonly #options: SubscribersOptions
  readonly #byUser = new Map<string, Subscriber>()
  /** What is called together with other Rooms: each takes the answers that have come. */
  readonly #shared = new Set<() => Subscriber[]>()
  #notifying = false
  #isStarted = false
  /** The newest position that is news for everybody. */
  #loud: number
  /** The newest position of what waits for company (decision 18). */
  #quiet: number

  /**
   * @param watermark the position up to which every stored subscriber is known to have been woken
   * @param loud the newest position that is news for everybody at once; what lies after it may have been told, or not
   */
  constructor(options: SubscribersOptions, { watermark, loud }: { watermark: number; loud: number }) {
    this.#options = options
    this.#loud = loud
    this.#quiet = options.head()
    for (const userId of subscriberIds(options.sql)) this.#byUser.set(userId, subscriber(userId, watermark))
  }

  /**
   * A pull: its answer stands for all wakes up to `position`. One row the first time. Call it in the same
   * synchronous step that reads the answer.
   */
  subscribe(userId: string, position: number): void {
    const known = this.#byUser.get(userId)
    if (known === undefined) addSubscriber(this.#options.sql, userId)
    const next = known ?? subscriber(userId, position)
    next.generation += 1
    next.acked = Math.max(next.acked, position)
    // A subscriber that asks is there: the next wake need not wait for the wakes that failed before.
    next.failures = 0
    next.retryAt = 0
    this.#byUser.set(userId, next)
  }

  /** A user that is not in the room any more; their row went in the transaction that ended the membership. */
  remove(userId: string): void {
    this.#byUser.delete(userId)
  }

  /** The lowest position any subscriber has confirmed: everything up to it is done. */
  watermark(): number {
    let lowest = this.#options.head()
    for (const one of this.#byUser.values()) {
      if (this.#isBehind(one) || one.acked < this.#quiet) lowest = Math.min(lowest, one.acked)
    }
    return lowest
  }

  /** Whether a subscriber was shown more than `position`. */
  anyoneBeyond(position: number): boolean {
    for (const { acked } of this.#byUser.values()) if (acked > position) return true
    return false
  }

  /** Once in each incarnation: wakes the subscribers that the one before may have left behind. */
  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    this.wakeBehind()
  }

  /** Something new is for everybody. */
  notify(): Promise<unknown> | undefined {
    this.#loud = this.#options.head()
    return this.wakeBehind()
  }

  /**
   * Something new is for everybody, and can wait for company: it goes with the next loud news, or by `tellQuiet`.
   * @param doer hears of it at once, so that their other devices agree with what they did
   */
  notifyQuietly(doer?: string): void {
    this.#quiet = this.#options.head()
    const one = doer === undefined ? undefined : this.#byUser.get(doer)
    if (one === undefined) return
    one.did = this.#quiet
    this.wakeBehind()
  }

  /** From the alarm: tells what has waited for company in vain. Answers as `retry`. */
  tellQuiet(): number | undefined {
    this.#loud = Math.max(this.#loud, this.#quiet)
    return this.retry()
  }

  /** Something new is for one user alone: the others are moved over its position by the next wake. */
  notifyOnly(userId: string): void {
    const one = this.#byUser.get(userId)
    if (one !== undefined) one.own = this.#options.head()
    this.wakeBehind()
  }

  /** How many users want wakes. */
  get count(): number {
    return this.#byUser.size
  }

  /** The users that want wakes. */
  userIds(): string[] {
    return [...this.#byUser.keys()]
  }

  #isBehind({ acked, own, did }: Subscriber): boolean {
    return acked < Math.max(this.#loud, own, did)
  }

  /**
   * `notify` for a change whose answer is about to leave. A few subscribers are woken at once, so that a sync after the
   * answer finds the change. Waking many takes a turn of its own, and the answer leaves first.
   * @returns what the answer waits for, as `wakeBehind`
   */
  notifyBesideAnswer(): Promise<unknown> | undefined {
    if (this.#byUser.size <= WOKEN_AT_ONCE) return this.notify()
    if (this.#notifying) return
    this.#notifying = true
    setTimeout(() => {
      this.#notifying = false
      void this.notify()
    }, 0)
  }

  /**
   * Wakes each subscriber that stands behind its news and is not being woken already. An answer that does not come, as
   * from an object that was reset, is waited for no longer than `STUCK_MS`.
   * @returns where wakes are gathered: resolves when users who ask hear of them
   */
  wakeBehind(): Promise<unknown> | undefined {
    if (this.#options.transport.gathers(this.#byUser.size)) return this.#gather()
    const behind = this.#behind()
    if (behind.length > DIRECT) this.#wakeInSlices(behind)
    else for (const place of inPlaces(behind)) this.#wakeDirectly(place)
  }

  #gather(): Promise<unknown> {
    // Those that have been told, and those whose wake has not left, are told of all by one wake.
    for (const take of this.#shared) take()
    for (const userId of this.#options.transport.withdraw()) this.#notWaking(userId)
    return Promise.all(inPlaces(this.#behind()).map((place) => this.#wakeTogether(place)))
  }

  #behind(): Subscriber[] {
    const now = this.#options.now()
    return [...this.#byUser.values()].filter(
      (one) => one.wakingUntil <= now && this.#isBehind(one) && one.retryAt <= now,
    )
  }

  /** From the alarm. Answers when to look again (ms) at those that have not answered; undefined: all have. */
  retry(): number | undefined {
    this.wakeBehind()
    let next: number | undefined
    for (const one of this.#byUser.values()) {
      const at = Math.max(one.wakingUntil, one.retryAt)
      if (this.#isBehind(one)) next = Math.min(next ?? at, at)
    }
    return next
  }

  #wakeDirectly(place: Subscriber[]): void {
    const wake = this.#wakeFor(place)
    for (const one of place) void this.#wakeOne(one, wake)
  }

  /** Wakes as many as the Workers of one request can; the alarm wakes the others at once, as a request of its own. */
  #wakeInSlices(behind: Subscriber[]): void {
    const { slices, rest } = wakeSlices(behind)
    for (const slice of slices) void this.#wakeSlice(slice)
    if (rest) this.#options.retryAt(this.#options.now())
  }

  /** The wake of subscribers that stand in one place. */
  #wakeFor(place: readonly Subscriber[]): Wake {
    const { own, acked: from } = place[0]!
    const to = this.#options.head()
    const roomId = this.#options.roomId()
    return own > from
      ? { roomId, from, to }
      : { roomId, from, to, increment: this.#options.increment(from, to) }
  }

  /**
   * After answers: wakes those behind what has come meanwhile, by the alarm where that calls Workers again. A look at
   * all after each answer would grow with the square of them.
   */
  #wakeMore(answered: readonly Subscriber[]): void {
    if (!answered.some((one) => this.#isBehind(one))) return
    if (this.#behind().length > DIRECT) this.#options.retryAt(this.#options.now())
    else this.wakeBehind()
  }

  async #wakeOne(one: Subscriber, wake: Wake): Promise<void> {
    const { generation } = one
    one.wakingUntil = this.#options.now() + STUCK_MS
    const answer = await this.#options.transport.wake(one.userId, wake).catch(() => undefined)
    this.#answered(one, generation, wake.to, answer)
    this.#wakeMore([one])
  }

  async #wakeSlice(slice: readonly Subscriber[]): Promise<void> {
    const wake = this.#wakeFor(slice)
    const generations = slice.map((one) => one.generation)
    for (const one of slice) one.wakingUntil = this.#options.now() + STUCK_MS
    const userIds = slice.map((one) => one.userId)
    const answers = await this.#options.transport.wakeMany(userIds, wake).catch(() => [])
    for (const [i, one] of slice.entries()) this.#answered(one, generations[i] ?? -1, wake.to, answers[i])
    this.#wakeMore(slice)
  }

  async #wakeTogether(place: readonly Subscriber[]): Promise<void> {
    const wake = this.#wakeFor(place)
    const left = new Map(place.map((one) => [one.userId, { one, generation: one.generation }]))
    for (const one of place) one.wakingUntil = this.#options.now() + STUCK_MS
    const call = await this.#options.transport.wakeTogether([...left.keys()], wake)
    const take = () =>
      call.take().map(([userId, answer]) => {
        const { one, generation } = left.get(userId)!
        this.#answered(one, generation, wake.to, answer)
        return one
      })
    void this.#follow(call, take)
  }

  async #follow(call: SharedCall, take: () => Subscriber[]): Promise<void> {
    this.#shared.add(take)
    for await (const _ of call.looks()) this.#wakeMore(take())
    this.#shared.delete(take)
  }

  #notWaking(userId: string): void {
    const one = this.#byUser.get(userId)
    if (one !== undefined) one.wakingUntil = 0
  }

  #answered(one: Subscriber, generation: number, to: number, answer: WakeAnswer): void {
    one.wakingUntil = 0
    // The user left, and may be back with a new subscription.
    if (this.#byUser.get(one.userId) !== one) return
    // A pull has come since that wake left: its own answer stands, and the subscription with it.
    if (one.generation !== generation) return
    if (answer === undefined) {
      one.retryAt = this.#options.now() + Math.min(backoff(one.failures++), LAST_RETRY_MS)
      this.#options.retryAt(one.retryAt)
      return
    }
    one.failures = 0
    one.retryAt = 0
    if (!answer.unsubscribe) {
      one.acked = Math.max(one.acked, to)
      return
    }
    this.#byUser.delete(one.userId)
    removeSubscriber(this.#options.sql, one.userId)
  }
}

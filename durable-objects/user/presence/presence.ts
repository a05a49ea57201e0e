/**
 * Presence: the user's own, and what the people awake around them have told. In memory, but for one row written
 * when the own state changes: an object that wakes for its alarm must know that somebody is believed to be online.
 */
import { takeFault } from '../../../src/faults.ts'
import type { PresenceNews, PresenceState, PresenceValue } from '../../../src/objects/user/presence.ts'
import { PacedWork } from '../../../src/paced-work.ts'
import type { Clock } from '../../../src/ports/system.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { readMeta, writeMeta } from '../../sqlite.ts'
import { Others } from './others.ts'

/** A client at which nobody does anything, ms. */
const IDLE_AFTER_MS = 300_000
const META = 'presence'
/** How often clients that wait are answered for presence alone, ms. */
const EVERY_MS = 1_000
/** How long a user that does not look waits for the presence of others, if nothing else is news, ms. */
const LEFT_ALONE_MS = 300_000

export interface PresenceParts {
  sql: SqlStorage
  userId: string
  clock: Clock
  enabled: boolean
  /** The user whose presence is not shown. */
  ignored: () => ReadonlySet<string>
  /** How many polls wait: a user that polls is there. */
  waiting: () => number
  /** When a client that holds a stream was last heard of, ms; 0: never. */
  heard: () => number
  /** The user is gone: streams that are still open lead nowhere. */
  vanished: () => void
  /** Client-Server API §Presence: "a client that has not been heard of" for so long (ms) is gone. */
  timeoutMs: number
  /** To others the user is simply gone. */
  hidden: () => boolean
  /** Tells the rooms that the user is in, and answers the presence of others that they know. */
  tell: (state: PresenceState) => Promise<PresenceState[]>
  /** As `tell`, for one room that the user has come into. */
  meet: (roomId: string, state: PresenceState) => Promise<PresenceState[]>
  /** The event stream hears what others are shown, when it has changed. */
  told: (state: PresenceState) => void
  /** Has the alarm ring at a time (ms) at the latest. */
  arm: (at: number) => void
  /** Something is news for waiting clients. */
  changed: () => void
  /** What waits to be told, kept with the polls that wait, for the time after an eviction. */
  kept: {
    read: () => KeptPresence | undefined
    /** Answers whether there is room for it; undefined: nothing waits any more. */
    write: (kept: KeptPresence | undefined) => boolean
  }
}

/** What a user that does not look was not told yet. */
export interface KeptPresence {
  states: PresenceState[]
  /** When the first of it was heard, ms. */
  since: number
}

interface Own {
  presence: PresenceValue
  statusMsg?: string
  lastActive?: number
  /** The client set this state in so many words, so only the client changes it. */
  chosen: boolean
  /** When it became so; absent: never, or in an earlier version. */
  since?: number
  /** Without a sign of life until then, they are gone. */
  due: number
}

const NEVER_SEEN: Own = { presence: 'offline', chosen: false, due: 0 }

export class Presence {
  readonly #parts: PresenceParts
  readonly #others = new Others()
  readonly #showing: PacedWork
  /** What each device's last sync said of itself, and when (ms). */
  readonly #said = new Map<string, { wish: PresenceValue; at: number }>()
  #own: Own
  #lastContact = 0
  /** When the first of what waits was heard, ms; undefined: nothing waits for a user that does not look. */
  #waitsSince: number | undefined

  constructor(parts: PresenceParts) {
    this.#parts = parts
    const stored = readMeta<string>(parts.sql, META)
    this.#own = stored === undefined ? NEVER_SEEN : (JSON.parse(stored) as Own)
    const kept = parts.kept.read()
    for (const state of kept?.states ?? []) this.#others.note(state)
    this.#waitsSince = kept?.since
    const { clock } = parts
    this.#showing = new PacedWork({ everyMs: EVERY_MS, now: () => clock.now(), work: () => this.#show() })
  }

  /** The place of the newest presence told; 0: none. */
  get latest(): number {
    return this.#others.latest
  }

  /** Presence events after a place, except those of users that this user ignores; undefined: all that is known. */
  eventsAfter(place: number | undefined, now: number): (JsonObject & { type: string; sender: string })[] {
    const news = this.#others.after(place)
    if (news.length === 0) return []
    const ignored = this.#parts.ignored()
    return news
      .filter(({ userId }) => !ignored.has(userId))
      .map((state) => ({
        type: 'm.presence',
        sender: state.userId,
        content: presenceContent(state, now),
      }))
  }

  /**
   * A sync, which says what its device is: "offline" leaves everything as it is. It counts only if it says something
   * new or if the user was gone; otherwise an idle user would be online again at each poll.
   * @param first the client begins anew, and wants to know which users are there
   */
  async seen(deviceId: string, wish: PresenceValue, first: boolean): Promise<void> {
    const now = this.#parts.clock.now()
    if (first || this.#waitedLong(now)) this.takeAlong()
    if (!this.#parts.enabled || wish === 'offline') return
    this.#lastContact = now
    const said = this.#said.get(deviceId)?.wish
    this.#said.set(deviceId, { wish, at: now })
    const wasGone = this.#own.presence === 'offline' && !this.#own.chosen
    const isNew = said === undefined ? this.#saysAnything(wish, now) : said !== wish
    const wanted = this.#anyOnline(now) ? 'online' : wish
    if (wasGone || (isNew && this.#own.presence !== wanted)) await this.#become(wanted, { chosen: false })
    // What others told is in memory alone, and may be gone. A later poll does without: it would ask each time.
    else if (first && this.#others.isEmpty) await this.#exchange()
  }

  /** Of a device not heard before in this incarnation: "online" is the default, and is what the idle say too. */
  #saysAnything(wish: PresenceValue, now: number): boolean {
    const { chosen, lastActive = 0 } = this.#own
    return wish !== 'online' || (!chosen && now - lastActive < IDLE_AFTER_MS)
  }

  /** A user that is there on one device is there. */
  #anyOnline(now: number): boolean {
    return [...this.#said.values()].some(
      ({ wish, at }) => wish === 'online' && now - at < this.#parts.timeoutMs,
    )
  }

  /** The user has come into a room: they and those awake there hear of each other, whatever they have heard before. */
  async met(roomId: string): Promise<void> {
    if (!this.#parts.enabled) return
    const heard = await this.#parts.meet(roomId, this.#shown()).catch(() => [])
    for (const state of heard) this.#others.note(state, true)
    if (heard.length > 0) this.#showing.do()
  }

  /** What the client sets; an absent message ends the one before. */
  set(presence: PresenceValue, statusMsg: string | undefined): void {
    if (!this.#parts.enabled) return
    this.#lastContact = this.#parts.clock.now()
    void this.#become(presence, { statusMsg, chosen: presence !== 'online' })
  }

  /** The user did something: an idle user is back. */
  active(): void {
    if (!this.#parts.enabled || this.#own.presence === 'offline') return
    this.#own.lastActive = this.#parts.clock.now()
    if (this.#own.presence === 'unavailable' && !this.#own.chosen)
      void this.#become('online', { chosen: false })
  }

  state(): PresenceState {
    const { presence, statusMsg, lastActive, since } = this.#own
    return { userId: this.#parts.userId, presence, statusMsg, lastActive, since }
  }

  /**
   * A room tells of others; the answer is what this user is. A user that is idle does not look: they are told with what
   * comes next, once they are back, or by a poll that begins `LEFT_ALONE_MS` later.
   */
  hear(news: readonly PresenceNews[]): PresenceState {
    const areNews = news.map(({ state, met }) => this.#others.note(state, met))
    if (areNews.includes(true) && !this.#leavesAlone()) this.#showing.ask()
    return this.#shown()
  }

  #waitedLong(now: number): boolean {
    if (this.#waitsSince === undefined) return false
    const fault = `presence:left-alone:${this.#parts.userId}`
    return now - this.#waitsSince >= LEFT_ALONE_MS || takeFault(fault)
  }

  /** The user is idle, and did not choose to be: nobody looks. */
  get rests(): boolean {
    const { presence, chosen } = this.#own
    return this.#parts.enabled && presence === 'unavailable' && !chosen
  }

  #leavesAlone(): boolean {
    if (this.#own.presence !== 'unavailable') return false
    this.#waitsSince ??= this.#parts.clock.now()
    return this.#parts.kept.write({ states: this.#others.heard, since: this.#waitsSince })
  }

  /** Those who wait are about to be answered for something else: what was heard goes along. */
  takeAlong(): void {
    if (this.#waitsSince !== undefined) this.#parts.kept.write(undefined)
    this.#waitsSince = undefined
    this.#others.tell(this.#parts.clock.now())
  }

  /**
   * From the alarm: a user without a sign of life is gone, and a user that did nothing is idle. Answers when to look
   * again.
   */
  async check(): Promise<number | undefined> {
    if (!this.#parts.enabled || this.#own.presence === 'offline') return undefined
    const now = this.#parts.clock.now()
    const vanished = takeFault(`presence:vanished:${this.#parts.userId}`)
    const heard = Math.max(this.#lastContact, this.#parts.heard())
    const waits = this.#parts.waiting() > 0
    const alive = !vanished && (waits || now - heard < this.#parts.timeoutMs)
    if (!alive && (vanished || now >= this.#own.due)) {
      this.#parts.vanished()
      await this.#become('offline', { chosen: false })
      return undefined
    }
    const idleAt = (this.#own.lastActive ?? 0) + IDLE_AFTER_MS
    if (
      this.#own.presence === 'online' &&
      (now >= idleAt || takeFault(`presence:idle:${this.#parts.userId}`))
    ) {
      await this.#become('unavailable', { chosen: false })
    } else if (alive && now >= this.#own.due) {
      this.#store({ ...this.#own, due: (waits ? now : heard) + this.#parts.timeoutMs })
    }
    return this.#own.presence === 'online'
      ? Math.max(now + 1, Math.min(this.#own.due, idleAt))
      : this.#own.due
  }

  async #become(
    presence: PresenceValue,
    change: { statusMsg?: string | undefined; chosen: boolean },
  ): Promise<void> {
    const now = this.#parts.clock.now()
    const before = this.#own.presence
    const statusMsg = 'statusMsg' in change ? change.statusMsg : this.#own.statusMsg
    const lastActive = presence === 'online' ? now : this.#own.lastActive
    const since = Math.max(now, (this.#own.since ?? 0) + 1)
    const due = now + this.#parts.timeoutMs
    this.#store({ presence, statusMsg, lastActive, chosen: change.chosen, since, due })
    if (presence !== 'offline') this.#parts.arm(this.#own.due)
    if (presence !== before) this.#parts.told(this.#shown())
    await this.#exchange()
  }

  /** Tells the others, and hears what they are. */
  async #exchange(): Promise<void> {
    if (this.#others.note(this.state())) this.#showing.do()
    const heard = await this.#parts.tell(this.#shown()).catch(() => [])
    const areNews = heard
      .filter((state) => state.presence !== 'offline')
      .map((state) => this.#others.note(state))
    if (areNews.includes(true)) this.#showing.do()
  }

  /** What others hear. */
  #shown(): PresenceState {
    const state = this.state()
    if (state.presence === 'offline' || !this.#parts.hidden()) return state
    return { userId: state.userId, presence: 'offline', since: state.since }
  }

  #show(): boolean {
    this.takeAlong()
    this.#parts.changed()
    return true
  }

  #store(own: Own): void {
    this.#own = own
    writeMeta(this.#parts.sql, META, JSON.stringify(own))
  }
}

/** Client-Server API §m.presence: the content, at this moment. */
export function presenceContent({ presence, statusMsg, lastActive }: PresenceState, now: number): JsonObject {
  const content: JsonObject = { presence }
  if (lastActive !== undefined) {
    const ago = Math.max(0, now - lastActive)
    content.last_active_ago = ago
    content.currently_active = presence === 'online' && ago < IDLE_AFTER_MS
  }
  if (statusMsg !== undefined) content.status_msg = statusMsg
  return content
}

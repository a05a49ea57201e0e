/** `/sync` on a User object: answers at once, or keeps the client waiting until a wake, a change or the time. */
import { takeFault } from '../../../src/faults.ts'
import type { Increment } from '../../../src/objects/room/sync.ts'
import type { PresenceState } from '../../../src/objects/user/presence.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type {
  MembershipChange,
  News,
  SyncRequest,
  VisitedRoom,
  Wake,
} from '../../../src/objects/user/sync.ts'
import type { Clock } from '../../../src/ports/system.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { Presence, type PresenceParts } from '../presence/presence.ts'
import { rulesetOf, storedRuleset } from '../push/push-rules.ts'
import { ignoredUsers } from '../settings/ignored-users.ts'
import { Inbox } from '../to-device/inbox.ts'
import { type DeviceListsBody, DeviceNews } from './device-news.ts'
import { StoredHeads } from './head-store.ts'
import { NO_EPOCH } from './heads/epochs.ts'
import { Heads } from './heads/heads.ts'
import { LazyMembers } from './lazy-members.ts'
import { Memberships, type UserRoom } from './memberships.ts'
import type { PullRooms } from './pull-transport.ts'
import type { SyncQuery } from './room-sections.ts'
import { Sockets, type WaitingSocket } from './sockets.ts'
import { type AccountDataChange, Sync, type SyncAnswer, stayOf } from './sync.ts'
import { DEVICES_ONLY } from './sync-plan.ts'
import { Queries, type StoredFilters } from './sync-query.ts'
import { formatSyncToken, parseSyncToken, type SyncToken } from './sync-token.ts'
import { UnreadCounts } from './unread.ts'

export interface SyncPollsParts extends StoredFilters {
  ctx: DurableObjectState
  sql: SqlStorage
  userId: string
  clock: Clock
  pullRooms: PullRooms
  own: () => number
  accountData: (since: number | undefined) => AccountDataChange[]
  /** Whose messages are not shown. */
  ignored: () => ReadonlySet<string>
  /** Whether an invite that is there is not shown. */
  hidesInvite: (room: UserRoom) => boolean
  /** Of these users, those who are in none of the user's rooms any more. */
  strangers: (userIds: string[]) => Promise<string[]>
  transaction: <T>(work: () => T) => T
  presence: Pick<PresenceParts, 'enabled' | 'arm' | 'meet'> & {
    tell: (roomIds: string[], state: PresenceState) => Promise<PresenceState[]>
    /** How long a first sync waits for what others say of themselves. */
    /** Waits for `work`, but no longer than a first sync may. */
    patiently: (work: Promise<unknown>) => Promise<unknown>
  }
}

/** A place behind every event: rooms take it for their end. */
const NOWHERE = 999_999_999_999
/** A user who has not asked for this long wants no wakes. */
const AWAKE_MS = 60_000
/** How often a poll looks again in vain before it waits: a Room that cannot be reached must not keep it spinning. */
const LOOKS = 2
/** Characters in a message of a socket, which the platform bounds by 1 MiB. */
const LONGEST_MESSAGE = 300_000
/** How soon a Room that was not reached for a waiting poll is asked again. */
const ASK_AGAIN_MS = 1_000

export class SyncPolls {
  readonly memberships: Memberships
  readonly sockets: Sockets
  readonly inbox: Inbox
  readonly #parts: SyncPollsParts
  readonly #stored: StoredHeads
  readonly #heads: Heads
  readonly #sync: Sync
  readonly #queries: Queries
  readonly #unread: UnreadCounts
  readonly #devices: DeviceNews
  readonly #lazy = new LazyMembers()
  readonly presence: Presence
  /** The user's push rules and whom they ignore, until they change. */
  #settings: { ruleset: JsonObject; ignored: ReadonlySet<string> } | undefined
  #lastAsked = 0
  /** Waiting sockets are about to be served. */
  #serving = false
  #again: ReturnType<typeof setTimeout> | undefined
  /** Counts what may be news for somebody: a look during which it stood still has seen everything. */
  #changes = 0

  constructor(parts: SyncPollsParts) {
    this.#parts = parts
    this.memberships = new Memberships(parts.sql)
    this.#queries = new Queries(parts)
    this.#stored = new StoredHeads({ ...parts, now: () => parts.clock.now() })
    this.#heads = new Heads({ store: this.#stored, rooms: this.memberships })
    this.sockets = new Sockets(parts.ctx)
    this.#unread = new UnreadCounts({
      userId: parts.userId,
      ruleset: () => this.#readSettings().ruleset,
      ignored: () => this.#readSettings().ignored,
    })
    this.presence = new Presence({
      ...parts,
      ...parts.presence,
      ignored: () => this.#readSettings().ignored,
      tell: (state) => parts.presence.tell(this.memberships.joinedRooms(), state),
      waiting: () => this.sockets.size,
      changed: () => this.serve(),
    })
    this.#devices = new DeviceNews(parts)
    this.inbox = new Inbox(parts.sql)
    this.#sync = new Sync({
      ...parts,
      ignored: () => this.#readSettings().ignored,
      devices: this.#devices,
      inbox: this.inbox,
      unread: this.#unread,
      ruleset: () => storedRuleset(parts.sql),
      presence: this.presence,
      memberships: this.memberships,
      heads: this.#heads,
      lazy: this.#lazy,
      moved: () => this.serve(),
      asking: () => this.#markLevel(),
    })
    this.#wakeUp()
  }

  /** @throws MatrixError M_INVALID_PARAM for a token or filter that is none */
  async sync(request: SyncRequest): Promise<Response> {
    this.#lastAsked = this.#parts.clock.now()
    const query = this.#queries.of(request)
    const token = request.since === undefined ? undefined : this.#given(request.since)
    this.#lazy.cameBack(request.session.deviceId, token && formatSyncToken(token))
    if (token !== undefined) this.#tokenCameBack(request.session.deviceId, token)
    const met = this.presence.seen(request.session.deviceId, request.presence, token === undefined)
    // A first sync shows who is there already.
    if (token === undefined) await this.#parts.presence.patiently(met)
    const answer = await this.#onward(query, await this.#sync.answer(query, token))
    // A device may sleep before it ever sends its first token back.
    if (token === undefined) this.#stored.named(request.session.deviceId, parseSyncToken(answer.token).epoch)
    const atOnce = answer.news || token === undefined || request.fullState || request.timeoutMs === 0
    if (atOnce) return bodyOf(answer)
    const { session, filter, stateAfter } = request
    const level = this.#isLevel(answer.token, request.session)
    const kept = this.#queries.kept(filter)
    const poll = { session, token: answer.token, level, filter: kept, stateAfter }
    return this.sockets.open(poll, query, this.#devices.counts(session.deviceId))
  }

  /** After a transaction of the object: what is remembered of keys is read anew. */
  keysChanged(): void {
    this.#devices.keysChanged()
  }

  /** Sessions are over, and so may be their devices: nothing is remembered of either. */
  endSessions(sessionIds: ReadonlySet<string>): void {
    this.sockets.endSessions(sessionIds)
    this.inbox.forget()
    this.#stored.forgetDevices()
  }

  /** A device's keys were claimed or have come: its polls that end with nothing say how many are left. */
  keysCounted(deviceId: string): void {
    this.sockets.tell(deviceId, () => this.#devices.counts(deviceId))
  }

  /** Whose devices have changed since a token, and with whom no room is shared any more. */
  async deviceLists(session: SyncRequest['session'], from: string): Promise<DeviceListsBody> {
    const query = { session, filter: DEVICES_ONLY, fullState: false, stateAfter: false }
    const { body } = await this.#sync.answer(query, parseSyncToken(from))
    return (body.device_lists as DeviceListsBody | undefined) ?? { changed: [], left: [] }
  }

  /** A Room's news. Noted durably before it is answered; the waiting get it at once. */
  wake(wake: Wake): { unsubscribe: boolean } {
    const room = this.memberships.byId(wake.roomId)
    if (room === undefined) return { unsubscribe: true }
    this.#heads.woken(room.no, wake.to)
    const news = newsOf(wake)
    this.#heads.keep(room.no, news.increment, wake.increment?.length ?? 0)
    this.#unread.advance(news)
    if (showsActivity(news, this.#parts.userId)) this.presence.active()
    this.#serveNext()
    const idle = this.#parts.clock.now() - this.#lastAsked > AWAKE_MS || takeFault('user:idle')
    return { unsubscribe: this.sockets.size === 0 && idle && this.#heads.release(room.no) }
  }

  /** The user's push rules or whom they ignore have changed: what is unread is counted anew. */
  settingsChanged(): void {
    this.#settings = undefined
    this.#unread.forgetAll()
  }

  /** After a membership was stored: a room that was left has no head any more. */
  membershipApplied({ roomId, membership }: MembershipChange): void {
    const room = this.memberships.byId(roomId)
    if (room !== undefined && membership !== 'join') this.#heads.forget(room.no)
    if (membership === 'join' && room?.was !== 'join') void this.presence.met(roomId)
    this.#unread.forget(roomId)
    this.serve()
  }

  /** Answers those waiting sockets that are behind. */
  serve(): void {
    this.#changes += 1
    for (const waiting of this.sockets.all()) {
      if (waiting.busy) continue
      if (this.#isBehind(waiting.poll.token, waiting.poll.session)) this.#serveOne(waiting)
      else this.sockets.advance(waiting, waiting.poll.token, this.#heads.settled)
    }
  }

  /** The joined rooms, those first that moved last, as far as this object has noticed. */
  roomsByNews(): string[] {
    return [...this.memberships.all()]
      .filter(({ membership }) => membership === 'join')
      .sort((a, b) => this.#heads.movedIn(b.no) - this.#heads.movedIn(a.no) || b.own - a.own)
      .map(({ roomId }) => roomId)
  }

  /** The rooms the user is or was in, and has not forgotten, those first that moved last. */
  visitedRooms(): VisitedRoom[] {
    const order = new Map(this.roomsByNews().map((roomId, index) => [roomId, index]))
    const placeOf = ({ roomId }: VisitedRoom) => order.get(roomId) ?? order.size
    return this.memberships.visitedRooms().sort((a, b) => placeOf(a) - placeOf(b))
  }

  /** Where a sync token stands in a room, as a place in its history. */
  positionOf(text: string, roomId: string): string {
    const token = parseSyncToken(text)
    const room = this.memberships.byId(roomId)
    // A room that the user only looks into: their tokens stand nowhere in it, and so at its end.
    if (room === undefined || room.membership === 'invite' || room.membership === 'knock')
      return `p${NOWHERE}`
    if (!this.#heads.epochs.lives(token)) {
      throw new MatrixError('M_INVALID_PARAM', 'This token knows nothing of the room')
    }
    const known = this.#heads.epochs.position(token, room.no)
    // A token names no room that had been left before it: there it stands at the leave.
    const leftBefore = known === 0 && room.membership !== 'join' && room.own <= token.own
    return `p${(leftBefore ? room.pos : known) + 1}`
  }

  /** A device asks a Room for all members: what changes of them concerns it from now on. */
  membersLoaded(deviceId: string, roomId: string): void {
    const room = this.memberships.byId(roomId)
    if (room !== undefined) this.#lazy.load(deviceId, stayOf(room))
  }

  // ------------------------------------------------------------ inside

  /** A token from after the backup that this object was restored from: the epoch it means is not the one that is here. */
  #given(text: string): SyncToken {
    const token = parseSyncToken(text)
    return token.own > this.#parts.own() ? { ...token, epoch: NO_EPOCH } : token
  }

  /** What its answer contained was received; a token whose epoch is gone acknowledges nothing. */
  #tokenCameBack(deviceId: string, token: SyncToken): void {
    this.#stored.named(deviceId, token.epoch)
    if (!this.#heads.epochs.lives(token)) return
    if (this.inbox.newest(deviceId) > 0) {
      this.#parts.transaction(() => this.inbox.acknowledge(deviceId, token.toDevice))
    }
  }

  #readSettings(): { ruleset: JsonObject; ignored: ReadonlySet<string> } {
    const { sql, userId } = this.#parts
    this.#settings ??= { ruleset: rulesetOf(sql, userId), ignored: ignoredUsers(sql, userId) }
    return this.#settings
  }

  #isBehind(token: string, { deviceId }: Session): boolean {
    return this.#sync.behind(parseSyncToken(token), deviceId)
  }

  #isLevel(token: string, session: Session): boolean {
    return this.#heads.settled && !this.#isBehind(token, session)
  }

  /** Before Rooms are asked, for whomever, and after. What is lost with an answer, the waiting may miss too. */
  #markLevel(): void {
    const asking = this.#heads.asking()
    for (const waiting of this.sockets.all()) {
      if (waiting.busy) continue
      const { token, session } = waiting.poll
      const level = this.#isLevel(token, session)
      this.sockets.advance(waiting, token, level)
      if (!level && !asking) this.#serveSoon()
    }
  }

  #serveOne(waiting: WaitingSocket): void {
    waiting.query ??= this.#queries.of({ ...waiting.poll, fullState: false })
    const { query } = waiting
    const answer = this.#sync.answerAtOnce(query, parseSyncToken(waiting.poll.token))
    if (answer === undefined) void this.#serveLater(waiting, query)
    else this.#give(waiting, answer)
  }

  /** Asks the Rooms for a waiting socket; what comes meanwhile is looked at when they have answered. */
  async #serveLater(waiting: WaitingSocket, query: SyncQuery): Promise<void> {
    const { token } = waiting.poll
    waiting.busy = true
    this.sockets.advance(waiting, token, false)
    try {
      const first = await this.#sync.answer(query, parseSyncToken(token))
      this.#give(waiting, await this.#onward(query, first))
    } finally {
      waiting.busy = false
      // A Room was not reached, and its wake is answered: nothing else would ask it again.
      if (this.sockets.waits(waiting) && this.#isBehind(waiting.poll.token, waiting.poll.session))
        this.#serveSoon()
    }
  }

  /**
   * Serves in the next turn: the wake is answered first, and wakes that come close together are served by one answer.
   * Until then the sockets say that they are behind, so that an eviction in between loses nothing.
   */
  #serveNext(): void {
    this.#changes += 1
    for (const waiting of this.sockets.all()) {
      if (waiting.poll.level) this.sockets.advance(waiting, waiting.poll.token, false)
    }
    if (this.sockets.size === 0 || this.#serving || takeFault('user:no-next-turn')) return
    this.#serving = true
    setTimeout(() => {
      this.#serving = false
      this.serve()
    }, 0)
  }

  #serveSoon(): void {
    if (this.#again !== undefined) return
    this.#again = setTimeout(() => {
      this.#again = undefined
      this.serve()
    }, ASK_AGAIN_MS)
  }

  #give(waiting: WaitingSocket, { news, body, token, rest }: SyncAnswer): void {
    const text = news ? JSON.stringify(body) : ''
    if (rest.length > 0 || text.length > LONGEST_MESSAGE) this.sockets.refuse(waiting)
    else if (news) this.sockets.answer(waiting, text)
    else this.sockets.advance(waiting, token, this.#isLevel(token, waiting.poll.session))
  }

  /**
   * Goes on from an answer that found nothing while there may be more: wakes came in between, or a Room was not
   * reached. Ends with news, with a token that stands at all heads, or when looking leads nowhere.
   */
  async #onward(query: SyncQuery, from: SyncAnswer): Promise<SyncAnswer> {
    let answer = from
    for (let vain = 0; vain < LOOKS && !answer.news && this.#isBehind(answer.token, query.session); ) {
      const changes = this.#changes
      const next = await this.#sync.answer(query, parseSyncToken(answer.token))
      vain = next.token === answer.token && changes === this.#changes ? vain + 1 : 0
      answer = next
    }
    return answer
  }

  /** After an eviction: what sockets wait with is known, and Rooms may have to be asked for some. */
  #wakeUp(): void {
    const waiting = this.sockets
      .all()
      .map(({ poll }) => ({ place: parseSyncToken(poll.token), level: poll.level }))
    if (this.#heads.learnFrom(waiting)) this.serve()
  }
}

/** The answer, and beside it what the Worker adds to it from the Rooms. */
function bodyOf({ body, rest }: SyncAnswer): Response {
  if (rest.length === 0) return Response.json(body)
  return Response.json({ body, rest }, { headers: { 'x-sync-rest': String(rest.length) } })
}

function newsOf({ increment, ...wake }: Wake): News {
  return increment === undefined ? wake : { ...wake, increment: JSON.parse(increment) as Increment }
}

/** Something the user did: sent, read or began to type. */
function showsActivity({ increment }: News, userId: string): boolean {
  if (increment === undefined) return false
  const { events, receipts = [], typing = [] } = increment
  return (
    events.some(({ event }) => event.sender === userId) ||
    receipts.some((receipt) => receipt.userId === userId) ||
    typing.includes(userId)
  )
}

/** `/sync` on a User object: answers at once, or keeps the client waiting until a wake, a change or the time. */
import { takeFault } from '../../../src/faults.ts'
import type { PresenceValue } from '../../../src/objects/user/presence.ts'
import type { SlidingRequest } from '../../../src/objects/user/sliding.ts'
import type { MembershipChange, SyncRequest, Wake } from '../../../src/objects/user/sync.ts'
import { fieldsChanged } from '../account/profile-changes.ts'
import { receivingDevices } from '../keys/dehydrated.ts'
import { Presence } from '../presence/presence.ts'
import { storedRuleset } from '../push/push-rules.ts'
import { Streams } from '../stream/streams.ts'
import { Inbox } from '../to-device/inbox.ts'
import { V2Codec } from './codecs/v2.ts'
import { StoredHeads } from './head-store.ts'
import { NO_EPOCH } from './heads/epochs.ts'
import { Heads } from './heads/heads.ts'
import { KeyCounts } from './key-counts.ts'
import { LazyMembers, stayOf } from './lazy-members.ts'
import { LeftAlone } from './left-alone.ts'
import { Memberships } from './memberships.ts'
import { Places } from './places.ts'
import type { PollReader } from './poll-reader.ts'
import type { SyncPollsParts } from './polls-parts.ts'
import { Queries, type SyncQuery } from './query.ts'
import { ShownSettings } from './shown-settings.ts'
import { SlidingEngine } from './sliding/engine.ts'
import { type Poll, Sockets } from './sockets.ts'
import type { DeviceListsBody } from './streams/device-lists.ts'
import { DEVICES_ONLY } from './streams/room-plan.ts'
import { Sync } from './sync.ts'
import { formatSyncToken, parseSyncToken, type SyncToken } from './sync-token.ts'
import { UnreadCounts } from './unread.ts'
import { V2Reader } from './v2-reader.ts'
import { WaitingPolls } from './waiting.ts'
import { newsOf, showsActivity, waitingWakes } from './wakes.ts'

/** A user that has not asked for this long gets no wakes. */
const AWAKE_MS = 60_000

export class SyncPolls {
  readonly memberships: Memberships
  readonly sockets: Sockets
  readonly inbox: Inbox
  readonly presence: Presence
  readonly streams: Streams
  readonly places: Places
  readonly #parts: SyncPollsParts
  readonly #stored: StoredHeads
  readonly #heads: Heads
  readonly #sync: Sync
  readonly #waiting: WaitingPolls
  readonly #queries: Queries
  readonly #unread: UnreadCounts
  readonly #keys: KeyCounts
  readonly #lazy = new LazyMembers()
  readonly #codec: V2Codec
  readonly #sliding: SlidingEngine
  readonly #settings: ShownSettings
  readonly #left: LeftAlone
  #lastAsked = 0

  constructor(parts: SyncPollsParts) {
    this.#parts = parts
    this.#settings = new ShownSettings(parts.sql, parts.userId)
    const ignored = () => this.#settings.ignored
    this.memberships = new Memberships(parts.sql, parts.userId)
    this.sockets = new Sockets(parts.ctx, parts.check)
    this.inbox = new Inbox(parts.sql, () => receivingDevices(parts.sql))
    this.presence = new Presence({
      ...parts,
      ...parts.presence,
      ignored,
      tell: (state) => parts.presence.tell(this.places.roomsByNews(), state),
      waiting: () => this.sockets.size + this.#waiting.held,
      heard: () => this.streams.sockets.lastHeard(),
      vanished: () => this.streams.sockets.cutSilent(),
      changed: () => this.serve(),
      kept: {
        read: () => this.sockets.presence,
        write: (kept) => this.sockets.keepPresence(kept),
      },
    })
    this.#stored = new StoredHeads({ ...parts, now: () => parts.clock.now() })
    this.#heads = new Heads({ store: this.#stored, rooms: this.memberships })
    this.places = new Places(this.memberships, this.#heads)
    this.#queries = new Queries(parts)
    this.#keys = new KeyCounts(parts.sql)
    const ruleset = () => this.#settings.ruleset
    this.#unread = new UnreadCounts({ userId: parts.userId, ruleset, ignored })
    this.#sync = new Sync({
      ...parts,
      ignored,
      inbox: this.inbox,
      unread: this.#unread,
      ruleset: () => storedRuleset(parts.sql),
      presence: this.presence,
      memberships: this.memberships,
      heads: this.#heads,
      moved: () => this.serve(),
      cards: () => this.#sliding.order,
      asking: () => {
        this.#waiting.markLevel()
        this.streams.markLevel()
      },
    })
    this.#codec = new V2Codec({ lazy: this.#lazy, keys: this.#keys })
    this.#sliding = new SlidingEngine({
      ...parts,
      now: () => parts.clock.now(),
      sync: this.#sync,
      heads: this.#heads,
      memberships: this.memberships,
      inbox: this.inbox,
      keys: this.#keys,
      epochs: this.#stored,
      ownFields: (after, upTo) => fieldsChanged(parts.sql, after, upTo),
    })
    const readerOf = (poll: Poll) => this.#readerOf(poll)
    const hear = waitingWakes(parts, (wake) => this.wake(wake))
    const common = { ...parts, heads: this.#heads, readerOf, hear }
    this.#waiting = new WaitingPolls({ ...common, sockets: this.sockets })
    this.streams = new Streams({
      ...common,
      ctx: parts.ctx,
      metrics: parts.metrics,
      kept: (filter) => this.#queries.kept(filter),
      given: (text) => this.#given(text),
      cameBack: (deviceId, token) => {
        this.#left.begins(() => true)
        this.#cameBack(deviceId, token)
      },
      seen: ({ session, presence }, first) => this.#seen(session.deviceId, presence, first),
      begun: (deviceId, token) => this.#stored.named(deviceId, parseSyncToken(token).epoch),
      arm: parts.armStreams,
    })
    this.#left = new LeftAlone({
      ...{ ...common, presence: this.presence, sockets: this.sockets },
      streams: () => this.streams.size,
      serveNext: () => this.#waiting.serveNext(),
    })
    this.#waiting.wakeUp()
    this.streams.wakeUp()
    this.#left.wakeUp()
  }

  /** @throws MatrixError M_INVALID_PARAM for an invalid token or filter */
  async sync(request: SyncRequest): Promise<Response> {
    const { session, filter, stateAfter, timeoutMs, fullState } = request
    const reader = this.#v2(this.#queries.of(request))
    const token = request.since === undefined ? undefined : this.#given(request.since)
    const since = token && reader.textOf(token)
    this.#cameBack(session.deviceId, token, since)
    const met = this.#seen(session.deviceId, request.presence, token === undefined)
    // A first sync shows the people that are online already.
    if (token === undefined) await met
    const kept = this.#queries.kept(filter)
    const poll = { session, filter: kept, stateAfter, begun: this.#lastAsked }
    const mayWait = token !== undefined && !fullState && this.#heads.epochs.lives(token)
    const atOnce = token === undefined || fullState || timeoutMs === 0
    this.#left.begins(() => atOnce || !mayWait || reader.behind(since!))
    const manner = { open: this.#opens(poll, reader), session, mayWait, atOnce, timeoutMs }
    const { answer, response } = await this.#waiting.poll(reader, since, manner)
    // A device may sleep before it ever sends its first token back.
    if (token === undefined && answer !== undefined)
      this.#stored.named(session.deviceId, parseSyncToken(answer.token).epoch)
    return response
  }

  /** Sliding sync (MSC4186). @throws MatrixError M_UNKNOWN_POS */
  async slide(request: SlidingRequest): Promise<Response> {
    this.#lastAsked = this.#parts.clock.now()
    const { session, conn, pos, timeoutMs, presence, txnId, asked } = request
    const isFirst = pos === undefined
    const reader = this.#sliding.ask(request)
    const met = this.presence.seen(session.deviceId, presence, isFirst)
    if (isFirst && asked.extensions.presence) await this.#parts.presence.patiently(met)
    const { since: toDevice } = asked.extensions.to_device ?? {}
    const begun = this.#lastAsked
    const poll = { session, stateAfter: true, begun, sliding: { conn, toDevice, txnId } }
    const atOnce = isFirst || timeoutMs === 0
    this.#left.begins(() => atOnce || reader.behind(pos!))
    const manner = { open: this.#opens(poll, reader), session, mayWait: !isFirst, atOnce, timeoutMs }
    return (await this.#waiting.poll(reader, pos, manner)).response
  }

  #opens(poll: Omit<Poll, 'token' | 'level'>, reader: PollReader) {
    return (token: string, level: boolean) => this.sockets.open({ ...poll, token, level }, reader)
  }

  #v2(query: SyncQuery): V2Reader {
    return new V2Reader({ sync: this.#sync, codec: this.#codec, keys: this.#keys }, query)
  }

  #readerOf(poll: Poll): PollReader {
    if (poll.sliding !== undefined) return this.#sliding.readerOf(poll)
    return this.#v2(this.#queries.of({ ...poll, fullState: false }))
  }

  /** After a transaction of the object: what is remembered of keys is read anew. */
  keysChanged(): void {
    this.#keys.forget()
  }

  /** Sessions are over, and so may be their devices: nothing is remembered of either. */
  endSessions(sessionIds: ReadonlySet<string>): void {
    this.sockets.endSessions(sessionIds)
    this.streams.sockets.endSessions(sessionIds)
    this.inbox.forget()
    this.#stored.forgetDevices()
    this.#sliding.forget()
  }

  /** A device's keys were claimed or have come: its polls that end with nothing say how many are left. */
  keysCounted(deviceId: string): void {
    this.sockets.tell(deviceId, (waiting) => this.#waiting.readerOf(waiting))
    this.streams.keysCounted(deviceId)
  }

  /** The users whose devices have changed since a token, and those that share no room with this one any more. */
  async deviceLists(session: SyncRequest['session'], from: string): Promise<DeviceListsBody> {
    const query = { session, filter: DEVICES_ONLY, fullState: false, stateAfter: false }
    const { deviceLists } = await this.#sync.read(query, parseSyncToken(from))
    return deviceLists ?? { changed: [], left: [] }
  }

  /** A Room's news. Noted durably before it is answered; the waiting get it at once. */
  wake(wake: Wake): { unsubscribe: boolean } {
    const room = this.memberships.byId(wake.roomId)
    if (room === undefined) return { unsubscribe: true }
    const news = newsOf(wake)
    this.#unread.advance(news)
    if (this.#left.leaves(room.no, news, wake.increment?.length ?? 0)) return { unsubscribe: false }
    if (news.increment !== undefined) this.#sliding.order?.advance(room.no, news.increment)
    this.#left.takeAlong()
    this.#heads.woken(room.no, wake.to)
    this.#heads.keep(room.no, news.increment, wake.increment?.length ?? 0)
    if (showsActivity(news, this.#parts.userId)) this.presence.active()
    this.presence.takeAlong()
    this.#waiting.serveNext()
    this.streams.woken()
    const idle = this.#parts.clock.now() - this.#lastAsked > AWAKE_MS || takeFault('user:idle')
    const waits = this.sockets.size + this.streams.size > 0
    return { unsubscribe: !waits && idle && this.#heads.release(room.no) }
  }

  /** The user's push rules or ignored users have changed: what is unread is counted anew. */
  settingsChanged(): void {
    this.#settings.forget()
    this.#unread.forgetAll()
  }

  /** After a membership was stored: a room that was left has no head any more. */
  membershipApplied({ roomId, membership }: MembershipChange): void {
    const room = this.memberships.byId(roomId)
    if (room !== undefined && membership !== 'join') this.#heads.forget(room.no)
    if (membership === 'join' && room?.was !== 'join') void this.presence.met(roomId)
    this.#unread.forget(roomId)
    this.#sliding.order?.changed()
    this.serve()
  }

  /** Answers those waiting sockets that are behind. */
  serve(): void {
    this.#left.takeAlong()
    this.#waiting.serve()
    this.streams.serve()
  }

  /** A device asks a Room for all members: from now on it is told of changes to any of them. */
  membersLoaded(deviceId: string, roomId: string): void {
    const room = this.memberships.byId(roomId)
    if (room !== undefined) this.#lazy.load(deviceId, stayOf(room))
  }

  // ------------------------------------------------------------ inside

  /** A token from after the backup that this object was restored from means an epoch that is not the one stored here. */
  #given(text: string): SyncToken {
    const token = parseSyncToken(text)
    return token.own > this.#parts.own() ? { ...token, epoch: NO_EPOCH } : token
  }

  /** The client begins anew, or has what its token's answer contained. A token whose epoch is gone acknowledges nothing. */
  #cameBack(deviceId: string, token?: SyncToken, text = token && formatSyncToken(token)): void {
    this.#lastAsked = this.#parts.clock.now()
    this.#lazy.cameBack(deviceId, text)
    if (token === undefined) return
    this.#stored.named(deviceId, token.epoch)
    if (!this.#heads.epochs.lives(token)) return
    if (this.inbox.newest(deviceId) > 0) {
      this.#parts.transaction(() => this.inbox.acknowledge(deviceId, token.toDevice))
    }
  }

  /** A device is there. For a first sync: answers once others' presence is known, if that does not take long. */
  #seen(deviceId: string, wish: PresenceValue, first: boolean): Promise<unknown> {
    const met = this.presence.seen(deviceId, wish, first)
    return first ? this.#parts.presence.patiently(met) : met
  }
}

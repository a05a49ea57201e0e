/** The part of a Room object's RPC surface that only reads. */
import { DurableObject } from 'cloudflare:workers'
import type { Env } from '../../../src/env.ts'
import type { StateCursor, StateRequest } from '../../../src/objects/room/state.ts'
import type { UnreadRequest } from '../../../src/objects/room/sync.ts'
import type {
  ChildrenRequest,
  ContextRequest,
  MessagesRequest,
  MomentRequest,
  NotificationsRequest,
  SearchContext,
  ThreadsRequest,
} from '../../../src/objects/room/timeline.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import { toResult } from '../../rpc.ts'
import type { RoomContext } from '../context.ts'
import { delayedEventsOf } from '../rows/delayed-store.ts'
import { joinRule } from '../write/vouching.ts'
import { eventAtTime } from './at-time.ts'
import { children, threads } from './children.ts'
import { eventContext } from './event-context.ts'
import { mayEditAliases } from './listing.ts'
import { notificationsFor } from './notifications.ts'
import { foundEvents, visibleEvents } from './search.ts'
import { peek, snapshot } from './snapshot.ts'
import { joinedMembersFor, stateEventFor, stateFor } from './state-reads.ts'
import { summaryFor } from './summary.ts'
import { threadPlace } from './thread-place.ts'
import { eventFor, messages } from './timeline.ts'
import { unreadCount } from './unread.ts'

export abstract class RoomReads extends DurableObject<Env> {
  protected abstract get room(): RoomContext

  messages(request: MessagesRequest) {
    return toResult(() => messages(this.room, request))
  }

  event(viewer: Session, eventId: string, ignored?: string[]) {
    return toResult(() => eventFor(this.room, viewer, eventId, ignored))
  }

  context(request: ContextRequest) {
    return toResult(() => eventContext(this.room, request))
  }

  children(request: ChildrenRequest) {
    return toResult(() => children(this.room, request))
  }

  unread(userId: string, request: UnreadRequest & { ignored: string[] }) {
    return toResult(() => unreadCount(this.room, userId, request))
  }

  notifications(viewer: Session, request: NotificationsRequest) {
    return toResult(() => notificationsFor(this.room, viewer, request))
  }

  threads(request: ThreadsRequest) {
    return toResult(() => threads(this.room, request))
  }

  threadPlace(userId: string, rootId: string, causeId?: string) {
    return toResult(() => threadPlace(this.room, userId, rootId, causeId))
  }

  eventAtTime(request: MomentRequest) {
    return toResult(() => eventAtTime(this.room, request))
  }

  snapshot(viewer: Session, limit: number) {
    return toResult(() => snapshot(this.room, viewer, limit))
  }

  peek(viewer: Session, from?: string) {
    return toResult(() => peek(this.room, viewer, from))
  }

  state(request: StateRequest) {
    return toResult(() => stateFor(this.room, request))
  }

  stateEvent(viewer: string, type: string, stateKey: string) {
    return toResult(() => stateEventFor(this.room, viewer, type, stateKey))
  }

  joinedMembers(viewer: string, cursor?: StateCursor) {
    return toResult(() => joinedMembersFor(this.room, viewer, cursor))
  }

  joinRule() {
    return toResult(() => joinRule(this.room))
  }

  isJoined(userId: string) {
    return toResult(() => this.room.store.member(userId)?.membership === 'join')
  }

  mayEditAliases(userId: string) {
    return toResult(() => mayEditAliases(this.room, userId))
  }

  summary(viewer: string | null) {
    return toResult(() => summaryFor(this.room, viewer))
  }

  visibleEvents(viewer: string, eventIds: string[], ignored: string[]) {
    return toResult(() => visibleEvents(this.room, viewer, eventIds, ignored))
  }

  foundEvents(viewer: Session, eventIds: string[], request: { ignored: string[]; context?: SearchContext }) {
    return toResult(() => foundEvents(this.room, viewer, eventIds, request))
  }

  delayedEvents(userId: string) {
    return toResult(() => delayedEventsOf(this.room, userId))
  }
}

/** What is asked of a Room that only reads. Sessions are checked by the Workers: a Room knows none. */
import type { OutgoingEvents, OutgoingRequest } from '../../../src/objects/room/outgoing.ts'
import type { DelayedEvent } from '../../../src/objects/room/send.ts'
import type {
  JoinedMembersSlice,
  StateCursor,
  StateRequest,
  StateSlice,
} from '../../../src/objects/room/state.ts'
import type { PeekAnswer, RoomSnapshot, SummaryAnswer } from '../../../src/objects/room/summary.ts'
import type { UnreadRequest } from '../../../src/objects/room/sync.ts'
import type {
  ChildrenAnswer,
  ChildrenRequest,
  ContextAnswer,
  ContextRequest,
  FoundEvent,
  MessagesAnswer,
  MessagesRequest,
  NotificationsRequest,
  NotificationsSlice,
  SearchContext,
  ThreadPlace,
  ThreadsAnswer,
  ThreadsRequest,
} from '../../../src/objects/room/timeline.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type { ClientEvent } from '../../../src/protocol/events/event.ts'
import { rpcTable } from '../../rpc-table.ts'
import type { ReadDesk } from '../desk.ts'
import { notInRoom } from '../outsiders.ts'
import { delayedEventsOf } from '../rows/events/delayed-store.ts'
import { children, threads } from './children.ts'
import { eventContext } from './event-context.ts'
import { outgoingEvents, serversIn } from './federation/outgoing.ts'
import { type JoinRule, joinRule } from './join-rule.ts'
import { mayEditAliases } from './listing.ts'
import { notificationsFor } from './notifications.ts'
import { foundEvents, visibleEvents } from './search.ts'
import { peek, snapshot } from './snapshot.ts'
import { joinedMembersFor, stateEventFor, stateFor } from './state-reads.ts'
import { summaryFor } from './summary.ts'
import { threadPlace } from './thread-place.ts'
import { eventFor, messages } from './timeline.ts'
import { unreadCount } from './unread.ts'

const reads = { session: 'none', repeatable: true } as const
const readsMuch = { ...reads, large: true } as const

export const readRpc = rpcTable<ReadDesk>()({
  messages: {
    ...readsMuch,
    absent: notInRoom,
    run: ({ room }, request: MessagesRequest): MessagesAnswer => messages(room, request),
  },

  event: {
    ...reads,
    run: ({ room }, viewer: Session, eventId: string, ignored?: string[]): ClientEvent =>
      eventFor(room, viewer, eventId, ignored),
  },

  context: {
    ...readsMuch,
    run: ({ room }, request: ContextRequest): ContextAnswer => eventContext(room, request),
  },

  children: {
    ...readsMuch,
    run: ({ room }, request: ChildrenRequest): ChildrenAnswer => children(room, request),
  },

  /** How many events here a member has not read and is notified of; 0 outside the room. */
  unread: {
    ...reads,
    run: ({ room }, userId: string, request: UnreadRequest & { ignored: string[] }): number =>
      unreadCount(room, userId, request),
  },

  /** What a member was notified of here, newest first. */
  notifications: {
    ...readsMuch,
    run: ({ room }, viewer: Session, request: NotificationsRequest): NotificationsSlice =>
      notificationsFor(room, viewer, request),
  },

  threads: {
    ...readsMuch,
    absent: notInRoom,
    run: ({ room }, request: ThreadsRequest): ThreadsAnswer => threads(room, request),
  },

  /** @throws MatrixError M_NOT_FOUND; IO.ELEMENT.MSC4306.M_NOT_IN_THREAD where `causeId` is in another */
  threadPlace: {
    ...reads,
    run: ({ room }, userId: string, rootId: string, causeId?: string): ThreadPlace =>
      threadPlace(room, userId, rootId, causeId),
  },

  snapshot: {
    ...readsMuch,
    absent: notInRoom,
    run: ({ room }, viewer: Session, limit: number): RoomSnapshot => snapshot(room, viewer, limit),
  },

  /** What came after a place; without a place, only where the room stands. */
  peek: {
    ...readsMuch,
    absent: notInRoom,
    run: ({ room }, viewer: Session, from?: string): PeekAnswer => peek(room, viewer, from),
  },

  /** A slice of the state, as the viewer may see it. */
  state: {
    ...readsMuch,
    absent: notInRoom,
    run: ({ room }, request: StateRequest): StateSlice => stateFor(room, request),
  },

  stateEvent: {
    ...reads,
    absent: notInRoom,
    run: ({ room }, viewer: string, type: string, stateKey: string): ClientEvent =>
      stateEventFor(room, viewer, type, stateKey),
  },

  joinedMembers: {
    ...readsMuch,
    absent: notInRoom,
    run: ({ room }, viewer: string, cursor?: StateCursor): JoinedMembersSlice =>
      joinedMembersFor(room, viewer, cursor),
  },

  /** What a joiner must satisfy, before anybody is asked: the join rule and the rooms that `restricted` names. */
  joinRule: {
    ...reads,
    run: ({ room }): JoinRule => joinRule(room),
  },

  /** Whether a user is joined: for restricted rooms elsewhere, and checks of the alias API. */
  isJoined: {
    ...reads,
    absent: () => false,
    run: ({ room }, userId: string): boolean => room.store.member(userId)?.membership === 'join',
  },

  /** Whether the user may set the canonical alias, and so edit the room's aliases and its place in the directory. */
  mayEditAliases: { ...reads, run: ({ room }, userId: string): boolean => mayEditAliases(room, userId) },

  /** For lists of rooms and spaces; `viewer` null: nobody in particular. */
  summary: {
    ...readsMuch,
    run: ({ room }, viewer: string | null): SummaryAnswer => summaryFor(room, viewer),
  },

  /** Those of these events that exist and that the viewer may see. */
  visibleEvents: {
    ...reads,
    run: ({ room }, viewer: string, eventIds: string[], ignored: string[]): string[] =>
      visibleEvents(room, viewer, eventIds, ignored),
  },

  /** Events that a search found, each with what stands around it. */
  foundEvents: {
    ...readsMuch,
    run: (
      { room },
      viewer: Session,
      eventIds: string[],
      request: { ignored: string[]; context?: SearchContext },
    ): FoundEvent[] => foundEvents(room, viewer, eventIds, request),
  },

  /** What another server must get, while it takes part. */
  outgoingEvents: {
    ...readsMuch,
    run: ({ room }, request: OutgoingRequest): OutgoingEvents => outgoingEvents(room, request),
  },

  /** Servers through which others can join. */
  serversIn: { ...reads, absent: () => [], run: ({ room }): string[] => serversIn(room) },

  delayedEvents: {
    ...reads,
    absent: () => [],
    run: ({ room }, userId: string): DelayedEvent[] => delayedEventsOf(room, userId),
  },
})

/** The Room object, as the Workers and the User objects call it. */

import type { ClientEvent, Pdu } from '../../protocol/events/event.ts'
import type { Profile } from '../../protocol/profile.ts'
import type { NewState } from '../../protocol/rooms/room-upgrade.ts'
import type { Session } from '../user/session.ts'
import type { CreateRoomPlan, UpgradeRequest } from './create.ts'
import type { DelayedAction, DelayedEvent, DelayedRequest, MembershipRequest, SendRequest } from './send.ts'
import type { JoinedMembersSlice, StateCursor, StateRequest, StateSlice } from './state.ts'
import type { PeekAnswer, RoomSnapshot, SummaryAnswer } from './summary.ts'
import type { MarkReadRequest, PullRequest, RoomSlice, UnreadRequest } from './sync.ts'
import type {
  ChildrenAnswer,
  ChildrenRequest,
  ContextAnswer,
  ContextRequest,
  FoundEvent,
  MessagesAnswer,
  MessagesRequest,
  MomentRequest,
  NotificationsRequest,
  NotificationsSlice,
  SearchContext,
  ThreadPlace,
  ThreadsAnswer,
  ThreadsRequest,
} from './timeline.ts'

export interface RoomGateway {
  create(createPdu: Pdu, roomVersion: string, plan: CreateRoomPlan): Promise<{ roomId: string }>
  send(request: SendRequest): Promise<string>
  /** The event id, or undefined where nothing had to change (already joined, already invited). */
  changeMembership(request: MembershipRequest): Promise<string | undefined>
  /** Shows a joined user's new profile in their member event. */
  updateProfile(userId: string, profile: Profile): Promise<void>
  /** From now on whoever joins later is shown this user's events redacted. */
  markErased(userId: string): Promise<void>
  /** A member's devices have changed: whoever shares the room must look at them again. */
  markDevices(userId: string): Promise<void>
  /** Whether a member has pushers, and so their object wants to hear of events. Answers whether it does only now. */
  setPushMember(userId: string, wanted: boolean): Promise<boolean>
  setTyping(userId: string, typing: boolean, timeoutMs: number): Promise<void>
  /**
   * Moves receipts forward, and answers the position of the fully-read event.
   * @throws MatrixError M_FORBIDDEN outside the room, M_INVALID_PARAM for an unknown event or one of another thread
   */
  markRead(request: MarkReadRequest): Promise<{ fullyReadPos?: number }>
  /** The local members who want to hear of the room now; nobody where it has more than `limit` members. */
  awake(userId: string, limit: number): Promise<string[]>
  pull(request: PullRequest): Promise<RoomSlice>
  messages(request: MessagesRequest): Promise<MessagesAnswer>
  event(viewer: Session, eventId: string, ignored?: string[]): Promise<ClientEvent>
  context(request: ContextRequest): Promise<ContextAnswer>
  children(request: ChildrenRequest): Promise<ChildrenAnswer>
  threads(request: ThreadsRequest): Promise<ThreadsAnswer>
  /** @throws MatrixError M_NOT_FOUND; IO.ELEMENT.MSC4306.M_NOT_IN_THREAD where `causeId` is in another */
  threadPlace(userId: string, rootId: string, causeId?: string): Promise<ThreadPlace>
  eventAtTime(request: MomentRequest): Promise<{ event_id: string; origin_server_ts: number }>
  snapshot(viewer: Session, limit: number): Promise<RoomSnapshot>
  /** What came after a place; without one, only where the room stands. */
  peek(viewer: Session, from?: string): Promise<PeekAnswer>
  /** A slice of the state, as the viewer may see it. */
  state(request: StateRequest): Promise<StateSlice>
  stateEvent(viewer: string, type: string, stateKey: string): Promise<ClientEvent>
  joinedMembers(viewer: string, cursor?: StateCursor): Promise<JoinedMembersSlice>
  /** What a joiner must satisfy, before anybody is asked: the join rule and the rooms that `restricted` names. */
  joinRule(): Promise<{ joinRule: string; allowRooms: string[] }>
  /** Whether a user is joined: for restricted rooms elsewhere, and checks of the alias API. */
  isJoined(userId: string): Promise<boolean>
  /** Whether the user may set the canonical alias: who may edit the directory for the room. */
  mayEditAliases(userId: string): Promise<boolean>
  /** Takes an alias out of the canonical alias event, where it stands there and the user may change that. */
  dropAlias(userId: string, alias: string): Promise<void>
  /** Answers when the archive knows what the room has so far, or after two seconds. */
  archived(): Promise<void>
  /**
   * Lists the room in the public directory, or takes it out. Answers as `archived` does.
   * @throws MatrixError M_FORBIDDEN without the power to set the canonical alias
   */
  setListed(userId: string, listed: boolean): Promise<void>
  /** For lists of rooms and spaces; `viewer` null: nobody in particular. */
  summary(viewer: string | null): Promise<SummaryAnswer>
  /** Of these events, those that are there and that the viewer may see. */
  visibleEvents(viewer: string, eventIds: string[], ignored: string[]): Promise<string[]>
  /** Events that a search found, each with what stands around it. */
  foundEvents(
    viewer: Session,
    eventIds: string[],
    request: { ignored: string[]; context?: SearchContext },
  ): Promise<FoundEvent[]>
  /** @throws MatrixError M_UNKNOWN (400) unless the user has left the room */
  forget(userId: string): Promise<void>
  /** Makes the room that replaces this one, and answers its id. Asked again, it answers the same room. */
  upgrade(request: UpgradeRequest): Promise<string>
  /** How many events here a member has not read and is notified of; 0 outside the room. */
  unread(userId: string, request: UnreadRequest & { ignored: string[] }): Promise<number>
  /** What a member was notified of here, newest first. */
  notifications(viewer: Session, request: NotificationsRequest): Promise<NotificationsSlice>
  /** More state of the room that this one replaces, sent by its creator; what stands already is passed over. */
  replicate(sender: string, states: NewState[]): Promise<void>
  /** Answers the id of the delayed event: of the one there is already, for a transaction id used before. */
  schedule(request: DelayedRequest): Promise<string>
  /** @param userId the owner, where the one who asks is known. @throws MatrixError M_NOT_FOUND; 409 when it is over */
  delayedAction(delayId: string, action: DelayedAction, userId?: string): Promise<void>
  delayedEvents(userId: string): Promise<DelayedEvent[]>
  /** Makes the room again from the archive alone. Answers how many events it has. */
  rebuild(roomId: string): Promise<number>
}

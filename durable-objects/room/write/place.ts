/** Steps 6 and 7 of the pipeline: what is stored of an event, and what it changes in the room. */
import type { MembershipChange } from '../../../src/objects/user/sync.ts'
import {
  type IdentifiedPdu,
  type Pdu,
  STRIPPED_TYPES,
  type StrippedEvent,
  strippedEvent,
} from '../../../src/protocol/events/event.ts'
import type { BuiltEvent } from '../../../src/protocol/events/event-builder.ts'
import type { Extremity } from '../../../src/protocol/events/extremities.ts'
import { serverNameOf } from '../../../src/protocol/identifiers.ts'
import { objectField, stringField } from '../../../src/protocol/json-fields.ts'
import type { Membership } from '../../../src/protocol/rooms/membership.ts'
import type { RoomReader, RoomWriter } from '../context.ts'
import { assembleTimelineEvent } from '../read/client-events.ts'
import { cancelForState } from '../rows/events/delayed-store.ts'
import type { NewEvent } from '../rows/events/events.ts'
import { FLAGS, type Verdict } from '../rows/events/flags.ts'
import { writeRelation } from '../rows/events/relations.ts'
import { countServer, tellServerOnce } from '../rows/federation/servers.ts'
import { stateMapOf } from '../rows/federation/states.ts'
import { remember } from '../rows/members/forgotten.ts'
import { placeInChain } from '../rows/state/auth-chain.ts'
import { appendLog } from '../rows/tell/log.ts'
import { feed } from '../rows/tell/member-feed.ts'
import { removeSubscriber } from '../rows/tell/subscribers.ts'
import { applyRedaction } from './redact.ts'

/** A key of the state, and the event that stands there from now on; null ends the key. */
export type StateChange = [type: string, stateKey: string, event: IdentifiedPdu | null]

/** The event that brings a change about. */
export interface Cause {
  eventId: string
  pdu: Pick<Pdu, 'sender'>
}

/** Where an event stands in the room, and what the room is after it. */
export interface Placement {
  pos: number
  /** See `txnKey`. */
  txn: string | null
  /** An event that is not accepted is stored, and is in no extremity: it has no delta. */
  verdict: Verdict
  /** What changes in the room's state with it: of the newest event its own key. What a resolution moves comes later. */
  delta: readonly StateChange[]
  /** The states before and after it, unless it follows on all the forward extremities. */
  around?: NewEvent['around']
  /** Its place in the chain cover, where it has one already. */
  chain?: NewEvent['chain']
  /** The forward extremities after the event; left out where they are set once for many. */
  extremities?: readonly Extremity[]
  /** Clients are told of it; they know an event from the archive already. */
  isNew: boolean
}

/** Puts an event in its place, with everything that follows, inside the caller's transaction. */
export function placeEvent(room: RoomWriter, event: BuiltEvent, placement: Placement): void {
  const { store } = room
  const { pdu, eventId, json } = event
  const { pos, txn, verdict, around, delta, extremities, isNew } = placement
  const isState = pdu.state_key !== undefined
  const replaced = isState && isNew ? replacedBy(room, pdu, around) : undefined
  const chain = placement.chain ?? (isState ? placeInChain(store.sql, pdu.auth_events) : null)
  store.insertEvent({ eventId, pdu, pos, json, txn, chain, around, flags: FLAGS[verdict] })
  changeState(room, delta, { pos, cause: event })
  if (extremities !== undefined) store.setExtremities(extremities)
  if (verdict !== 'accepted') return
  writeRelation(store.sql, event, pos)
  if (!isNew) return
  if (delta.some(([, , changed]) => changed?.eventId === eventId)) cancelForState(room, pdu)
  if (delta.some(([, , changed]) => changed?.eventId !== eventId) || isForSome(room, around))
    room.moved = true
  if (pdu.type === 'm.room.redaction') applyRedaction(room, event)
  room.appended.push(assembleTimelineEvent(pos, eventId, pdu, replaced, txn))
}

/** Whether not all members of now may see an event of a branch: then no increment that is made for all may carry it. */
function isForSome({ store }: RoomReader, around: Placement['around']): boolean {
  if (around === undefined) return false
  const visibility = stateMapOf(store.sql, { base: around.before, deltas: [] }).get(
    'm.room.history_visibility',
    '',
  )
  return FOR_SOME.has(visibility?.pdu.content.history_visibility)
}

const FOR_SOME: ReadonlySet<unknown> = new Set(['joined', 'invited'])

/** What stood at the key of a state event before it. */
function replacedBy(
  { store }: RoomReader,
  { type, state_key: stateKey = '' }: Pdu,
  around: Placement['around'],
): IdentifiedPdu | undefined {
  if (around === undefined) return store.get(type, stateKey)
  return stateMapOf(store.sql, { base: around.before, deltas: [] }).get(type, stateKey)
}

/** What visibility needs of a state event without opening it. */
const INDEXED_VALUE: ReadonlyMap<string, string> = new Map([
  ['m.room.member', 'membership'],
  ['m.room.history_visibility', 'history_visibility'],
])

/** Changes the state from a position on, and the members with it. `cause`: the event that brought the change about. */
export function changeState(
  room: RoomWriter,
  delta: readonly StateChange[],
  { pos, cause }: { pos: number; cause: Cause },
): void {
  for (const [type, stateKey, event] of delta) {
    const indexed = INDEXED_VALUE.get(type)
    const value = indexed === undefined ? undefined : event?.pdu.content[indexed]
    if (event === null) room.store.endState(type, stateKey, pos)
    else room.store.putState(event, pos, typeof value === 'string' ? value : null)
    if (type === 'm.room.member') writeMember(room, stateKey, { event, pos, cause })
    if (event?.eventId !== cause.eventId && !room.restoring)
      logMoved(room, [type, stateKey, event], { pos, cause })
  }
}

/** What changes by its own event, the archive has from that. */
function logMoved(
  room: RoomWriter,
  [type, stateKey, event]: StateChange,
  { pos: at, cause }: { pos: number; cause: Cause },
): void {
  const membership = type === 'm.room.member' ? membershipOf(event) : null
  const eventId = event?.eventId ?? null
  appendLog(room, { kind: 'moved', pos: 0, at, type, stateKey, eventId, membership, causeId: cause.eventId })
}

function membershipOf(event: IdentifiedPdu | null): Membership {
  return event === null ? 'leave' : (event.pdu.content.membership as Membership)
}

/** A user without a member event is not in the room: others see them as having left. */
function writeMember(
  room: RoomWriter,
  userId: string,
  { event, pos, cause }: { event: IdentifiedPdu | null; pos: number; cause: Cause },
): void {
  const { store } = room
  const membership = membershipOf(event)
  const { eventId, pdu } = event ?? cause
  const before = store.member(userId)
  const unchanged = before?.membership === membership
  store.countMember(before?.membership, membership)
  store.putMember(userId, membership, eventId, unchanged ? before.sincePos : pos)
  const joins = membership === 'join'
  if (!room.isLocal(userId)) {
    const server = serverNameOf(userId)
    if (joins !== (before?.membership === 'join')) countServer(store.sql, server, { joins, pos })
    // A server that has an invite of the room, and nothing else, must learn that it was taken back.
    else if (isInvited(before?.membership) && !isInvited(membership) && room.isLocal(pdu.sender))
      tellServerOnce(store.sql, server, pos)
    return
  }
  if (membership !== 'join') removeSubscriber(store.sql, userId)
  if (membership !== 'leave' && membership !== 'ban') remember(store.sql, userId)
  // Members of a room that is being made from the archive are told once all of it is there.
  if (room.restoring) return
  feedMember(room, { userId, membership, eventId, sender: pdu.sender, pos, unchanged })
}

function isInvited(membership: Membership | undefined): boolean {
  return membership === 'invite' || membership === 'knock'
}

/** Writes a local user's membership to the feed, inside the caller's transaction. */
export function feedMember(
  room: RoomWriter,
  member: { userId: string } & Pick<
    MembershipChange,
    'membership' | 'eventId' | 'sender' | 'pos' | 'unchanged'
  >,
): void {
  const { userId, ...rest } = member
  const { membership, unchanged } = rest
  const change: MembershipChange = { roomId: room.store.roomId, at: room.clock.now(), ...rest }
  if (membership === 'invite' || membership === 'knock') change.strippedState = strippedState(room, userId)
  const predecessor = membership === 'join' && !unchanged ? predecessorOf(room) : undefined
  if (predecessor !== undefined) change.predecessor = predecessor
  feed(room, userId, change)
}

/** The room that this one replaced, if any. */
function predecessorOf(room: RoomReader): string | undefined {
  const create = room.store.get('m.room.create', '')?.pdu.content
  return stringField(objectField(create?.predecessor)?.room_id)
}

function strippedState(room: RoomReader, userId: string): StrippedEvent[] {
  const member = room.store.get('m.room.member', userId)
  const inviter = member?.pdu.sender === userId ? undefined : member?.pdu.sender
  const events = member === undefined ? shownState(room, inviter) : [...shownState(room, inviter), member]
  return events.map((event) => strippedEvent(event.pdu))
}

/** What invited and knocking users see of the room. */
export function shownState({ store }: RoomReader, inviter: string | undefined): IdentifiedPdu[] {
  const events = STRIPPED_TYPES.map((type) => store.get(type, ''))
  // Clients name the inviter, and have no other place in this room to learn the name from.
  const named = inviter === undefined ? undefined : store.get('m.room.member', inviter)
  return [...events, named].filter((event) => event !== undefined)
}

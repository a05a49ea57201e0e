/** The one pipeline that writes events: build, authorise, hash, sign, append. Nothing else writes one. */
import type { MembershipChange } from '../../../src/objects/user/sync.ts'
import { authEventKeys } from '../../../src/protocol/auth/auth-events.ts'
import { checkEventAuth } from '../../../src/protocol/auth/event-auth.ts'
import { AuthRejection, MalformedContent, MatrixError } from '../../../src/protocol/errors.ts'
import { canonicalJson, floatInEvent } from '../../../src/protocol/events/canonical-json.ts'
import {
  type IdentifiedPdu,
  STRIPPED_TYPES,
  type StrippedEvent,
  strippedEvent,
} from '../../../src/protocol/events/event.ts'
import {
  type BuiltEvent,
  buildEvent,
  type EventDraft,
  unhashedPdu,
} from '../../../src/protocol/events/event-builder.ts'
import { checkEventSize } from '../../../src/protocol/events/event-format.ts'
import { objectField, stringField } from '../../../src/protocol/json-fields.ts'
import type { Membership } from '../../../src/protocol/rooms/membership.ts'
import { membershipIn } from '../../../src/protocol/rooms/membership.ts'
import type { RoomReader, RoomWriter } from '../context.ts'
import { assembleTimelineEvent, serverKey } from '../read/client-events.ts'
import { placeInChain } from '../rows/auth-chain.ts'
import { cancelForState } from '../rows/delayed-store.ts'
import { remember } from '../rows/forgotten.ts'
import { writeRelation } from '../rows/relations.ts'
import type { AllowedEvent, LocalEvent } from './local-event.ts'
import { applyRedaction, checkRedaction, placeRedacts } from './redact.ts'

/** Server-Server API §PDUs: an event names at most 20 prev_events. */
const MAX_PREV_EVENTS = 20

/**
 * Appends a local event, inside the caller's transaction. Answers its id.
 * @throws MatrixError M_FORBIDDEN with the rule's sentence, M_TOO_LARGE, M_BAD_JSON
 */
export function appendLocal(room: RoomWriter, event: LocalEvent): string {
  return append(room, authorise(room, event))
}

/**
 * Decides whether a local event may be sent, before anything else is said of it: an answer that needs no new event
 * would tell outsiders what the room holds.
 * @throws MatrixError M_FORBIDDEN with the rule's sentence, M_BAD_JSON, M_INVALID_PARAM
 */
export function authorise(room: RoomReader, local: LocalEvent): AllowedEvent {
  const { store } = room
  const event = local.type === 'm.room.redaction' ? placeRedacts(store.rules, local) : local
  const draft = draftOf(room, event)
  try {
    checkEventAuth(store.rules, unhashedPdu(draft), store)
  } catch (error) {
    if (error instanceof MalformedContent) throw new MatrixError('M_BAD_JSON', error.message)
    if (error instanceof AuthRejection) throw new MatrixError('M_FORBIDDEN', error.message)
    throw error
  }
  // Up to room version 5 the rules let a server's users name its aliases from outside. Ours are in the room for it.
  if (event.type === 'm.room.aliases' && membershipIn(store, event.sender) !== 'join') {
    throw new MatrixError('M_FORBIDDEN', 'the sender is not in the room')
  }
  if (event.type === 'm.room.redaction') checkRedaction(room, event)
  requireIntegers(room, event)
  return { event, draft }
}

/**
 * Room version 6: "numeric values may no longer be formatted as floats".
 * @throws MatrixError M_BAD_JSON
 */
export function requireIntegers(room: RoomReader, { hasFloats }: Pick<LocalEvent, 'hasFloats'>): void {
  if (!hasFloats || !room.store.rules.strictJson) return
  throw floatInEvent()
}

/** Hashes, signs and writes an allowed event, inside the caller's transaction. Answers its id. */
export function append(room: RoomWriter, { event, draft }: AllowedEvent): string {
  const built = buildEvent(room.store.rules, draft, room.serverName, room.signingKey)
  checkEventSize(built.json, built.pdu, built.eventId, room.store.roomId)
  writeEvent(room, built, event.unattended ? serverKey(built.eventId) : (event.txn ?? null))
  return built.eventId
}

function draftOf(room: RoomReader, event: LocalEvent): EventDraft {
  const { store } = room
  const prev = store.extremities.slice(0, MAX_PREV_EVENTS)
  const authEvents = authEventKeys(store.rules, event)
    .map(([type, key]) => store.get(type, key)?.eventId)
    .filter((id) => id !== undefined)
  return {
    roomId: store.roomId,
    sender: event.sender,
    type: event.type,
    stateKey: event.stateKey,
    content: event.content,
    redacts: event.redacts,
    originServerTs: room.clock.now(),
    depth: Math.max(...prev.map((extremity) => extremity.depth)) + 1,
    authEvents,
    prevEvents: prev.map((extremity) => extremity.eventId),
  }
}

/** Writes an authorised event and everything that follows from it. Its prev_events were all the extremities. */
export function writeEvent(room: RoomWriter, event: BuiltEvent, txn: string | null): void {
  const { store } = room
  const pos = store.positions.next()
  const { pdu, eventId } = event
  const replaced = pdu.state_key === undefined ? undefined : store.get(pdu.type, pdu.state_key)
  placeEvent(room, event, { pos, txn, inState: true })
  store.setExtremities([{ eventId, depth: pdu.depth }])
  if (pdu.state_key !== undefined) cancelForState(room, pdu)
  if (pdu.type === 'm.room.redaction') applyRedaction(room, event, pos)
  room.appended.push(assembleTimelineEvent(pos, eventId, pdu, replaced, txn))
}

/** Where an event stands in the room. */
export interface Place {
  pos: number
  /** See `txnKey`. */
  txn: string | null
  /** A state event that is part of the room's state from its position on. */
  inState: boolean
}

/**
 * Puts an event in its place, with everything that follows from it alone; of an archived event, that is all there
 * is to do.
 */
export function placeEvent(room: RoomWriter, event: BuiltEvent, { pos, txn, inState }: Place): void {
  const { store } = room
  const { pdu, eventId } = event
  const isState = pdu.state_key !== undefined
  const chain = isState ? placeInChain(store.sql, pdu.auth_events) : null
  store.insertEvent({ eventId, pdu, pos, json: event.json, txn, chain })
  writeRelation(store.sql, event, pos)
  if (isState && inState) writeState(room, event, pos)
}

/** What visibility needs of a state event without opening it. */
const INDEXED_VALUE: ReadonlyMap<string, string> = new Map([
  ['m.room.member', 'membership'],
  ['m.room.history_visibility', 'history_visibility'],
])

function writeState(room: RoomWriter, event: IdentifiedPdu, pos: number): void {
  const { type, content } = event.pdu
  const indexed = INDEXED_VALUE.get(type)
  const value = indexed === undefined ? undefined : content[indexed]
  room.store.putState(event, pos, typeof value === 'string' ? value : null)
  if (type === 'm.room.member') writeMember(room, event, pos)
}

function writeMember(room: RoomWriter, { pdu, eventId }: IdentifiedPdu, pos: number): void {
  const { store } = room
  const userId = pdu.state_key ?? ''
  const membership = pdu.content.membership as Membership
  const before = store.member(userId)
  const unchanged = before?.membership === membership
  store.countMember(before?.membership, membership)
  store.putMember(userId, membership, eventId, unchanged ? before.sincePos : pos)
  if (membership !== 'join') store.sql.exec('DELETE FROM subscribers WHERE user_id = ?', userId)
  if (membership !== 'leave' && membership !== 'ban') remember(store.sql, userId)
  // Of a room that is being made from the archive, members are told when all of it is there.
  if (!room.isLocal(userId) || room.restoring) return
  feedMember(room, { userId, membership, eventId, sender: pdu.sender, pos, unchanged })
}

/** Writes a local user's membership to the feed, inside the caller's transaction. */
export function feedMember(
  room: RoomWriter,
  member: { userId: string } & Pick<
    MembershipChange,
    'membership' | 'eventId' | 'sender' | 'pos' | 'unchanged'
  >,
): void {
  const { store } = room
  const { userId, ...rest } = member
  const { membership, unchanged, pos } = rest
  const change: MembershipChange = { roomId: store.roomId, at: room.clock.now(), ...rest }
  if (membership === 'invite' || membership === 'knock') change.strippedState = strippedState(room, userId)
  const predecessor = membership === 'join' && !unchanged ? predecessorOf(room) : undefined
  if (predecessor !== undefined) change.predecessor = predecessor
  store.sql.exec(
    'INSERT INTO member_feed (user_id, pos, change) VALUES (?, ?, ?)',
    userId,
    pos,
    JSON.stringify(change),
  )
  room.fed.push(userId)
}

/** The room that this one replaced, if any. */
function predecessorOf(room: RoomReader): string | undefined {
  const create = room.store.get('m.room.create', '')?.pdu.content
  return stringField(objectField(create?.predecessor)?.room_id)
}

function strippedState(room: RoomReader, userId: string): StrippedEvent[] {
  const events = STRIPPED_TYPES.map((type) => room.store.get(type, ''))
  const member = room.store.get('m.room.member', userId)
  // Clients name the inviter, and have no other place in this room to learn the name from.
  const inviter =
    member?.pdu.sender === userId ? undefined : room.store.get('m.room.member', member?.pdu.sender ?? '')
  return [...events, inviter, member]
    .filter((event) => event !== undefined)
    .map((event) => strippedEvent(event.pdu))
}

/** The state event that stands already with this content, by the same sender: sending it again changes nothing. */
export function unchangedState(room: RoomReader, event: LocalEvent): string | undefined {
  if (event.stateKey === undefined || event.type === 'm.room.redaction') return undefined
  const current = room.store.get(event.type, event.stateKey)
  if (current === undefined || current.pdu.sender !== event.sender) return undefined
  return canonicalJson(current.pdu.content, 'any') === canonicalJson(event.content, 'any')
    ? current.eventId
    : undefined
}

/**
 * The one pipeline that writes events; nothing else writes one. Its steps, by the names of the functions below and in
 * `place.ts`:
 *
 * 1. build: a local event becomes a draft, on all forward extremities that an event may name;
 * 2. auth events: those that the draft must name;
 * 3. state before: what the event is judged by;
 * 4. authorise: the rules of the room's version, and what this server asks of its own users;
 * 5. format, hash and signature: the finished event, within the limits of size;
 * 6. verdict: whether clients see it, and whether it counts in the state;
 * 7. place: position, extremities, state, members, and what follows from them.
 *
 * A local event is the simplest case: it comes after all that is there, and what is not accepted is not written.
 */
import { authEventKeys } from '../../../src/protocol/auth/auth-events.ts'
import { checkEventAuth } from '../../../src/protocol/auth/event-auth.ts'
import { AuthRejection, MalformedContent, MatrixError } from '../../../src/protocol/errors.ts'
import { canonicalJson, floatInEvent } from '../../../src/protocol/events/canonical-json.ts'
import type { StateMap } from '../../../src/protocol/events/event.ts'
import {
  type BuiltEvent,
  buildEvent,
  type EventDraft,
  unhashedPdu,
} from '../../../src/protocol/events/event-builder.ts'
import { checkEventSize } from '../../../src/protocol/events/event-format.ts'
import { extremitiesAfter, MAX_PREV_EVENTS } from '../../../src/protocol/events/extremities.ts'
import { membershipIn } from '../../../src/protocol/rooms/membership.ts'
import type { RoomReader, RoomWriter } from '../context.ts'
import { serverKey } from '../read/client-events.ts'
import { stateAfterAll } from '../rows/federation/states.ts'
import type { AllowedEvent, LocalEvent } from './local-event.ts'
import { placeEvent } from './place.ts'
import { Merge } from './receive/merge.ts'
import { placeReceived } from './receive/place-received.ts'
import { checkRedaction, placeRedacts } from './redact.ts'

/**
 * Appends a local event, inside the caller's transaction. Answers its id.
 * @throws MatrixError M_FORBIDDEN with the rule's sentence, M_TOO_LARGE, M_BAD_JSON
 */
export function appendLocal(room: RoomWriter, event: LocalEvent): string {
  return append(room, authorise(room, event))
}

/**
 * Steps 1 to 4. Decides whether a local event may be sent, before anything else is said of it: an answer to a request
 * that needs no new event would tell outsiders what the room holds.
 * @throws MatrixError M_FORBIDDEN with the rule's sentence, M_BAD_JSON, M_INVALID_PARAM
 */
export function authorise(room: RoomReader, local: LocalEvent): AllowedEvent {
  const { store } = room
  const event = local.type === 'm.room.redaction' ? placeRedacts(store.rules, local) : local
  const state = stateBefore(room)
  const draft = build(room, event, authEvents(room, event, state))
  checkRules(room, draft, state)
  // Up to room version 5 the rules let a server's users name its aliases from outside. Users here must be in the room.
  if (event.type === 'm.room.aliases' && membershipIn(state, event.sender) !== 'join') {
    throw new MatrixError('M_FORBIDDEN', 'the sender is not in the room')
  }
  if (event.type === 'm.room.redaction') checkRedaction(room, event)
  requireIntegers(room, event)
  return { event, draft }
}

/** Step 1. */
function build(room: RoomReader, event: LocalEvent, authEventIds: string[]): EventDraft {
  const { store } = room
  const prev = store.extremities.slice(0, MAX_PREV_EVENTS)
  return {
    roomId: store.roomId,
    sender: event.sender,
    type: event.type,
    stateKey: event.stateKey,
    content: event.content,
    redacts: event.redacts,
    originServerTs: room.clock.now(),
    depth: Math.max(...prev.map((extremity) => extremity.depth)) + 1,
    authEvents: authEventIds,
    prevEvents: prev.map((extremity) => extremity.eventId),
  }
}

/** Step 2. */
function authEvents({ store }: RoomReader, event: LocalEvent, state: StateMap): string[] {
  return authEventKeys(store.rules, event)
    .map(([type, key]) => state.get(type, key)?.eventId)
    .filter((id) => id !== undefined)
}

/** Step 3. A local event stands on all extremities: the state before it is the room's own. */
function stateBefore({ store }: RoomReader): StateMap {
  return store
}

/** Step 4. @throws MatrixError */
function checkRules({ store }: RoomReader, draft: EventDraft, state: StateMap): void {
  try {
    checkEventAuth(store.rules, unhashedPdu(draft), state)
  } catch (error) {
    if (error instanceof MalformedContent) throw new MatrixError('M_BAD_JSON', error.message)
    if (error instanceof AuthRejection) throw new MatrixError('M_FORBIDDEN', error.message)
    throw error
  }
}

/**
 * Room version 6: "numeric values may no longer be formatted as floats".
 * @throws MatrixError M_BAD_JSON
 */
export function requireIntegers(room: RoomReader, { hasFloats }: Pick<LocalEvent, 'hasFloats'>): void {
  if (!hasFloats || !room.store.rules.strictJson) return
  throw floatInEvent()
}

/** Steps 5 to 7 for an allowed event, inside the caller's transaction. Answers its id. */
export function append(room: RoomWriter, { event, draft }: AllowedEvent): string {
  const built = buildEvent(room.store.rules, draft, room.serverName, room.signingKey)
  checkEventSize(built.json, built.pdu, [built.eventId, room.store.roomId])
  writeEvent(room, built, event.unattended ? serverKey(built.eventId) : (event.txn ?? null))
  return built.eventId
}

/**
 * Steps 6 and 7 for an authorised event that comes after all that is there.
 * @param txn see `txnKey`
 */
export function writeEvent(room: RoomWriter, event: BuiltEvent, txn: string | null): void {
  const { store } = room
  const { pdu, eventId } = event
  if (pdu.prev_events.length < store.extremities.length) {
    const merge = new Merge(room)
    placeReceived(room, event, stateAfterAll(store, pdu.prev_events), { verdict: 'accepted', merge, txn })
    merge.settle()
    return
  }
  placeEvent(room, event, {
    pos: store.positions.next(),
    txn,
    verdict: 'accepted',
    delta: pdu.state_key === undefined ? [] : [[pdu.type, pdu.state_key, event]],
    extremities: extremitiesAfter(store.extremities, { eventId, pdu }),
    isNew: true,
  })
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

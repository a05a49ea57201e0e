/** What a resident server says of the room that a local user joins through it: checked before there is such a room here. */
import type { KeyRing } from '../../ports/federation.ts'
import { MatrixError } from '../../protocol/errors.ts'
import type { Pdu } from '../../protocol/events/event.ts'
import type { BuiltEvent } from '../../protocol/events/event-builder.ts'
import { elementsOf, membersOf } from '../../protocol/federation/json-parts.ts'
import { type CheckedPdu, readPdu } from '../../protocol/federation/pdu-checks.ts'
import type { RoomVersionRules } from '../../protocol/rooms/room-version.ts'
import { checkPdus } from '../pdu-batch.ts'

/** Events in one answer, state and auth chains together. */
const MOST_EVENTS = 100_000

export interface JoinedState {
  /** The state before the join and the auth chains, each event once. */
  events: CheckedPdu[]
  /** The state before the join. */
  stateIds: string[]
  /** The join itself, with all signatures that it must have. */
  join: CheckedPdu
}

interface Joining {
  roomId: string
  rules: RoomVersionRules
  /** As this server has signed it. */
  join: BuiltEvent
  /** A user of the resident server vouches for it, so that server signs it too. */
  isVouchedFor: boolean
}

/**
 * The answer of send_join. Events that are no events of the room, or whose keys cannot be had, are left out. The join stands
 * on the create event, power levels, join rules, what the join cites, and the auth chains of these.
 *
 * @throws MatrixError M_UNKNOWN (502) where one of those is missing, or the answer is too large or is none
 */
export async function readJoinedState(
  text: string,
  joining: Joining,
  keyRing: KeyRing,
): Promise<JoinedState> {
  const { state, authChain, event } = partsOf(text)
  const { rules, roomId, join, isVouchedFor } = joining
  const verdicts = await checkPdus([...state, ...authChain], rules, keyRing)
  const good = new Map<string, CheckedPdu>()
  const stateEvents: CheckedPdu[] = []
  const lost: string[] = []
  for (const [index, verdict] of verdicts.entries()) {
    const inState = index < state.length
    if (verdict.verdict === 'good' && isOfRoom(verdict, roomId, rules)) {
      good.set(verdict.eventId, verdict)
      if (inState) stateEvents.push(verdict)
    } else if (inState) lost.push(state[index]!)
  }
  requireDecisive(stateEvents, lost, rules)
  const decisive = stateEvents.filter(({ pdu }) => isDecisive(pdu)).map(({ eventId }) => eventId)
  requireChain([...join.pdu.auth_events, ...decisive], good)
  const signed = isVouchedFor ? await vouched(event, joining, keyRing) : { ...join, isRedacted: false }
  return { events: [...good.values()], stateIds: stateEvents.map(({ eventId }) => eventId), join: signed }
}

function partsOf(text: string): { state: string[]; authChain: string[]; event: string | undefined } {
  try {
    const members = membersOf(text)
    const state = elementsOf(members.get('state') ?? '', MOST_EVENTS)
    const authChain = elementsOf(members.get('auth_chain') ?? '', MOST_EVENTS - state.length)
    return { state, authChain, event: members.get('event') }
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
    if (error.errcode !== 'M_TOO_LARGE') throw unsound('its answer is not the state of a room')
    throw unsound(`the room's state has more than ${MOST_EVENTS} events`)
  }
}

/** Only the create event of room version 12 has no room_id, and it makes the room id itself. */
function isOfRoom({ eventId, pdu }: CheckedPdu, roomId: string, rules: RoomVersionRules): boolean {
  if (rules.roomIdIsCreateHash && pdu.type === 'm.room.create') return roomId === `!${eventId.slice(1)}`
  return pdu.room_id === roomId
}

/** What decides about a room: without one of these nothing else in it can be judged. */
const DECISIVE = ['m.room.create', 'm.room.power_levels', 'm.room.join_rules']

function isDecisive({ type, state_key: stateKey }: Pdu): boolean {
  return stateKey === '' && DECISIVE.includes(type)
}

function requireDecisive(
  state: readonly CheckedPdu[],
  lost: readonly string[],
  rules: RoomVersionRules,
): void {
  const keys = new Set<string>()
  for (const { pdu } of state) {
    if (pdu.state_key === undefined) throw unsound('its state has an event that is no state event')
    const key = JSON.stringify([pdu.type, pdu.state_key])
    if (keys.has(key)) throw unsound('its state has two events at one place')
    keys.add(key)
  }
  if (!keys.has('["m.room.create",""]')) throw unsound('the create event is missing')
  for (const text of lost) {
    const type = decisiveTypeOf(text, rules)
    if (type !== undefined) throw unsound(`${type} of the room cannot be checked`)
  }
}

/** Of an event that is not taken, its type where that decides about the room. What has no type decides nothing. */
function decisiveTypeOf(text: string, rules: RoomVersionRules): string | undefined {
  try {
    const { pdu } = readPdu(text, rules)
    return isDecisive(pdu) ? pdu.type : undefined
  } catch {
    return undefined
  }
}

function requireChain(from: readonly string[], good: ReadonlyMap<string, CheckedPdu>): void {
  const seen = new Set(from)
  // A set that grows while it is walked is walked to its end.
  for (const eventId of seen) {
    const event = good.get(eventId)
    if (event === undefined) throw unsound('an event is missing by which others are judged')
    for (const cited of event.pdu.auth_events) seen.add(cited)
  }
}

/** The same join, which the resident server has signed too. */
async function vouched(
  text: string | undefined,
  { rules, join }: Joining,
  keyRing: KeyRing,
): Promise<CheckedPdu> {
  const [verdict] = text === undefined ? [] : await checkPdus([text], rules, keyRing)
  const isIt = verdict?.verdict === 'good' && verdict.eventId === join.eventId && !verdict.isRedacted
  if (isIt) return verdict
  throw unsound('it has not signed the join for which its user vouches')
}

function unsound(why: string): MatrixError {
  return new MatrixError('M_UNKNOWN', `The room cannot be joined through this server: ${why}`, {
    status: 502,
  })
}

/** What a resident server says of the room that a local user joins through it: checked before there is such a room here. */
import type { ReceivedEvent } from '../../objects/room/federation.ts'
import type { KeyRing } from '../../ports/federation.ts'
import { MatrixError } from '../../protocol/errors.ts'
import type { Pdu } from '../../protocol/events/event.ts'
import type { BuiltEvent } from '../../protocol/events/event-builder.ts'
import { JsonParts } from '../../protocol/federation/json-parts.ts'
import { type CheckedPdu, type PduVerdict, readPdu } from '../../protocol/federation/pdu-checks.ts'
import type { RoomVersionRules } from '../../protocol/rooms/room-version.ts'
import { checkMany, checkPdus } from '../pdu-batch.ts'
import { PackedEvents } from './packed-events.ts'

/** Events in one answer, state and auth chains together. */
const MOST_EVENTS = 100_000

export interface JoinedState {
  /** The state before the join and the auth chains, each event once. */
  events: PackedEvents
  /** The state before the join. */
  stateIds: string[]
  /** The join itself, with all signatures that it must have. */
  join: ReceivedEvent
}

/** Takes the bytes of an answer of send_join. */
export function joinAnswer(): JsonParts {
  return new JsonParts({
    lists: ['state', 'auth_chain'],
    members: ['event', 'members_omitted'],
    most: MOST_EVENTS,
  })
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
 * on the create event, power levels, join rules, what the join cites, and the auth chains of these. Each event is let go of
 * once it is checked, but for what the Room is given of it.
 *
 * @throws MatrixError M_UNKNOWN (502) where one of those is missing, or the answer is too large or is none
 */
export async function readJoinedState(
  answer: JsonParts,
  joining: Joining,
  keyRing: KeyRing,
): Promise<JoinedState> {
  const { texts, stateCount, event } = partsOf(answer)
  const { rules, join, isVouchedFor } = joining
  const decoder = new TextDecoder()
  const textOf = (index: number) => decoder.decode(texts[index])
  const told = new ToldEvents(joining)
  const take = (index: number, verdict: PduVerdict) => {
    told.take(verdict, { inState: index < stateCount, text: () => textOf(index) })
    texts[index] = NOTHING
  }
  await checkMany({ count: texts.length, textOf, take }, rules, keyRing)
  told.requireSound(join)
  const signed = isVouchedFor ? await vouched(event, joining, keyRing) : { ...join, isRedacted: false }
  return { events: told.events, stateIds: told.stateIds, join: receivedEvent(signed) }
}

const NOTHING = new Uint8Array()

function partsOf(answer: JsonParts): {
  texts: Uint8Array[]
  stateCount: number
  event: string | undefined
} {
  try {
    answer.end()
    const [state, authChain] = [answer.lists.get('state'), answer.lists.get('auth_chain')]
    if (state === undefined || authChain === undefined) throw new MatrixError('M_BAD_JSON', 'No state')
    // This server did not ask for a state without its members, with which nothing in the room can be judged.
    if (answer.members.get('members_omitted') === 'true') throw unsound('its answer leaves out members')
    const texts = [...state, ...authChain]
    answer.lists.clear()
    return { texts, stateCount: state.length, event: answer.members.get('event') }
  } catch (error) {
    if (!(error instanceof MatrixError) || error.errcode === 'M_UNKNOWN') throw error
    if (error.errcode !== 'M_TOO_LARGE') throw unsound('its answer is not the state of a room')
    throw unsound(`the room's state has more than ${MOST_EVENTS} events`)
  }
}

/** What is kept of the events of an answer, and what is wrong with them. */
class ToldEvents {
  readonly events = new PackedEvents()
  readonly stateIds: string[] = []
  readonly #joining: Joining
  /** What each event cites. */
  readonly #good = new Map<string, string[]>()
  readonly #decisive: string[] = []
  readonly #stateKeys = new Set<string>()
  /** Ids that many events cite, once each. */
  readonly #ids = new Map<string, string>()
  #wrong: string | undefined

  constructor(joining: Joining) {
    this.#joining = joining
  }

  take(verdict: PduVerdict, { inState, text }: { inState: boolean; text: () => string }): void {
    const { roomId, rules } = this.#joining
    if (verdict.verdict === 'good' && isOfRoom(verdict, roomId, rules)) {
      const { eventId, pdu } = verdict
      if (!this.#good.has(eventId)) this.events.add(receivedEvent(verdict))
      this.#good.set(
        eventId,
        pdu.auth_events.map((id) => this.#idOf(id)),
      )
      if (inState) this.#takeState(eventId, pdu)
      return
    }
    const type = inState ? decisiveTypeOf(text(), rules) : undefined
    if (type !== undefined) this.#wrong ??= `${type} of the room cannot be checked`
  }

  /** @throws MatrixError M_UNKNOWN (502) */
  requireSound(join: BuiltEvent): void {
    if (!this.#stateKeys.has(CREATE_KEY)) throw unsound('the create event is missing')
    if (this.#wrong !== undefined) throw unsound(this.#wrong)
    const seen = new Set([...join.pdu.auth_events, ...this.#decisive])
    // A set that grows while it is walked is walked to its end.
    for (const eventId of seen) {
      const authEvents = this.#good.get(eventId)
      if (authEvents === undefined) throw unsound('an event is missing by which others are judged')
      for (const cited of authEvents) seen.add(cited)
    }
  }

  #takeState(eventId: string, pdu: Pdu): void {
    this.stateIds.push(eventId)
    if (isDecisive(pdu)) this.#decisive.push(eventId)
    const key = JSON.stringify([pdu.type, pdu.state_key])
    if (pdu.state_key === undefined) this.#wrong ??= 'its state has an event that is no state event'
    else if (this.#stateKeys.has(key)) this.#wrong ??= 'its state has two events at one place'
    this.#stateKeys.add(key)
  }

  #idOf(id: string): string {
    const known = this.#ids.get(id)
    if (known === undefined) this.#ids.set(id, id)
    return known ?? id
  }
}

const CREATE_KEY = '["m.room.create",""]'

function receivedEvent({ eventId, json, isRedacted }: ReceivedEvent): ReceivedEvent {
  return { eventId, json, isRedacted }
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

/** Of an event that is not taken, its type where that decides about the room. What has no type decides nothing. */
function decisiveTypeOf(text: string, rules: RoomVersionRules): string | undefined {
  try {
    const { pdu } = readPdu(text, rules)
    return isDecisive(pdu) ? pdu.type : undefined
  } catch {
    return undefined
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

/** Invites that other servers send to users of this one: what is checked before this server signs. */
import type { KeyRing } from '../../ports/federation.ts'
import { type ErrorCode, MatrixError } from '../../protocol/errors.ts'
import type { JsonObject, JsonValue } from '../../protocol/events/canonical-json.ts'
import { textOfExact } from '../../protocol/federation/more-signatures.ts'
import type { CheckedPdu } from '../../protocol/federation/pdu-checks.ts'
import { isUserId, serverNameOf } from '../../protocol/identifiers.ts'
import { objectField } from '../../protocol/json-fields.ts'
import type { RoomVersionRules } from '../../protocol/rooms/room-version.ts'
import { checkPdus } from '../pdu-batch.ts'

export interface IncomingInvite {
  origin: string
  roomId: string
  eventId: string
  rules: RoomVersionRules
  /** With exact numbers. */
  event: JsonObject
}

/**
 * The invite, if it is one: of a user of the server that sends it, for that event id and room, signed and whole.
 * @throws MatrixError M_BAD_JSON, M_INVALID_PARAM, M_FORBIDDEN
 */
export async function checkInvite(
  { origin, roomId, eventId, rules, event }: IncomingInvite,
  keyRing: KeyRing,
): Promise<CheckedPdu & { target: string }> {
  const [verdict] = await checkPdus([textOfExact(event)], rules, keyRing)
  if (verdict?.verdict === 'dropped' && verdict.step === 'format') {
    throw new MatrixError('M_BAD_JSON', verdict.reason)
  }
  if (verdict?.verdict !== 'good') throw forbidden('The invite is not signed by the server of its sender')
  // This server signs no event of which it has seen a part alone.
  if (verdict.isRedacted) throw forbidden('The content of the invite is not what its hash says')
  const { pdu } = verdict
  const { type, state_key: target, content, sender } = pdu
  if (verdict.eventId !== eventId) throw invalid(`The event is ${verdict.eventId}, not ${eventId}`)
  if (pdu.room_id !== roomId) throw invalid(`The event is not of the room ${roomId}`)
  if (type !== 'm.room.member' || content.membership !== 'invite') throw invalid('The event is no invite')
  if (target === undefined || !isUserId(target)) throw invalid('The event invites nobody')
  if (serverNameOf(sender) !== origin) throw forbidden(`The invite is not of a user of ${origin}`)
  return { ...verdict, target }
}

/**
 * "m.room.create … MUST be" among the events. From version 12 on it must be whole, since its hash is the room's id: it
 * shows that the invite is for the room that it describes.
 * @throws MatrixError M_MISSING_PARAM, M_INVALID_PARAM
 */
export async function checkInviteState(
  state: readonly JsonValue[],
  { roomId, rules }: Pick<IncomingInvite, 'roomId' | 'rules'>,
  keyRing: KeyRing,
): Promise<void> {
  if (!rules.roomIdIsCreateHash) return
  const events = state.map(objectField).filter((event) => event !== undefined)
  const create = events.find(({ type, state_key: key }) => type === 'm.room.create' && key === '')
  if (create === undefined) {
    throw new MatrixError('M_MISSING_PARAM', 'invite_room_state has no m.room.create')
  }
  const whole = events.filter((event) => event === create || 'signatures' in event)
  const verdicts = await checkPdus(whole.map(textOfExact), rules, keyRing)
  for (const [index, verdict] of verdicts.entries()) {
    const event = whole[index]!
    // The room's id is the hash of its create event: no key can say more.
    if (verdict.verdict === 'keys missing') continue
    if (verdict.verdict === 'dropped') throw invalid(`invite_room_state has a wrong event: ${verdict.reason}`)
    const isOfRoom = event === create ? roomId === `!${verdict.eventId.slice(1)}` : event.room_id === roomId
    if (!isOfRoom) throw invalid('invite_room_state has an event of another room')
  }
}

const refuse = (errcode: ErrorCode) => (sentence: string) => new MatrixError(errcode, sentence)
const forbidden = refuse('M_FORBIDDEN')
const invalid = refuse('M_INVALID_PARAM')

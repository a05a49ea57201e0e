/** A member event that another server has signed: checked as any event of another server, and given to its room. */
import type { RoomGateway } from '../../durable-objects/gate.ts'
import { checkedEvent } from '../../src/federation/checked-event.ts'
import type { ReceivedEvent } from '../../src/objects/room/federation.ts'
import type { Admitted, ResidentMembership } from '../../src/objects/room/for-servers.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { canonicalJson, type JsonObject } from '../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../src/protocol/events/event.ts'
import { referenceJson } from '../../src/protocol/events/event-hash.ts'
import { objectField, stringField } from '../../src/protocol/json-fields.ts'
import { type RoomVersionRules, roomVersion } from '../../src/protocol/rooms/room-version.ts'
import { type AppContext, portsIn } from '../app-env.ts'

interface AdmissionRequest {
  origin: string
  membership: ResidentMembership
  roomId: string
  eventId: string
}

export interface Admission extends Admitted {
  room: RoomGateway
  event: ReceivedEvent
}

/** @throws MatrixError M_INVALID_PARAM, M_FORBIDDEN, M_NOT_FOUND, M_BAD_STATE */
export async function admitted(
  c: AppContext,
  { origin, membership, roomId, eventId }: AdmissionRequest,
): Promise<Admission> {
  const { keyRing } = portsIn(c)
  const room = c.var.objects.room(roomId)
  const { version, allowed } = await room.federationFacts(origin)
  if (!allowed) throw new MatrixError('M_FORBIDDEN', 'The room does not let this server take part')
  const rules = roomVersion(version) as RoomVersionRules
  const signed = vouchedFor(c, c.var.exactBody ?? {}, rules)
  const checked = await checkedEvent(canonicalJson(signed, 'any'), rules, keyRing)
  if (checked.verdict === 'dropped') throw new MatrixError('M_INVALID_PARAM', checked.reason)
  if (checked.eventId !== eventId) {
    throw new MatrixError('M_INVALID_PARAM', `The event has the id ${checked.eventId}, not that of the path`)
  }
  const { json, isRedacted } = checked
  const event = { eventId, json, isRedacted }
  return { room, event, ...(await room.admit({ origin, membership, event })) }
}

/**
 * The event with this server's signature, where one of its users vouches for the join: "The resident server … signs the
 * event". Whether that user may do so the room's rules decide, before anything is kept or told.
 */
function vouchedFor(c: AppContext, event: JsonObject, rules: RoomVersionRules): JsonObject {
  const { config } = portsIn(c)
  const voucher = stringField(objectField(event.content)?.join_authorised_via_users_server)
  if (!rules.restricted || voucher === undefined || !c.var.objects.servers.owns(voucher)) return event
  const key = config.signingKeys[0]!
  const signatures = objectField(event.signatures) ?? {}
  const own = objectField(signatures[config.serverName]) ?? {}
  const signature = key.sign(referenceJson(event as unknown as Pdu, rules))
  return { ...event, signatures: { ...signatures, [config.serverName]: { ...own, [key.id]: signature } } }
}

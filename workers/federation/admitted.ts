/** A member event that another server has signed: checked as any event of another server, and given to its room. */
import type { RoomGateway } from '../../durable-objects/gate.ts'
import { checkPdus } from '../../src/federation/pdu-batch.ts'
import type { ReceivedEvent } from '../../src/objects/room/federation.ts'
import type { Admitted, ResidentMembership } from '../../src/objects/room/for-servers.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { signedAlso, textOfExact } from '../../src/protocol/federation/more-signatures.ts'
import { readPdu } from '../../src/protocol/federation/pdu-checks.ts'
import { stringField } from '../../src/protocol/json-fields.ts'
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
  const text = vouchedFor(c, textOfExact(c.var.exactBody ?? {}), rules)
  const [checked] = await checkPdus([text], rules, keyRing)
  if (checked?.verdict !== 'good') {
    const reason = checked?.verdict === 'dropped' ? checked.reason : 'The keys of its server cannot be had'
    throw new MatrixError('M_INVALID_PARAM', reason)
  }
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
function vouchedFor(c: AppContext, text: string, rules: RoomVersionRules): string {
  const { pdu, json } = readPdu(text, rules)
  const voucher = stringField(pdu.content.join_authorised_via_users_server)
  if (!rules.restricted || voucher === undefined || !c.var.objects.servers.owns(voucher)) return json
  const { serverName, signingKeys } = portsIn(c).config
  return signedAlso(json, rules, { serverName, key: signingKeys[0]! })
}

/** Invites of users of other servers: their server signs the invite before it is an event. Server-Server API §Inviting. */
import type { FederationClient, KeyRing } from '../../ports/federation.ts'
import { MatrixError } from '../../protocol/errors.ts'
import { withSignatures } from '../../protocol/federation/more-signatures.ts'
import { readPdu, type ValidPdu } from '../../protocol/federation/pdu-checks.ts'
import { checkSignatures, signaturesOf, type WantedKey } from '../../protocol/federation/pdu-signatures.ts'
import { serverNameOf } from '../../protocol/identifiers.ts'
import { type RoomVersionRules, roomVersion } from '../../protocol/rooms/room-version.ts'
import { memberIn } from '../answers.ts'
import { asMatrixError } from './in-turn.ts'

interface OutgoingInvite {
  roomId: string
  eventId: string
  json: string
  roomVersion: string
  inviteState: readonly string[]
}

/**
 * The event's JSON, with the signatures of the invited user's server. The older endpoint without a room version is for
 * versions 1 and 2, of which no room is here.
 * @throws MatrixError what the server says, or M_UNKNOWN (502)
 */
export async function invitedBy(
  target: string,
  invite: OutgoingInvite,
  { federation, keyRing }: { federation: FederationClient; keyRing: KeyRing },
): Promise<string> {
  const server = serverNameOf(target)
  const { roomId, eventId, json, inviteState } = invite
  const rules = roomVersion(invite.roomVersion)!
  // Its parts are canonical JSON, and the keys stand in their order.
  const content = `{"event":${json},"invite_room_state":[${inviteState.join(',')}],"room_version":${JSON.stringify(invite.roomVersion)}}`
  try {
    const { text } = await federation.ask({
      kind: 'invite',
      destination: server,
      uri: `/_matrix/federation/v2/invite/${encodeURIComponent(roomId)}/${encodeURIComponent(eventId)}`,
      content,
    })
    const signed = readPdu(memberIn(text, 'event') ?? '', rules)
    if (signed.eventId !== eventId) throw unusable('has answered an invite with another event')
    const signatures = await validSignatures(server, signed, { rules, keyRing })
    return withSignatures(json, rules, { serverName: server, signatures })
  } catch (error) {
    throw asMatrixError(error, server)
  }
}

/** Those signatures of the server that are valid. */
async function validSignatures(
  server: string,
  signed: ValidPdu,
  { rules, keyRing }: { rules: RoomVersionRules; keyRing: KeyRing },
): Promise<Record<string, string>> {
  const options = { byTime: rules.enforcesKeyValidity }
  let keys = keyRing.known(options)
  let checked = checkSignatures([server], signed, keys)
  if (checked.state === 'missing keys') {
    keys = await keyRing.collect(checked.keys, options)
    checked = checkSignatures([server], signed, keys)
  }
  if (checked.state !== 'valid') throw unusable('has not signed the invite')
  // Those beyond the first few are not checked.
  const own = signaturesOf(signed.pdu, server)
  const isKnown = (keyId: string): boolean => {
    const wanted: WantedKey = { serverName: server, keyId, at: signed.pdu.origin_server_ts }
    const key = keys(wanted)
    return key !== undefined && key !== 'invalid'
  }
  return Object.fromEntries(own.filter(([keyId]) => isKnown(keyId)))
}

const unusable = (what: string) =>
  new MatrixError('M_UNKNOWN', `The server of the invited user ${what}`, { status: 502 })

/** Steps 1 to 3 of the checks on receipt, with the keys that they need. Server-Server API §Checks performed on receipt of a PDU. */
import type { KeyRing } from '../ports/federation.ts'
import { checkPdu, type PduVerdict } from '../protocol/federation/pdu-checks.ts'
import type { RoomVersionRules } from '../protocol/rooms/room-version.ts'

/** A key counts for what was signed while it was valid. */
const BY_TIME = { byTime: true }

/**
 * The verdict on an event that came by itself: other servers are asked for the keys that are missing.
 * @param text the event's JSON, as it came
 */
export async function checkedEvent(
  text: string,
  rules: RoomVersionRules,
  keyRing: KeyRing,
): Promise<Exclude<PduVerdict, { verdict: 'keys missing' }>> {
  const first = checkPdu(text, rules, keyRing.known(BY_TIME))
  if (first.verdict !== 'keys missing') return first
  const then = checkPdu(text, rules, await keyRing.collect(first.keys, BY_TIME))
  if (then.verdict !== 'keys missing') return then
  const servers = then.keys.map(({ serverName }) => serverName).join(', ')
  return { verdict: 'dropped', step: 'signatures', reason: `The keys of ${servers} cannot be had` }
}

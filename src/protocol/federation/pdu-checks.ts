/**
 * The checks on receipt of a PDU that need nothing of its room but the version: format and size, signatures, content
 * hash. Server-Server API §Checks performed on receipt of a PDU, steps 1 to 3.
 */
import { MatrixError } from '../errors.ts'
import type { JsonObject } from '../events/canonical-json.ts'
import type { Pdu } from '../events/event.ts'
import { checkEventSize, checkPduFormat, MAX_EVENT_BYTES } from '../events/event-format.ts'
import { eventIdOfReference, eventJson, hasValidContentHash, referenceJson } from '../events/event-hash.ts'
import { parseExactJson } from '../events/exact-json.ts'
import { redact } from '../events/redaction.ts'
import { fitsBytes } from '../identifiers.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'
import { checkSignatures, type KeyLookup, missingKeys, signersOf, type WantedKey } from './pdu-signatures.ts'

/** An event that may be authorised. */
export interface CheckedPdu {
  eventId: string
  /** To read: without `unsigned`, which nothing covers, and redacted where its content hash was wrong. */
  pdu: Pdu
  /** To keep and to send on: the same as canonical JSON, in which no number is lost. */
  json: string
  isRedacted: boolean
}

export type PduVerdict =
  | ({ verdict: 'good' } & CheckedPdu)
  /** The event must not be kept. */
  | { verdict: 'dropped'; step: 'format' | 'signatures'; reason: string }
  /** Nothing can be said before one of these keys is had. */
  | { verdict: 'keys missing'; keys: WantedKey[] }

/** The text before it was parsed may have `unsigned`, and spaces and escapes that its canonical form has not. */
const MAX_TEXT_BYTES = 6 * MAX_EVENT_BYTES

/**
 * Checks an event as it came.
 * @param text the event's JSON: room versions below 6 have numbers that parsing loses
 * @param keys the keys that are had
 */
export function checkPdu(text: string, rules: RoomVersionRules, keys: KeyLookup): PduVerdict {
  let valid: ValidPdu
  try {
    valid = readPdu(text, rules)
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
    return { verdict: 'dropped', step: 'format', reason: error.message }
  }
  const checked = checkContentHash(valid, rules)
  const signatures = checkSignatures(signersOf(valid.pdu, checked.pdu, rules), valid, keys)
  if (signatures.state === 'missing keys') return { verdict: 'keys missing', keys: signatures.keys }
  if (signatures.state === 'invalid') {
    const signer = signatures.serverName || 'a server that vouches for the join'
    return { verdict: 'dropped', step: 'signatures', reason: `The event has no valid signature of ${signer}` }
  }
  return { verdict: 'good', ...checked }
}

/**
 * The keys that are missing to check an event, read in a fraction of the time. Only an invite that a wrong hash turns into
 * another event needs one more.
 */
export function keysWanted(text: string, rules: RoomVersionRules, keys: KeyLookup): WantedKey[] {
  if (!fitsBytes(text, MAX_TEXT_BYTES)) return []
  try {
    const pdu = checkPduFormat(JSON.parse(text), rules)
    return missingKeys(signersOf(pdu, pdu, rules), pdu, keys)
  } catch {
    return []
  }
}

/** An event of the right format. */
export interface ValidPdu {
  eventId: string
  pdu: Pdu
  /** The same event to hash and to sign: not one number of it is lost. */
  exact: Pdu
  json: string
  /** What is signed: the event redacted, without its signatures. */
  reference: string
}

/**
 * Step 1: "Is a valid event, otherwise it is dropped." Takes `unsigned` off: other servers could say there what this
 * one alone knows, such as that the event was redacted.
 *
 * @throws MatrixError saying what is wrong
 */
export function readPdu(text: string, rules: RoomVersionRules): ValidPdu {
  if (!fitsBytes(text, MAX_TEXT_BYTES)) {
    throw new MatrixError('M_TOO_LARGE', `The event must have at most ${MAX_EVENT_BYTES} bytes`)
  }
  // The parser that keeps numbers is the one with a bound on nesting, so it comes first.
  const exactValue = parseExactJson(text)
  const pdu = withoutUnsigned(checkPduFormat(JSON.parse(text), rules))
  const exact = withoutUnsigned(exactValue as JsonObject as Pdu)
  // Canonical JSON refuses the numbers that the room version does not know.
  const json = eventJson(exact, rules)
  const reference = referenceJson(exact, rules)
  const eventId = eventIdOfReference(reference, rules)
  // Only the create event of room version 12 has no room_id.
  checkEventSize(json, pdu, [eventId, pdu.room_id ?? `!${eventId.slice(1)}`], rules.limitsBytes)
  return { eventId, pdu, exact, json, reference }
}

/** Step 3: "Passes hash checks, otherwise it is redacted before being processed further." */
export function checkContentHash(
  { eventId, pdu, exact, json }: ValidPdu,
  rules: RoomVersionRules,
): CheckedPdu {
  if (hasValidContentHash(exact, rules)) return { eventId, pdu, json, isRedacted: false }
  return {
    eventId,
    pdu: redact(pdu, rules),
    json: eventJson(redact(exact, rules), rules),
    isRedacted: true,
  }
}

function withoutUnsigned(pdu: Pdu): Pdu {
  const { unsigned: _, ...kept } = pdu
  return kept as Pdu
}

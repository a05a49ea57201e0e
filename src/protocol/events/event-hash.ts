/** Content hashes, reference hashes, and the ids made of them. Server-Server API §Signing Events. */
import { Buffer } from 'node:buffer'
import { createHash, timingSafeEqual } from 'node:crypto'
import { decodeBase64, unpad } from '../base64.ts'
import { MatrixError } from '../errors.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'
import { canonicalJson, type JsonObject, type JsonValue } from './canonical-json.ts'
import type { Pdu } from './event.ts'
import { redact } from './redaction.ts'

/** The one encoding of an event that is hashed, signed and stored. @throws MatrixError M_BAD_JSON where it has none */
export function eventJson(event: object, rules: RoomVersionRules): string {
  return canonicalJson(event as JsonValue, rules.strictJson ? 'integers' : 'any')
}

/**
 * The content hash, as unpadded base64: "any existing `unsigned`, `signatures`, and `hashes` properties are
 * removed. The resulting object is then encoded as Canonical JSON, and the JSON is hashed using SHA-256."
 */
export function contentHash(pdu: Pdu, rules: RoomVersionRules): string {
  const covered = { ...pdu, hashes: undefined, signatures: undefined, unsigned: undefined }
  return unpad(sha256(eventJson(covered, rules), 'base64'))
}

/** Whether the event's content is what its `hashes` promise. If not, use the redacted form. */
export function hasValidContentHash(pdu: Pdu, rules: RoomVersionRules): boolean {
  const promised = decodedHash(pdu.hashes?.sha256)
  const actual = Buffer.from(contentHash(pdu, rules), 'base64')
  return promised?.length === actual.length && timingSafeEqual(promised, actual)
}

/** What the event's signatures sign and its reference hash hashes: redacted, without `signatures` and `unsigned`. */
export function referenceJson(pdu: Pdu, rules: RoomVersionRules): string {
  const redacted: JsonObject = redact(pdu, rules) as JsonObject
  redacted.signatures = undefined
  return eventJson(redacted, rules)
}

/** The event id of an event with this reference JSON. */
export function eventIdOfReference(reference: string, rules: RoomVersionRules): string {
  return `$${unpad(sha256(reference, rules.urlSafeEventIds ? 'base64url' : 'base64'))}`
}

/** The id of an event. */
export function eventIdOf(pdu: Pdu, rules: RoomVersionRules): string {
  return eventIdOfReference(referenceJson(pdu, rules), rules)
}

/** The id of the room that a create event begins: "the event ID of the event with sigil `!` instead of `$`" (v12). */
export function roomIdOfCreate(pdu: Pdu, rules: RoomVersionRules): string {
  if (rules.roomIdIsCreateHash) return `!${eventIdOf(pdu, rules).slice(1)}`
  if (pdu.room_id === undefined) throw new MatrixError('M_BAD_JSON', 'The create event has no room_id')
  return pdu.room_id
}

function sha256(text: string, encoding: 'base64' | 'base64url'): string {
  return createHash('sha256').update(text).digest(encoding)
}

function decodedHash(hash: unknown): Uint8Array | undefined {
  if (typeof hash !== 'string') return undefined
  try {
    return decodeBase64(hash)
  } catch {
    return undefined
  }
}

/** Makes finished events of drafts: hashed, signed, with their id and their bytes. Server-Server API §Signing Events. */

import type { RoomVersionRules } from '../rooms/room-version.ts'
import type { JsonObject } from './canonical-json.ts'
import type { Pdu } from './event.ts'
import { contentHash, eventIdOfReference, eventJson, referenceJson } from './event-hash.ts'
import type { SigningKey } from './signing.ts'

/** An event before it has hashes, signatures and an id. */
export interface EventDraft {
  /** Left out for the create event of room version 12 and later. */
  roomId?: string
  type: string
  stateKey?: string
  sender: string
  content: JsonObject
  originServerTs: number
  /** Greatest depth of the prev_events, plus one. */
  depth: number
  authEvents: string[]
  prevEvents: string[]
  /** Room versions up to 10: the event a redaction removes. */
  redacts?: string
}

export interface BuiltEvent {
  eventId: string
  pdu: Pdu
  /** Canonical JSON of the signed PDU. */
  json: string
}

/**
 * Hashes and signs a draft. The redacted event without signatures is both what is signed and what the event id
 * hashes, so it is encoded once.
 * @throws MatrixError M_BAD_JSON where the content has no canonical JSON
 */
export function buildEvent(
  rules: RoomVersionRules,
  draft: EventDraft,
  serverName: string,
  key: SigningKey,
): BuiltEvent {
  const pdu = unhashedPdu(draft)
  pdu.hashes.sha256 = contentHash(pdu, rules)
  const reference = referenceJson(pdu, rules)
  pdu.signatures[serverName] = { [key.id]: key.sign(reference) }
  return { eventId: eventIdOfReference(reference, rules), pdu, json: eventJson(pdu, rules) }
}

/** The event before it is hashed. What the draft lacks has no key at all: receivers tell absent from empty. */
export function unhashedPdu(draft: EventDraft): Pdu {
  const pdu: Pdu = {
    auth_events: draft.authEvents,
    content: draft.content,
    // "If the room's depth is already at the limit, the depth must be set to the limit."
    depth: Math.min(draft.depth, Number.MAX_SAFE_INTEGER),
    hashes: { sha256: '' },
    origin_server_ts: draft.originServerTs,
    prev_events: draft.prevEvents,
    sender: draft.sender,
    signatures: {},
    type: draft.type,
  }
  if (draft.redacts !== undefined) pdu.redacts = draft.redacts
  if (draft.roomId !== undefined) pdu.room_id = draft.roomId
  if (draft.stateKey !== undefined) pdu.state_key = draft.stateKey
  return pdu
}

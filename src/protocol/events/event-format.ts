/** The format of a PDU in each room version, and the size limits of events. Room versions §Event format. */
import { Buffer } from 'node:buffer'
import * as z from 'zod'
import { MatrixError } from '../errors.ts'
import { fitsBytes, isRoomId, isUserId, MAX_ID_BYTES } from '../identifiers.ts'
import { issueSentence } from '../issue-sentence.ts'
import { looseObject, record } from '../json-schemas.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'
import type { Pdu } from './event.ts'

/** "The complete event MUST NOT be larger than 65536 bytes": Client-Server API §Size limits. */
export const MAX_EVENT_BYTES = 65536

export const MAX_AUTH_EVENTS = 10
const MAX_PREV_EVENTS = 20

const JsonObjectSchema = record(z.string(), z.unknown())
const RoomId = z.string().refine(isRoomId, 'not a room id')

/** What all supported versions share. `z.int()` is an integer within ±(2^53-1). */
const CommonPdu = looseObject({
  type: z.string(),
  state_key: z.string().optional(),
  sender: z.string().refine(isUserId, 'not a user id'),
  content: JsonObjectSchema,
  origin_server_ts: z.int(),
  depth: z.int().min(0),
  auth_events: z.array(z.string()).max(MAX_AUTH_EVENTS),
  prev_events: z.array(z.string()).max(MAX_PREV_EVENTS),
  hashes: looseObject({ sha256: z.string() }),
  signatures: record(z.string(), record(z.string(), z.string())),
  unsigned: JsonObjectSchema.optional(),
})

const WithRoomId = CommonPdu.extend({ room_id: RoomId })

/** Room version 10 and earlier. */
const PduV4 = WithRoomId.extend({ redacts: z.string().optional() })

/** "Omitted from `m.room.create` events"; one that has it fails authorisation rule 1.2, not the format. */
const PduV12 = CommonPdu.extend({ room_id: RoomId.optional() }).refine(
  (pdu) => pdu.type === 'm.room.create' || pdu.room_id !== undefined,
  { path: ['room_id'], message: 'missing' },
)

/**
 * Checks the event format of a room version, and nothing else: an event that fails is dropped.
 * Answers the very object given, since hashes cover keys that no schema knows.
 * @throws MatrixError M_BAD_JSON naming the first key at fault
 */
export function checkPduFormat(pdu: unknown, rules: RoomVersionRules): Pdu {
  const result = schemaOf(rules).safeParse(pdu)
  if (result.success) return pdu as Pdu
  const issue = result.error.issues[0]
  throw new MatrixError(
    'M_BAD_JSON',
    `The event is malformed: ${issue === undefined ? 'it fits no schema' : issueSentence(issue)}`,
  )
}

function schemaOf(rules: RoomVersionRules): z.ZodType {
  if (rules.roomIdIsCreateHash) return PduV12
  return rules.redactsInContent ? WithRoomId : PduV4
}

/**
 * Checks the size limits of events. `json` is the event's canonical JSON with its signatures.
 * @param ids the event's own, and that of its room
 * @param limitsBytes see `RoomVersionRules`; every event that is made here keeps to bytes
 * @throws MatrixError M_TOO_LARGE
 */
export function checkEventSize(
  json: string,
  pdu: Pdu,
  [eventId, roomId]: readonly [string, string],
  limitsBytes = true,
): void {
  if (!fitsBytes(json, MAX_EVENT_BYTES)) {
    const size = Buffer.byteLength(json)
    throw new MatrixError(
      'M_TOO_LARGE',
      `The event has ${size} bytes, and at most ${MAX_EVENT_BYTES} are allowed`,
    )
  }
  const named = { type: pdu.type, state_key: pdu.state_key }
  const limited = {
    sender: pdu.sender,
    room_id: roomId,
    event_id: eventId,
    ...(limitsBytes && named),
  }
  for (const [key, text] of Object.entries(limited)) {
    if (text !== undefined && !fitsBytes(text, MAX_ID_BYTES)) {
      throw new MatrixError('M_TOO_LARGE', `${key} is longer than ${MAX_ID_BYTES} bytes`)
    }
  }
  for (const [key, text] of Object.entries(named)) {
    if (text !== undefined && !fitsCodePoints(text, MAX_ID_BYTES)) {
      throw new MatrixError('M_TOO_LARGE', `${key} is longer than ${MAX_ID_BYTES} characters`)
    }
  }
}

function fitsCodePoints(text: string, most: number): boolean {
  return text.length <= 2 * most && [...text].length <= most
}

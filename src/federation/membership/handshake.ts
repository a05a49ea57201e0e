/**
 * How a user of this server joins, knocks at or leaves a room in which this server is not: another server proposes the event
 * and takes it, signed. Server-Server API §Joining Rooms, §Knocking upon a room, §Leaving Rooms.
 */
import type { FederationClient } from '../../ports/federation.ts'
import type { Clock } from '../../ports/system.ts'
import { MatrixError } from '../../protocol/errors.ts'
import type { JsonObject, JsonValue } from '../../protocol/events/canonical-json.ts'
import { type BuiltEvent, buildEvent } from '../../protocol/events/event-builder.ts'
import { checkEventSize } from '../../protocol/events/event-format.ts'
import type { SigningKey } from '../../protocol/events/signing.ts'
import { draftOf, type MemberOf, readTemplate } from '../../protocol/federation/member-template.ts'
import { objectField, stringField } from '../../protocol/json-fields.ts'
import {
  type RoomVersionRules,
  roomVersion,
  SUPPORTED_ROOM_VERSIONS,
  UNSTABLE_ROOM_VERSIONS,
} from '../../protocol/rooms/room-version.ts'
import { ServerFailure } from '../server-failure.ts'

const MAKE_MS = 10_000
const MAKE_BYTES = 256 * 1024

/** A large room takes its server a while. */
const SEND_MS = 60_000
/** "A state answer". */
const STATE_BYTES = 64 * 1024 * 1024
const SMALL_BYTES = 1024 * 1024

const PATHS = {
  join: { make: 'v1/make_join', send: 'v2/send_join', bytes: STATE_BYTES, namesVersions: true },
  knock: { make: 'v1/make_knock', send: 'v1/send_knock', bytes: SMALL_BYTES, namesVersions: true },
  leave: { make: 'v1/make_leave', send: 'v2/send_leave', bytes: SMALL_BYTES, namesVersions: false },
} as const

export interface HandshakeParts {
  federation: FederationClient
  clock: Clock
  config: { serverName: string; signingKeys: readonly SigningKey[] }
}

export interface MadeEvent {
  event: BuiltEvent
  rules: RoomVersionRules
  /** A user of the other server vouches for it. */
  isVouchedFor: boolean
}

/**
 * The member event, as the server would have it and this one signs it.
 * @param content of the event, beside what follows from the asking
 * @throws ServerFailure; MatrixError where what the server proposes is not usable
 */
export async function makeMember(
  parts: HandshakeParts,
  server: string,
  asked: MemberOf,
  content: JsonObject,
): Promise<MadeEvent> {
  const { make, namesVersions } = PATHS[asked.membership]
  const versions = namesVersions ? [...SUPPORTED_ROOM_VERSIONS, ...UNSTABLE_ROOM_VERSIONS] : []
  const query = versions.map((version) => `ver=${encodeURIComponent(version)}`).join('&')
  const path = `/_matrix/federation/${make}/${encodeURIComponent(asked.roomId)}/${encodeURIComponent(asked.userId)}`
  const { text } = await parts.federation.ask({
    destination: server,
    method: 'GET',
    uri: query === '' ? path : `${path}?${query}`,
    timeoutMs: MAKE_MS,
    maxBytes: MAKE_BYTES,
  })
  const answer = objectIn(text)
  const rules = rulesIn(answer)
  const template = readTemplate(objectField(answer.event) ?? {}, rules, asked)
  const draft = draftOf(template, asked, { content, now: parts.clock.now() })
  const event = buildEvent(rules, draft, parts.config.serverName, parts.config.signingKeys[0]!)
  checkEventSize(event.json, event.pdu, [event.eventId, asked.roomId])
  return { event, rules, isVouchedFor: template.voucher !== undefined }
}

/**
 * Hands the event to the server. Answers the text of what that says.
 * @param take is given its bytes in place of that
 * @throws ServerFailure
 */
export async function sendMember(
  { federation }: HandshakeParts,
  server: string,
  { roomId, membership }: MemberOf,
  { event: { eventId, json }, take }: { event: BuiltEvent; take?: (chunk: Uint8Array) => boolean },
): Promise<string> {
  const { send, bytes } = PATHS[membership]
  const { text } = await federation.ask({
    destination: server,
    method: 'PUT',
    uri: `/_matrix/federation/${send}/${encodeURIComponent(roomId)}/${encodeURIComponent(eventId)}`,
    content: json,
    timeoutMs: SEND_MS,
    maxBytes: bytes,
    ...(take !== undefined && { take }),
  })
  return text
}

/** "If not provided, the room version is assumed to be either "1" or "2"", which this server does not know. */
function rulesIn(answer: JsonObject): RoomVersionRules {
  const version = stringField(answer.room_version) ?? '1'
  const rules = roomVersion(version)
  if (rules !== undefined) return rules
  throw new MatrixError('M_INCOMPATIBLE_ROOM_VERSION', `This server does not know room version ${version}`, {
    extra: { room_version: version },
  })
}

/** @throws ServerFailure where the text is no JSON object */
export function objectIn(text: string): JsonObject {
  let value: JsonValue | undefined
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    // Below.
  }
  const object = objectField(value)
  if (object === undefined) throw new ServerFailure('unfit')
  return object
}

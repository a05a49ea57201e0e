/**
 * How a user of this server joins, knocks at or leaves a room in which this server is not: another server proposes the event
 * and takes it, signed. Server-Server API §Joining Rooms, §Knocking upon a room, §Leaving Rooms.
 */
import type { FederationClient } from '../../ports/federation.ts'
import type { Clock } from '../../ports/system.ts'
import { MatrixError } from '../../protocol/errors.ts'
import type { JsonObject } from '../../protocol/events/canonical-json.ts'
import type { StrippedEvent } from '../../protocol/events/event.ts'
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
import { toldState } from '../../protocol/rooms/told-state.ts'
import { objectIn } from '../answers.ts'
import { ServerFailure } from '../server-failure.ts'

const PATHS = {
  join: { make: 'v1/make_join', send: 'v2/send_join', namesVersions: true },
  knock: { make: 'v1/make_knock', send: 'v1/send_knock', namesVersions: true },
  leave: { make: 'v1/make_leave', send: 'v2/send_leave', namesVersions: false },
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
    kind: `make_${asked.membership}`,
    destination: server,
    uri: query === '' ? path : `${path}?${query}`,
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
  const { send } = PATHS[membership]
  const { text } = await federation.ask({
    kind: `send_${membership}`,
    destination: server,
    uri: `/_matrix/federation/${send}/${encodeURIComponent(roomId)}/${encodeURIComponent(eventId)}`,
    content: json,
    ...(take !== undefined && { take }),
  })
  return text
}

/** The grammar of room versions: the user is told no other text as one. */
const VERSION = /^[a-z0-9.-]{1,32}$/

/** "If not provided, the room version is assumed to be either "1" or "2"", which this server does not know. */
function rulesIn(answer: JsonObject): RoomVersionRules {
  const version = stringField(answer.room_version) ?? '1'
  const rules = roomVersion(version)
  if (rules !== undefined) return rules
  if (!VERSION.test(version)) throw new ServerFailure('unfit')
  throw new MatrixError('M_INCOMPATIBLE_ROOM_VERSION', `This server does not know room version ${version}`, {
    extra: { room_version: version },
  })
}

/** What the server that took a knock tells of the room. @throws ServerFailure where that is no answer */
export function knockedState(text: string): StrippedEvent[] {
  const { knock_room_state: told } = objectIn(text)
  return toldState(Array.isArray(told) ? told : [])
}

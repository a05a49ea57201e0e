/** Server-Server API §Joining Rooms, §Leaving Rooms, §Knocking: a member event for another server to sign. */
import type { EventTemplate, TemplateRequest } from '../../../../src/objects/room/for-servers.ts'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { unhashedPdu } from '../../../../src/protocol/events/event-builder.ts'
import { serverNameOf } from '../../../../src/protocol/identifiers.ts'
import { stringField } from '../../../../src/protocol/json-fields.ts'
import type { RoomReader } from '../../context.ts'
import { requireAllowed } from '../../read/federation/requester.ts'
import { joinRule } from '../../read/join-rule.ts'
import { joinedFrom } from '../../rows/members/members.ts'
import { authorise } from '../pipeline.ts'
import { withVoucher } from '../vouching.ts'

/** "The room versions the sending server has support for. Defaults to `[1]`." */
const DEFAULT_VERSIONS = ['1']

/**
 * The event that would bring the membership about now, judged by the room's rules.
 * @throws MatrixError M_NOT_FOUND where no user here is in the room; M_INCOMPATIBLE_ROOM_VERSION with the version;
 * M_FORBIDDEN by the room's rules; M_UNABLE_TO_AUTHORISE_JOIN and M_UNABLE_TO_GRANT_JOIN of restricted rooms
 */
export function memberTemplate(room: RoomReader, request: TemplateRequest): EventTemplate {
  const { origin, userId, membership, versions = DEFAULT_VERSIONS } = request
  requireResident(room, origin)
  if (serverNameOf(userId) !== origin) {
    throw new MatrixError('M_FORBIDDEN', 'A server asks for its own users alone')
  }
  const { rules, roomId } = room.store
  if (membership !== 'leave' && !versions.includes(rules.version)) {
    const sentence = `The room has version ${rules.version}, which your server does not support`
    throw new MatrixError('M_INCOMPATIBLE_ROOM_VERSION', sentence, { extra: { room_version: rules.version } })
  }
  const content = contentOf(room, request)
  const { draft } = authorise(room, { sender: userId, type: 'm.room.member', stateKey: userId, content })
  const { hashes: _, signatures: __, ...event } = unhashedPdu(draft)
  return { roomVersion: rules.version, event: { ...event, room_id: roomId, origin } as JsonObject }
}

/** @throws MatrixError M_NOT_FOUND where no user here is in the room: it may have moved on elsewhere; M_FORBIDDEN by its ACL */
export function requireResident(room: RoomReader, origin: string): void {
  requireAllowed(room, origin)
  if (joinedFrom(room.store.sql, room.serverName, 1).length > 0) return
  throw new MatrixError('M_NOT_FOUND', 'No user of this server is in the room')
}

function contentOf(room: RoomReader, { userId, membership, allowRooms }: TemplateRequest): JsonObject {
  const content: JsonObject = { membership }
  if (membership !== 'join') return content
  const current = room.store.member(userId)?.membership ?? null
  const vouched = withVoucher(room, content, { current, joinedAllowRooms: allowRooms?.joined })
  const isFree = current === 'join' || current === 'invite' || current === 'ban'
  const rule = joinRule(room).joinRule
  if (isFree || (rule !== 'restricted' && rule !== 'knock_restricted')) return vouched
  if (stringField(vouched.join_authorised_via_users_server) !== undefined) return vouched
  throw unableToVouch(allowRooms)
}

function unableToVouch(allowRooms: TemplateRequest['allowRooms']): MatrixError {
  if (allowRooms?.joined.length) {
    return new MatrixError('M_UNABLE_TO_GRANT_JOIN', 'No user of this server may invite others into the room')
  }
  if (allowRooms?.isKnown === false) {
    return new MatrixError(
      'M_UNABLE_TO_AUTHORISE_JOIN',
      'This server does not know the rooms that let users in',
    )
  }
  return new MatrixError('M_FORBIDDEN', 'The user is in none of the rooms that let users in')
}

/**
 * The member event that a resident server proposes for a user of this one. The other server says where the event stands in
 * the room; what it says of the user is this server's own. Server-Server API §Joining Rooms, §Knocking, §Leaving.
 */
import { MatrixError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../events/canonical-json.ts'
import type { EventDraft } from '../events/event-builder.ts'
import { MAX_AUTH_EVENTS } from '../events/event-format.ts'
import { MAX_PREV_EVENTS } from '../events/extremities.ts'
import { isEventId, isUserId } from '../identifiers.ts'
import { integerField, objectField, stringField } from '../json-fields.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'

/** A membership that a user of another server asks for. */
export type AskedMembership = 'join' | 'knock' | 'leave'

export interface MemberOf {
  roomId: string
  userId: string
  membership: AskedMembership
}

/** All that is taken over from a template. */
export interface MemberTemplate {
  authEvents: string[]
  prevEvents: string[]
  depth: number
  /** Restricted rooms: the user of the resident server that vouches for the join. */
  voucher?: string
}

/** @throws MatrixError M_BAD_JSON where the event is not the one that was asked for */
export function readTemplate(event: JsonObject, rules: RoomVersionRules, asked: MemberOf): MemberTemplate {
  const content = objectField(event.content)
  const isIt =
    event.type === 'm.room.member' &&
    event.sender === asked.userId &&
    event.state_key === asked.userId &&
    event.room_id === asked.roomId &&
    content?.membership === asked.membership
  if (!isIt) throw unfit(`it is not the ${asked.membership} of ${asked.userId} in ${asked.roomId}`)
  const depth = integerField(event.depth)
  if (depth === undefined || depth < 1) throw unfit('its depth is not a positive integer')
  const template: MemberTemplate = {
    authEvents: eventIds(event.auth_events, MAX_AUTH_EVENTS, 'auth_events'),
    prevEvents: eventIds(event.prev_events, MAX_PREV_EVENTS, 'prev_events'),
    depth,
  }
  if (template.prevEvents.length === 0) throw unfit('it follows on no event')
  const voucher = stringField(content.join_authorised_via_users_server)
  if (voucher === undefined || !rules.restricted || asked.membership !== 'join') return template
  if (!isUserId(voucher)) throw unfit('join_authorised_via_users_server is no user ID')
  return { ...template, voucher }
}

/** The event to be signed: what stands in `content` is this server's own. */
export function draftOf(
  { authEvents, prevEvents, depth, voucher }: MemberTemplate,
  { roomId, userId, membership }: MemberOf,
  { content, now }: { content: JsonObject; now: number },
): EventDraft {
  return {
    roomId,
    type: 'm.room.member',
    stateKey: userId,
    sender: userId,
    content: {
      ...content,
      membership,
      ...(voucher !== undefined && { join_authorised_via_users_server: voucher }),
    },
    originServerTs: now,
    depth,
    authEvents,
    prevEvents,
  }
}

function eventIds(value: JsonValue | undefined, most: number, key: string): string[] {
  if (!Array.isArray(value) || value.length > most) throw unfit(`${key} is not a list of at most ${most}`)
  return value.map((eventId) => {
    if (typeof eventId === 'string' && isEventId(eventId)) return eventId
    throw unfit(`${key} names what is no event ID`)
  })
}

function unfit(why: string): MatrixError {
  return new MatrixError('M_BAD_JSON', `The event that the other server proposes is not usable: ${why}`)
}

/** Restricted rooms: finds the member that vouches for a user who joins through another room. */

import { creatorsOf, powerLevels } from '../../../src/protocol/auth/power-levels.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { serverNameOf } from '../../../src/protocol/identifiers.ts'
import { objectField } from '../../../src/protocol/json-fields.ts'
import type { Membership } from '../../../src/protocol/rooms/membership.ts'
import type { RoomReader } from '../context.ts'
import { joinRule } from '../read/join-rule.ts'
import { joinedFrom } from '../rows/members/members.ts'

/**
 * The content of a member event, with the local member that vouches for the join where one must. Only this server
 * chooses that member, since it signs the event: a name that a client wrote there would open every restricted room.
 */
export function withVoucher(
  room: RoomReader,
  content: JsonObject,
  {
    current,
    joinedAllowRooms = [],
  }: { current: Membership | null; joinedAllowRooms?: readonly string[] | undefined },
): JsonObject {
  const { join_authorised_via_users_server: _, ...own } = content
  if (own.membership !== 'join' || current === 'join' || current === 'invite') return own
  const authoriser = authorisingUser(room, joinedAllowRooms)
  return authoriser === undefined ? own : { ...own, join_authorised_via_users_server: authoriser }
}

const RESTRICTED = new Set(['restricted', 'knock_restricted'])

/**
 * Restricted rooms: the local member that vouches for a joiner found in one of the allowed rooms: joined, and with
 * the power to invite (Client-Server API §Restricted rooms).
 */
function authorisingUser(room: RoomReader, joinedAllowRooms: readonly string[]): string | undefined {
  const rule = joinRule(room)
  if (!RESTRICTED.has(rule.joinRule)) return undefined
  if (!rule.allowRooms.some((roomId) => joinedAllowRooms.includes(roomId))) return undefined
  return powerfulMember(room)
}

/**
 * A local member with the power to invite. Members with a level of their own are named by the room's state, so they are
 * few. All other members have the same power.
 */
function powerfulMember({ store, serverName }: RoomReader): string | undefined {
  const levels = powerLevels(store.rules, store)
  const create = store.get('m.room.create', '')
  const creators = create === undefined ? [] : creatorsOf(store.rules, create)
  const named = new Set([...creators, ...Object.keys(objectField(levels.content.users) ?? {})])
  const isJoined = (userId: string) => store.member(userId)?.membership === 'join'
  for (const userId of named) {
    if (serverNameOf(userId) === serverName && levels.user(userId) >= levels.invite && isJoined(userId))
      return userId
  }
  if (levels.user('') < levels.invite) return undefined
  const joined = joinedFrom(store.sql, serverName, named.size + 1)
  return joined.find((userId) => !named.has(userId))
}

/** How a room may be joined. */
import type { JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import { stringField } from '../../../src/protocol/json-fields.ts'
import type { RoomReader } from '../context.ts'
import { largestServers } from '../rows/federation/servers.ts'
import { joinedFrom } from '../rows/members/members.ts'

export interface JoinRule {
  joinRule: string
  /** The rooms whose members `restricted` lets in. */
  allowRooms: string[]
  /** Where no user of this server is in the room, only other servers know how it is now: some that were in it last. */
  elsewhere: string[]
}

/** Servers that are named for a room that must be asked for elsewhere. */
const MOST_SERVERS = 5

export function joinRule(room: RoomReader): JoinRule {
  // A room that does not exist is M_NOT_FOUND, not a room without a join rule.
  void room.store.rules
  const { content } = room.store.get('m.room.join_rules', '')?.pdu ?? {}
  const allow = Array.isArray(content?.allow) ? content.allow : []
  const allowRooms = allow.map(allowedRoom).filter((roomId) => roomId !== undefined)
  const isHere = joinedFrom(room.store.sql, room.serverName, 1).length > 0
  const elsewhere = isHere ? [] : largestServers(room.store.sql, MOST_SERVERS)
  return { joinRule: stringField(content?.join_rule) ?? 'invite', allowRooms, elsewhere }
}

function allowedRoom(entry: JsonValue): string | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return undefined
  return entry.type === 'm.room_membership' && typeof entry.room_id === 'string' ? entry.room_id : undefined
}

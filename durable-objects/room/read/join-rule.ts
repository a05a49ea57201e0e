/** How a room may be joined. */
import type { JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import type { RoomReader } from '../context.ts'

/** The join rule and the rooms whose members `restricted` lets in. */
export function joinRule(room: RoomReader): { joinRule: string; allowRooms: string[] } {
  // A room that does not exist is M_NOT_FOUND, not a room without a join rule.
  void room.store.rules
  const { content } = room.store.get('m.room.join_rules', '')?.pdu ?? {}
  const allow = Array.isArray(content?.allow) ? content.allow : []
  const allowRooms = allow.map(allowedRoom).filter((roomId) => roomId !== undefined)
  return { joinRule: typeof content?.join_rule === 'string' ? content.join_rule : 'invite', allowRooms }
}

function allowedRoom(entry: JsonValue): string | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return undefined
  return entry.type === 'm.room_membership' && typeof entry.room_id === 'string' ? entry.room_id : undefined
}

/** The create event of a room, and the room's id with it. Client-Server API §POST /createRoom; Room Version 12. */
import type { JsonObject } from '../events/canonical-json.ts'
import { type BuiltEvent, buildEvent } from '../events/event-builder.ts'
import type { SigningKey } from '../events/signing.ts'
import type { RoomVersionRules } from './room-version.ts'

/**
 * Builds a create event. From room version 12 on the room's id is the hash of the event; before, the server chooses
 * it.
 * @param room `localpart`: of the id that the server chooses; `originServerTs`: ms since the epoch
 */
export function buildCreateEvent(
  rules: RoomVersionRules,
  room: { sender: string; content: JsonObject; localpart: string; originServerTs: number },
  serverName: string,
  key: SigningKey,
): BuiltEvent & { roomId: string } {
  const named = rules.roomIdIsCreateHash ? undefined : `!${room.localpart}:${serverName}`
  const built = buildEvent(
    rules,
    {
      roomId: named,
      type: 'm.room.create',
      stateKey: '',
      sender: room.sender,
      content: room.content,
      originServerTs: room.originServerTs,
      depth: 1,
      authEvents: [],
      prevEvents: [],
    },
    serverName,
    key,
  )
  return { ...built, roomId: named ?? `!${built.eventId.slice(1)}` }
}

/** The shapes of events: as servers exchange them, as clients see them, and stripped for invitations. */
import type { JsonObject } from './canonical-json.ts'

/** A persistent data unit: room versions 3 and later (event ids are not on the wire). */
export interface Pdu {
  /** Absent on the create event of room version 12 and later. */
  room_id?: string
  type: string
  state_key?: string
  sender: string
  content: JsonObject
  origin_server_ts: number
  depth: number
  auth_events: string[]
  prev_events: string[]
  hashes: { sha256: string }
  signatures: Record<string, Record<string, string>>
  /** Room versions up to 10: the event a redaction removes. */
  redacts?: string
  unsigned?: JsonObject
  [key: string]: unknown
}

/** An event with its id, which servers compute and never send. */
export interface IdentifiedPdu {
  eventId: string
  pdu: Pdu
}

/** Client-Server API §Room event format. `room_id` is left out inside /sync. */
export interface ClientEvent {
  event_id: string
  room_id?: string
  type: string
  state_key?: string
  sender: string
  content: JsonObject
  origin_server_ts: number
  redacts?: string
  unsigned?: JsonObject
}

/** Client-Server API §Stripped state: what invited and knocking users see of a room. */
export interface StrippedEvent {
  type: string
  state_key: string
  sender: string
  content: JsonObject
}

/** A room's state at some place: synchronous, so that it can stand over SQLite without loading the room. */
export interface StateMap {
  get(type: string, stateKey: string): IdentifiedPdu | undefined
}

/** What sets a room version's events apart for a client: the room id they are shown with, and their own id. */
export function clientEvent(eventId: string, pdu: Pdu, roomId?: string): ClientEvent {
  const event: ClientEvent = {
    event_id: eventId,
    type: pdu.type,
    sender: pdu.sender,
    content: pdu.content,
    origin_server_ts: pdu.origin_server_ts,
  }
  if (roomId !== undefined) event.room_id = roomId
  if (pdu.state_key !== undefined) event.state_key = pdu.state_key
  if (pdu.type === 'm.room.redaction') addRedacts(event, pdu)
  return event
}

/** Room version 11 moved `redacts` into the content; clients of either kind find it in both places. */
function addRedacts(event: ClientEvent, pdu: Pdu): void {
  const redacts = pdu.redacts ?? pdu.content.redacts
  if (typeof redacts !== 'string') return
  event.redacts = redacts
  event.content = { ...pdu.content, redacts }
}

/** Client-Server API §Stripped state: what an invited or knocking user should see. */
export const STRIPPED_TYPES = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
] as const

/** The stripped form of a state event. */
export function strippedEvent(pdu: Pdu): StrippedEvent {
  return { type: pdu.type, state_key: pdu.state_key ?? '', sender: pdu.sender, content: pdu.content }
}

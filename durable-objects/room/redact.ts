/** What a redaction does to the event it names, in the room and in the archive. */
import type { SendRequest } from '../../src/ports.ts'
import type { JsonObject, JsonValue } from '../../src/protocol/canonical-json.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { clientEvent, type IdentifiedPdu, type Pdu } from '../../src/protocol/event.ts'
import { serverNameOf } from '../../src/protocol/identifiers.ts'
import { powerLevels } from '../../src/protocol/power-levels.ts'
import { redact } from '../../src/protocol/redaction.ts'
import type { RoomContext } from './context.ts'
import { appendLog } from './log.ts'
import { removeRelation } from './relations.ts'

/**
 * Room versions 3 and later: a redaction is an ordinary event, and takes effect if its sender has the power to
 * redact, or comes from the server of the event's sender (Room Version 3 §Handling redactions).
 */
export function applyRedaction(room: RoomContext, { eventId, pdu }: IdentifiedPdu, pos: number): void {
  const { store } = room
  const target = store.rules.redactsInContent ? pdu.content.redacts : pdu.redacts
  const row = typeof target === 'string' ? store.event(target) : undefined
  if (row === undefined || row.pos >= pos || !takesEffect(room, pdu, row.sender)) return
  const original = JSON.parse(row.pdu) as Pdu
  const redacted = redact(original, store.rules)
  const because = clientEvent(eventId, pdu, store.roomId) as unknown as JsonValue
  const json = JSON.stringify({ ...redacted, unsigned: { redacted_because: because } satisfies JsonObject })
  store.rewriteEvent(row, json)
  removeRelation(store.sql, original, row.pos)
  room.rewritten = true
  appendLog(room, { kind: 'redacted', pos: 0, eventId: row.event_id, pdu: json })
}

function takesEffect(room: RoomContext, redaction: Pdu, originalSender: string): boolean {
  if (serverNameOf(redaction.sender) === serverNameOf(originalSender)) return true
  const levels = powerLevels(room.store.rules, room.store)
  return levels.user(redaction.sender) >= levels.redact
}

/**
 * Before a local redaction is sent: users may redact their own events, and those of others with the power to
 * redact; "server administrators may redact events sent by users on their server" (Client-Server API §Redactions).
 * An event this room does not know is nobody's.
 * @throws MatrixError M_FORBIDDEN
 */
export function checkMayRedact(
  room: RoomContext,
  { sender, asAdministrator }: Pick<SendRequest, 'sender' | 'asAdministrator'>,
  target: string,
): void {
  const event = room.store.event(target)
  if (event !== undefined && event.state_key !== null && UNREDACTABLE.has(event.type)) {
    throw new MatrixError('M_FORBIDDEN', `A room cannot do without what ${event.type} says`)
  }
  if (mayRedact(room, sender, target)) return
  if (asAdministrator && event !== undefined && room.isLocal(event.sender)) return
  throw new MatrixError('M_FORBIDDEN', 'Redacting the events of others needs more power')
}

/**
 * Up to room version 10 a redacted create event has lost the room's version, and a redacted list of servers lets none
 * in: Synapse refuses both too, and so no client expects to do it.
 */
const UNREDACTABLE: ReadonlySet<string> = new Set(['m.room.create', 'm.room.server_acl'])

/** As `checkMayRedact`, for who asks and does not insist. */
export function mayRedact(room: RoomContext, sender: string, target: string): boolean {
  if (room.store.event(target)?.sender === sender) return true
  const levels = powerLevels(room.store.rules, room.store)
  return levels.user(sender) >= levels.redact
}

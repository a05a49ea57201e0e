/** What a redaction does to the event it names, in the room and in the archive. */

import { powerLevels } from '../../../src/protocol/auth/power-levels.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { IdentifiedPdu, Pdu } from '../../../src/protocol/events/event.ts'
import { redact } from '../../../src/protocol/events/redaction.ts'
import { serverNameOf } from '../../../src/protocol/identifiers.ts'
import { stringField } from '../../../src/protocol/json-fields.ts'
import type { RoomVersionRules } from '../../../src/protocol/rooms/room-version.ts'
import type { RoomReader, RoomWriter } from '../context.ts'
import { becauseOf } from '../read/redacted-because.ts'
import { removeRelation } from '../rows/events/relations.ts'
import { appendLog } from '../rows/tell/log.ts'
import type { LocalEvent } from './local-event.ts'

/**
 * Room versions 3 and later: a redaction is an ordinary event, and takes effect if its sender has the power to
 * redact, or comes from the server of the event's sender (Room Version 3 §Handling redactions).
 */
export function applyRedaction(room: RoomWriter, { eventId, pdu }: IdentifiedPdu, pos: number): void {
  const { store } = room
  const target = store.rules.redactsInContent ? pdu.content.redacts : pdu.redacts
  const row = typeof target === 'string' ? store.event(target) : undefined
  if (row === undefined || row.pos >= pos || !takesEffect(room, pdu, row.sender)) return
  const original = JSON.parse(row.pdu) as Pdu
  const redacted = redact(original, store.rules)
  const json = JSON.stringify({ ...redacted, unsigned: becauseOf(eventId) })
  store.rewriteEvent(row, json)
  removeRelation(store.sql, original, row.pos)
  room.rewritten = true
  if (original.state_key !== undefined) room.listsChanged = true
  appendLog(room, { kind: 'redacted', pos: 0, eventId: row.event_id, pdu: json })
}

function takesEffect(room: RoomReader, redaction: Pdu, originalSender: string): boolean {
  if (serverNameOf(redaction.sender) === serverNameOf(originalSender)) return true
  const levels = powerLevels(room.store.rules, room.store)
  return levels.user(redaction.sender) >= levels.redact
}

/**
 * Room version 11 moved `redacts` into the content. Clients may put it there in every version, and in every kind of
 * request: a message, state, a delayed event, or a new room's first events.
 * @throws MatrixError M_INVALID_PARAM where the redaction names no event
 */
export function placeRedacts(rules: RoomVersionRules, event: LocalEvent): LocalEvent {
  const target = event.redacts ?? event.content.redacts
  if (typeof target !== 'string')
    throw new MatrixError('M_INVALID_PARAM', 'A redaction must name an event in `redacts`')
  const { redacts: _, ...content } = event.content
  if (!rules.redactsInContent) return { ...event, content, redacts: target }
  const { redacts: __, ...rest } = event
  return { ...rest, content: { ...content, redacts: target } }
}

/**
 * Before a local redaction is sent: users may redact their own events, and those of others with the power to
 * redact; "server administrators may redact events sent by users on their server" (Client-Server API §Redactions).
 * @throws MatrixError M_FORBIDDEN; M_INVALID_PARAM for an event that is not one of this room
 */
export function checkRedaction(
  room: RoomReader,
  { sender, asAdministrator, ...redaction }: LocalEvent,
): void {
  const target = redaction.redacts ?? stringField(redaction.content.redacts) ?? ''
  const event = room.store.event(target)
  if (event === undefined) throw new MatrixError('M_INVALID_PARAM', 'The event to redact is not in this room')
  if (UNREDACTABLE.has(event.type)) {
    throw new MatrixError(
      'M_FORBIDDEN',
      `${event.type} must not be redacted: the room would not work without it`,
    )
  }
  if (mayRedact(room, sender, event)) return
  if (asAdministrator && room.isLocal(event.sender)) return
  throw new MatrixError(
    'M_FORBIDDEN',
    'You may not redact the events of others: it needs a higher power level',
  )
}

/**
 * Up to room version 10 a redacted create event loses the room's version, and a redacted list of servers lets no server
 * in. Synapse refuses both too, so no client expects to do it.
 */
const UNREDACTABLE: ReadonlySet<string> = new Set(['m.room.create', 'm.room.server_acl'])

/** Whether a user may redact an event by what they are in the room. */
export function mayRedact(
  room: RoomReader,
  sender: string,
  event: { type: string; sender: string },
): boolean {
  if (UNREDACTABLE.has(event.type)) return false
  if (event.sender === sender) return true
  const levels = powerLevels(room.store.rules, room.store)
  return levels.user(sender) >= levels.redact
}

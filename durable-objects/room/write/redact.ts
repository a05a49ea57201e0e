/** What a redaction does to the event it names, in the room and in the archive. */

import { powerLevels } from '../../../src/protocol/auth/power-levels.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { IdentifiedPdu, Pdu } from '../../../src/protocol/events/event.ts'
import { eventJson } from '../../../src/protocol/events/event-hash.ts'
import { parseExactJson } from '../../../src/protocol/events/exact-json.ts'
import { redact } from '../../../src/protocol/events/redaction.ts'
import { serverNameOf } from '../../../src/protocol/identifiers.ts'
import { stringField } from '../../../src/protocol/json-fields.ts'
import type { RoomVersionRules } from '../../../src/protocol/rooms/room-version.ts'
import type { RoomReader, RoomWriter } from '../context.ts'
import { becauseOf } from '../read/redacted-because.ts'
import type { EventRow } from '../rows/events/events.ts'
import { judgedEvent } from '../rows/events/judged-events.ts'
import { removeRelation } from '../rows/events/relations.ts'
import { keepJudged } from '../rows/federation/apart.ts'
import { noteEarlyRedaction, redactions } from '../rows/federation/early-redactions.ts'
import { hasServers } from '../rows/federation/servers.ts'
import { placeBefore, stateMapOf } from '../rows/federation/states.ts'
import { appendLog } from '../rows/tell/log.ts'
import type { LocalEvent } from './local-event.ts'

/**
 * Room versions 3 and later: a redaction is an ordinary event, and takes effect if its sender has the power to
 * redact, or comes from the server of the event's sender (Room Version 3 §Handling redactions). One that comes before
 * its target waits for it.
 */
export function applyRedaction(room: RoomWriter, redaction: IdentifiedPdu): void {
  const { store } = room
  const { eventId, pdu } = redaction
  const target = targetOf(store.rules, pdu)
  if (target === undefined) return
  const row = store.event(target)
  if (row === undefined) noteEarlyRedaction(store.sql, { target_id: target, redaction_id: eventId })
  else if (takesEffect(room, redaction, row.sender)) redactRow(room, row, eventId)
}

function targetOf(rules: RoomVersionRules, pdu: Pdu): string | undefined {
  return stringField(rules.redactsInContent ? pdu.content.redacts : pdu.redacts)
}

/** Notes anew, in a rebuilt room, which redactions wait for the events that they name. */
export function restoreEarlyRedactions({ store }: RoomWriter): void {
  for (const { event_id, pdu } of redactions(store.sql)) {
    const target = targetOf(store.rules, JSON.parse(pdu) as Pdu)
    if (target !== undefined && store.event(target) === undefined)
      noteEarlyRedaction(store.sql, { target_id: target, redaction_id: event_id })
  }
}

function redactRow(room: RoomWriter, row: EventRow, redactionId: string): void {
  const { store } = room
  const { rules } = store
  const original = JSON.parse(row.pdu) as Pdu
  // Versions below 6 have numbers that parsing loses, and other servers hash what is left of the event.
  const exact = rules.strictJson ? original : (parseExactJson(row.pdu) as JsonObject as Pdu)
  const json = eventJson({ ...redact(exact, rules), unsigned: becauseOf(redactionId) }, rules)
  keepJudged(room, row.event_id, original)
  store.rewriteEvent(row, json)
  removeRelation(store.sql, original, row.pos)
  room.rewritten = true
  if (original.state_key !== undefined) room.listsChanged = true
  appendLog(room, { kind: 'redacted', pos: 0, eventId: row.event_id, pdu: json })
}

/** Judged by the state before the redaction, as other servers judge it. */
function takesEffect(
  { store }: RoomReader,
  { eventId, pdu }: IdentifiedPdu,
  originalSender: string,
): boolean {
  if (serverNameOf(pdu.sender) === serverNameOf(originalSender)) return true
  const row = judgedEvent(store.sql, eventId)
  if (row === undefined) return false
  const levels = powerLevels(store.rules, stateMapOf(store.sql, { base: placeBefore(row), deltas: [] }))
  return levels.user(pdu.sender) >= levels.redact
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
 * With that power they may also redact an event that other servers have and this one lacks.
 * @throws MatrixError M_FORBIDDEN; M_INVALID_PARAM for an event that is not one of this room
 */
export function checkRedaction(
  room: RoomReader,
  { sender, asAdministrator, ...redaction }: LocalEvent,
): void {
  const target = redaction.redacts ?? stringField(redaction.content.redacts) ?? ''
  const event = room.store.event(target)
  if (event === undefined) {
    if (hasServers(room.store.sql) && hasPowerToRedact(room, sender)) return
    throw new MatrixError('M_INVALID_PARAM', 'The event to redact is not in this room')
  }
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
  return event.sender === sender || hasPowerToRedact(room, sender)
}

function hasPowerToRedact({ store }: RoomReader, userId: string): boolean {
  const levels = powerLevels(store.rules, store)
  return levels.user(userId) >= levels.redact
}

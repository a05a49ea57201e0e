/** A redacted event names its redaction. It is stored as a reference, and shown as the redaction itself. */
import type { JsonObject, JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import { clientEvent, type Pdu } from '../../../src/protocol/events/event.ts'
import { objectField } from '../../../src/protocol/json-fields.ts'
import type { RowReader } from '../rows/reader.ts'

/** The `unsigned` of an event that this redaction took effect on; it fits into `ROOM_TO_REDACT`. */
export function becauseOf(redactionId: string): JsonObject {
  return { redacted_because: { event_id: redactionId } }
}

/** Whether the redaction is stored whole, as it was before it became a reference. */
export function isWhole(because: JsonObject): boolean {
  return because.type !== undefined
}

/** The redaction that a stored event names, in the form of clients; undefined for one that was not redacted. */
export function redactionOf(store: RowReader, pdu: Pdu): JsonObject | undefined {
  const because = objectField(pdu.unsigned?.redacted_because as JsonValue | undefined)
  if (because === undefined || isWhole(because)) return because
  const row = store.event(String(because.event_id))
  if (row === undefined) return because
  return clientEvent(row.event_id, JSON.parse(row.pdu) as Pdu, store.roomId) as unknown as JsonObject
}

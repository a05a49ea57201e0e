/** Stored events in the form clients see, with what the room alone knows of them. */
import type { TimelineEvent } from '../../src/ports.ts'
import type { JsonObject } from '../../src/protocol/canonical-json.ts'
import { clientEvent, type Pdu } from '../../src/protocol/event.ts'
import { first } from '../sqlite.ts'
import type { EventRow, RoomStore } from './store.ts'

const TXN_SEPARATOR = '\n'

/** The key under which a local send is remembered. Its scope is the device and the path (GEN9). */
export function txnKey(deviceId: string, type: string, txnId: string): string {
  return [deviceId, type, txnId].join(TXN_SEPARATOR)
}

function parseTxn(txn: string | null): { deviceId: string; txnId: string } | undefined {
  if (txn === null) return undefined
  const [deviceId = '', , ...rest] = txn.split(TXN_SEPARATOR)
  return { deviceId, txnId: rest.join(TXN_SEPARATOR) }
}

/** An event as every viewer may see it; what differs by request is added by `forViewer` (durable-objects/for-viewer.ts). */
export function timelineEvent(store: RoomStore, row: EventRow): TimelineEvent {
  const pdu = JSON.parse(row.pdu) as Pdu
  const replaced = row.state_key === null ? undefined : replacedBy(store, row)
  return assembleTimelineEvent(row.pos, row.event_id, pdu, replaced, row.txn)
}

/** As `timelineEvent`, from what an append has at hand. */
export function assembleTimelineEvent(
  pos: number,
  eventId: string,
  pdu: Pdu,
  replaced: { eventId: string; pdu: Pdu } | undefined,
  txn: string | null,
): TimelineEvent {
  const event = clientEvent(eventId, pdu)
  const unsigned: JsonObject = {}
  if (pdu.unsigned?.redacted_because !== undefined) unsigned.redacted_because = pdu.unsigned.redacted_because
  if (replaced !== undefined) {
    unsigned.replaces_state = replaced.eventId
    unsigned.prev_content = replaced.pdu.content
    unsigned.prev_sender = replaced.pdu.sender
  }
  event.unsigned = unsigned
  const result: TimelineEvent = { pos, event }
  const sent = parseTxn(txn)
  if (sent !== undefined) result.txn = sent
  return result
}

/** The state event that `row` took the place of. */
function replacedBy(store: RoomStore, row: EventRow): { eventId: string; pdu: Pdu } | undefined {
  const found = first<{ event_id: string; pdu: string }>(
    store.sql,
    `SELECT e.event_id, e.pdu FROM state s JOIN events e ON e.event_id = s.event_id
     WHERE s.type = ? AND s.state_key = ? AND s.to_pos = ?`,
    row.type,
    row.state_key,
    row.pos,
  )
  return found && { eventId: found.event_id, pdu: JSON.parse(found.pdu) as Pdu }
}

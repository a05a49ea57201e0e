/** Stored events in the form clients see, with what the room alone knows of them. */
import type { TimelineEvent } from '../../../src/objects/room/sync.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { clientEvent, type Pdu } from '../../../src/protocol/events/event.ts'
import type { RowReader } from '../rows/reader.ts'
import { stateEndedAt } from '../rows/state/state.ts'
import type { ShownRow } from './erasures.ts'
import { redactionOf } from './redacted-because.ts'

const TXN_SEPARATOR = '\n'

/** The key under which a local send is remembered. Its scope is the device and the path (GEN9). */
export function txnKey(deviceId: string, type: string, txnId: string): string {
  return [deviceId, type, txnId].join(TXN_SEPARATOR)
}

/** The key of an event that was delayed (MSC4140): no device has an empty id. */
export function delayedKey(delayId: string): string {
  return txnKey('', '', delayId)
}

/** Stands in for the path of an event that no client asked for. */
const BY_SERVER = 'server'

/** The key of an event that the server made in its sender's name. */
export function serverKey(eventId: string): string {
  return txnKey('', BY_SERVER, eventId)
}

/** Whether a stored key belongs to an event that its sender did not send at that moment. */
export function isUnattended(txn: string | null): boolean {
  return txn?.startsWith(TXN_SEPARATOR) === true
}

/** What the sender is shown of the request behind a stored key. */
function parseTxn(txn: string | null): Pick<TimelineEvent, 'txn' | 'delayId' | 'unattended'> {
  if (txn === null) return {}
  const [deviceId = '', path, ...rest] = txn.split(TXN_SEPARATOR)
  const id = rest.join(TXN_SEPARATOR)
  if (deviceId !== '') return { txn: { deviceId, txnId: id } }
  return { ...(path !== BY_SERVER && { delayId: id }), unattended: true }
}

/** An event as every viewer may see it; what differs by request is added by `forViewer` (durable-objects/for-viewer.ts). */
export function timelineEvent(store: RowReader, row: ShownRow): TimelineEvent {
  return store.recall.viewOf(row, 'timeline', () => readTimelineEvent(store, row))
}

function readTimelineEvent(store: RowReader, row: ShownRow): TimelineEvent {
  const pdu = JSON.parse(row.pdu) as Pdu
  const replaced =
    row.state_key === null || row.pruned
      ? undefined
      : stateEndedAt(store.sql, row.type, row.state_key, row.pos)
  const made = assembleTimelineEvent(row.pos, row.event_id, pdu, replaced, row.txn)
  const because = redactionOf(store, pdu)
  if (because !== undefined) made.event.unsigned = { ...made.event.unsigned, redacted_because: because }
  return made
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
  if (replaced !== undefined) {
    unsigned.replaces_state = replaced.eventId
    unsigned.prev_content = replaced.pdu.content
    unsigned.prev_sender = replaced.pdu.sender
  }
  event.unsigned = unsigned
  return { pos, event, ...parseTxn(txn) }
}

/** What the event stream is told of a room: each entry of the room's log, as records of the topics it belongs to. */
import type { NewRecord, Strip } from '../../../src/objects/partition/records.ts'
import type { RoomLogEntry } from '../../../src/ports/archive.ts'
import type { Topic } from '../../../src/protocol/event-stream.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { clientEvent, type Pdu } from '../../../src/protocol/events/event.ts'
import { eventById } from '../rows/events/events.ts'
import type { RowReader } from '../rows/reader.ts'
import { bodyOf, receiptRecord, recordOf } from './record-texts.ts'

export interface Told {
  records: NewRecord[]
  strips: Strip[]
}

type Entry<Kind extends RoomLogEntry['kind']> = Extract<RoomLogEntry, { kind: Kind }>

/** What each kind of entry tells; nothing, where it is its user's own affair. */
const TELLS: { [Kind in RoomLogEntry['kind']]: (store: RowReader, entry: Entry<Kind>) => Told } = {
  event: tellEvent,
  redacted: tellRedacted,
  moved: () => NOTHING,
  // A late event is no news.
  placed: () => NOTHING,
  record: () => NOTHING,
  alias: (store, { pos, alias, creator }) =>
    one(store, 'events', { kind: 'alias', position: pos, alias, creator }),
  visibility: (store, { pos, public: listed }) =>
    one(store, 'events', { kind: 'visibility', position: pos, public: listed }),
  replaced: (store, { pos, roomId }) =>
    one(store, 'events', { kind: 'replaced', position: pos, replacement: roomId }),
  receipt: tellReceipt,
  forgotten: () => NOTHING,
  delayed: () => NOTHING,
  erased: () => NOTHING,
}

const NOTHING: Told = { records: [], strips: [] }

/** The records of a piece of the log, in its order. */
export function recordsOf(store: RowReader, entries: readonly RoomLogEntry[]): Told {
  const told = entries.map((entry) =>
    (TELLS[entry.kind] as (s: RowReader, e: RoomLogEntry) => Told)(store, entry),
  )
  return { records: told.flatMap(({ records }) => records), strips: told.flatMap(({ strips }) => strips) }
}

/** Of an event that was redacted since, its redacted form: nothing else is stored. */
function tellEvent(store: RowReader, entry: Entry<'event'>): Told {
  const { current, eventId, membership, pos: position, sender, stateKey } = entry
  const pdu = JSON.parse(entry.pdu) as Pdu
  const event = clientEvent(eventId, pdu, store.roomId) as unknown as JsonObject
  const { records } = one(store, 'events', { kind: 'event', position, event })
  if (!current || membership === null || stateKey === null) return { records, strips: [] }
  const member = { kind: 'membership', position, user_id: stateKey, membership, sender, event_id: eventId }
  return { records: [...records, ...one(store, 'membership', member).records], strips: [] }
}

/** The record of the event loses its content too. What its event says of the redaction stays with the redaction. */
function tellRedacted(store: RowReader, { pos, eventId, pdu: json }: Entry<'redacted'>): Told {
  const pdu = JSON.parse(json) as Pdu
  const event = clientEvent(eventId, pdu, store.roomId) as unknown as JsonObject
  const { records } = one(store, 'events', { kind: 'redacted', position: pos, event })
  const of = eventById(store.sql, eventId)?.pos
  if (of === undefined) return { records, strips: [] }
  const body = bodyOf(store.roomId, { kind: 'event', position: of, redacted: true, event })
  return { records, strips: [{ pos, of, body }] }
}

/** What a user reads in private is not told. */
function tellReceipt({ roomId }: RowReader, entry: Entry<'receipt'>): Told {
  return entry.type === 'm.read' ? { records: [receiptRecord(roomId, entry)], strips: [] } : NOTHING
}

function one({ roomId }: RowReader, topic: Topic, body: JsonObject & { position: number }): Told {
  return { records: [recordOf(roomId, topic, body)], strips: [] }
}

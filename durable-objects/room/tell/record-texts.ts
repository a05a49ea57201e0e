/** Records of the event stream as the text that its readers get, made of what a Room has in memory. */
import type { NewRecord } from '../../../src/objects/partition/records.ts'
import type { Receipt, TimelineEvent } from '../../../src/objects/room/sync.ts'
import type { Topic } from '../../../src/protocol/event-stream.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'

/** The record of a public receipt. */
export function receiptRecord(roomId: string, receipt: Omit<Receipt, 'eventPos'>): NewRecord {
  const { eventId, pos, threadId, ts, userId } = receipt
  const thread = threadId === undefined ? {} : { thread_id: threadId }
  const body = { kind: 'receipt', position: pos, user_id: userId, event_id: eventId, ...thread, ts }
  return recordOf(roomId, 'receipts', body)
}

/** The record of an event that is no state and no redaction, as `tellEvent` makes it of the stored one. */
export function eventRecord(roomId: string, { event: shown, pos }: TimelineEvent): NewRecord {
  const { content, event_id, origin_server_ts, sender, type } = shown
  const event = { event_id, type, sender, content, origin_server_ts, room_id: roomId }
  return recordOf(roomId, 'events', { kind: 'event', position: pos, event })
}

export function recordOf(roomId: string, topic: Topic, body: JsonObject & { position: number }): NewRecord {
  return { pos: body.position, topic, body: bodyOf(roomId, body) }
}

export const bodyOf = (roomId: string, body: JsonObject): string =>
  JSON.stringify({ room_id: roomId, ...body })

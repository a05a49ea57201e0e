/** What passes in a room: who types, and how far people have read. */
import type { RoomSlice } from '../../../src/objects/room/sync.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { receiptContent } from '../../../src/protocol/events/receipt-content.ts'
import { matchesRoomEvent } from '../../../src/protocol/matching/filter.ts'
import type { SyncQuery } from './room-sections.ts'

/** The events under `ephemeral` that a client wants, without those whom its user ignores. */
export function ephemeralEvents(slice: RoomSlice, query: SyncQuery, roomId: string): JsonObject[] {
  const isIgnored = (userId: string) => query.ignored?.has(userId) === true
  const events: (JsonObject & { type: string; content: JsonObject })[] = []
  if (slice.typing !== undefined) {
    const typing = slice.typing.filter((userId) => !isIgnored(userId))
    events.push({ type: 'm.typing', content: { user_ids: typing } })
  }
  const receipts = slice.receipts?.filter(({ userId }) => !isIgnored(userId)) ?? []
  if (receipts.length > 0) events.push({ type: 'm.receipt', content: receiptContent(receipts) })
  const filter = query.filter?.room?.ephemeral
  return events.filter((event) => matchesRoomEvent(filter, { ...event, sender: '' }, roomId))
}

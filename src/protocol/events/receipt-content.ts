/** Receipts in the form in which clients get them. */
import type { JsonObject } from './canonical-json.ts'

/** What is shown of a receipt. */
export interface ShownReceipt {
  eventId: string
  type: string
  userId: string
  threadId?: string
  ts: number
}

/**
 * Client-Server API §m.receipt. If a user has a receipt of the whole room and one of a thread at the same event, only
 * that of the whole room is shown (MSC4102), since the form has room for one.
 */
export function receiptContent(receipts: readonly ShownReceipt[]): JsonObject {
  const content: Record<string, Record<string, Record<string, JsonObject>>> = {}
  for (const { eventId, type, userId, threadId, ts } of receipts) {
    content[eventId] ??= {}
    const byType = content[eventId]
    byType[type] ??= {}
    const byUser = byType[type]
    const shown = byUser[userId]
    if (shown !== undefined && shown.thread_id === undefined) continue
    byUser[userId] = threadId === undefined ? { ts } : { ts, thread_id: threadId }
  }
  return content
}

/** Client-Server API §Receipts: how far people have read. Each receipt takes a room position. */
import { receiptContent } from '../../../../src/protocol/events/receipt-content.ts'
import type { PassingPart } from './passing.ts'

export const receipts: PassingPart = {
  take(increments, since, slice) {
    slice.receipts = increments
      .flatMap((increment) => increment.receipts ?? [])
      .filter(({ pos }) => pos > since)
  },

  shown(slice, ignored) {
    const shown = slice.receipts?.filter(({ userId }) => !ignored?.has(userId)) ?? []
    return shown.length === 0 ? undefined : { type: 'm.receipt', content: receiptContent(shown) }
  },
}

/** Events as an answer shows them, with what relates to them. */
import type { TimelineEvent } from '../../../src/objects/room/sync.ts'
import type { ClientEvent } from '../../../src/protocol/events/event.ts'
import { forViewer } from '../../for-viewer.ts'
import { aggregations, withRelations } from './aggregations.ts'
import type { ShownRow } from './erasures.ts'
import { bareEvent, type Reading } from './reading.ts'

/** An event on its way to one viewer: MSC4115's membership, and where wanted the aggregations of its children. */
export function viewedEvent(reading: Reading, row: ShownRow, bundled: boolean): TimelineEvent {
  const viewed = bareEvent(reading, row)
  const relations = bundled ? aggregations(reading, viewed.event) : undefined
  return relations === undefined ? viewed : { ...viewed, event: withRelations(viewed.event, relations) }
}

/** An event as the answer shows it, its aggregations included. */
export function shownEvent(reading: Reading, row: ShownRow): ClientEvent {
  const { room, session, now } = reading
  return forViewer(viewedEvent(reading, row, true), session, now, room.store.roomId)
}

/** Events as one request sees them: with the viewer's membership at the time and with what relates to them. */
import type { TimelineEvent } from '../../../src/objects/room/sync.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { ClientEvent, Pdu } from '../../../src/protocol/events/event.ts'
import { forViewer } from '../../for-viewer.ts'
import type { RoomReader } from '../context.ts'
import type { ShownRow } from '../write/erasure.ts'
import { aggregations } from './aggregations.ts'
import { timelineEvent } from './client-events.ts'
import { Viewer } from './visibility.ts'

/** One request's view of the room. */
export interface Reading {
  room: RoomReader
  viewer: Viewer
  session: Pick<Session, 'userId' | 'deviceId'>
  /** Users whose messages the viewer does not want to see. */
  ignored: readonly string[]
  now: number
}

export function readingOf(
  room: RoomReader,
  session: Pick<Session, 'userId' | 'deviceId'>,
  ignored: readonly string[] = [],
): Reading {
  return { room, viewer: new Viewer(room.store, session.userId), session, ignored, now: room.clock.now() }
}

/** An event on its way to one viewer: MSC4115's membership, and where wanted the aggregations of its children. */
export function viewedEvent(reading: Reading, row: ShownRow, bundled: boolean): TimelineEvent {
  const made = timelineEvent(reading.room.store, row)
  const unsigned: JsonObject = {
    ...made.event.unsigned,
    membership: reading.viewer.membershipAt(row.pos) ?? 'leave',
  }
  const relations = bundled ? aggregations(reading, made.event) : undefined
  if (relations !== undefined) unsigned['m.relations'] = relations
  return { ...made, event: { ...made.event, unsigned } }
}

/** An event as the answer shows it, its aggregations included. */
export function shownEvent(reading: Reading, row: ShownRow): ClientEvent {
  const { room, session, now } = reading
  return forViewer(viewedEvent(reading, row, true), session, now, room.store.roomId)
}

/** As `shownEvent`, inside the aggregation of another event: nothing is aggregated but its edits. */
export function nestedEvent(reading: Reading, row: ShownRow, depth: 'edits' | 'none'): ClientEvent {
  const { room, session, now } = reading
  const viewed = viewedEvent(reading, row, false)
  const relations = depth === 'edits' ? aggregations(reading, viewed.event, ['m.replace']) : undefined
  if (relations !== undefined) {
    viewed.event.unsigned = { ...viewed.event.unsigned, 'm.relations': relations }
  }
  return forViewer(viewed, session, now, room.store.roomId)
}

/** §Filtering, `event_format`: "'federation' will return the raw event as received over federation". */
export function inFederationFormat({ event, ...rest }: TimelineEvent, row: ShownRow): TimelineEvent {
  const raw = { ...(JSON.parse(row.pdu) as Pdu), event_id: row.event_id, unsigned: event.unsigned }
  return { ...rest, event: raw }
}

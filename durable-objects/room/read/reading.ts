/** Events as one request sees them: with the viewer's membership at the time. */
import type { TimelineEvent } from '../../../src/objects/room/sync.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import type { RoomReader } from '../context.ts'
import { timelineEvent } from './client-events.ts'
import type { ShownRow } from './erasures.ts'
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

/** An event with MSC4115's membership, and without what relates to it. */
export function bareEvent(reading: Reading, row: ShownRow): TimelineEvent {
  const made = timelineEvent(reading.room.store, row)
  const membership = reading.viewer.membershipAt(row.pos) ?? 'leave'
  return reading.room.store.recall.viewOf(made, membership, () => ({
    ...made,
    event: { ...made.event, unsigned: { ...made.event.unsigned, membership } },
  }))
}

/** §Filtering, `event_format`: "'federation' will return the raw event as received over federation". */
export function inFederationFormat({ event, ...rest }: TimelineEvent, row: ShownRow): TimelineEvent {
  const raw = { ...(JSON.parse(row.pdu) as Pdu), event_id: row.event_id, unsigned: event.unsigned }
  return { ...rest, event: raw }
}

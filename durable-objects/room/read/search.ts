/** The room's part in a search of the archive: which of the events found a user may see, and what stands around them. */
import type { FoundEvent, SearchContext } from '../../../src/objects/room/timeline.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { stringField } from '../../../src/protocol/json-fields.ts'
import type { Profile } from '../../../src/protocol/profile.ts'
import type { RoomReader } from '../context.ts'
import { nestedEvent } from './aggregations.ts'
import type { ShownRow } from './erasures.ts'
import { type Reading, readingOf } from './reading.ts'
import { shownEvent } from './shown-event.ts'
import { firstPlace, isIgnored, lastPlace, placeToken, scan } from './timeline.ts'

/** Characters in one answer; events beyond it come alone, without context or what relates to them. */
const MAX_LENGTH = 4_000_000
/** Characters of what stands on each side of one event. */
const MAX_SIDE = 100_000

/** Those of these events that the viewer may see with their text. */
export function visibleEvents(
  room: RoomReader,
  userId: string,
  eventIds: readonly string[],
  ignored: readonly string[],
): string[] {
  const reading = readingOf(room, { userId, deviceId: '' }, ignored)
  return eventIds.filter((eventId) => readable(reading, eventId) !== undefined)
}

/** The events that the viewer may see, each with what stands around it. */
export function foundEvents(
  room: RoomReader,
  session: Session,
  eventIds: readonly string[],
  { ignored, context }: { ignored: readonly string[]; context?: SearchContext },
): FoundEvent[] {
  const reading = readingOf(room, session, ignored)
  const found: FoundEvent[] = []
  let spent = 0
  for (const eventId of eventIds) {
    const row = readable(reading, eventId)
    if (row === undefined) continue
    const isFull = spent >= MAX_LENGTH
    const entry: FoundEvent = { event: isFull ? nestedEvent(reading, row, 'none') : shownEvent(reading, row) }
    if (context !== undefined && !isFull)
      entry.context = contextOf(reading, row, surroundings(reading, row, context), context)
    spent += JSON.stringify(entry).length
    found.push(entry)
  }
  return found
}

/** The event as it may be shown; undefined where it may not, or where its text is gone. */
function readable({ room, viewer, ignored }: Reading, eventId: string): ShownRow | undefined {
  const row = room.store.event(eventId)
  const shown = row && viewer.shown(row)
  if (shown === undefined || shown.pruned || isIgnored(ignored, shown)) return undefined
  return (JSON.parse(shown.pdu) as Pdu).unsigned?.redacted_because === undefined ? shown : undefined
}

interface Surroundings {
  before: ShownRow[]
  after: ShownRow[]
}

function surroundings(
  { room, viewer, ignored }: Reading,
  { pos }: ShownRow,
  limits: SearchContext,
): Surroundings {
  const rows = (dir: 'b' | 'f', from: number, to: number, limit: number) =>
    scan(room.store, viewer, { dir, from, to, limit, ignored, length: MAX_SIDE }).rows
  return {
    before: rows('b', pos, firstPlace(), limits.before),
    after: rows('f', pos + 1, lastPlace(), limits.after),
  }
}

function contextOf(
  reading: Reading,
  row: ShownRow,
  { before, after }: Surroundings,
  { profiles }: SearchContext,
): FoundEvent['context'] {
  const context: FoundEvent['context'] = {
    start: placeToken(before.at(-1)?.pos ?? row.pos),
    end: placeToken((after.at(-1)?.pos ?? row.pos) + 1),
    events_before: before.map((one) => shownEvent(reading, one)),
    events_after: after.map((one) => shownEvent(reading, one)),
  }
  if (profiles) context.profile_info = profilesAt(reading.room, [...before, row, ...after])
  return context
}

/** "The historic profile information": as the senders were called at the newest of the events. */
function profilesAt({ store }: RoomReader, rows: readonly ShownRow[]): Record<string, Profile> {
  const profiles: Record<string, Profile> = {}
  for (const { sender, pos } of rows) {
    const member = store.stateRowAt('m.room.member', sender, pos)
    const event = member && store.stateEvent(member.event_id)
    if (event === undefined) continue
    const { displayname, avatar_url: avatar } = (JSON.parse(event.pdu) as Pdu).content
    const profile: Profile = {}
    if (stringField(displayname) !== undefined) profile.displayname = stringField(displayname)
    if (stringField(avatar)?.startsWith('mxc://')) profile.avatar_url = stringField(avatar)
    profiles[sender] = profile
  }
  return profiles
}

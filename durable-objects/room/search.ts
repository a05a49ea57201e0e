/** The room's say in a search of the archive: which of the events found somebody may see, and what stands around them. */
import type { FoundEvent, Profile, SearchContext, Session } from '../../src/ports.ts'
import type { ClientEvent, Pdu } from '../../src/protocol/event.ts'
import { stringField } from '../../src/protocol/json-fields.ts'
import { forViewer } from '../for-viewer.ts'
import { timelineEvent } from './client-events.ts'
import type { RoomContext } from './context.ts'
import type { ShownRow } from './erasure.ts'
import { placeToken, scan } from './timeline.ts'
import { Viewer } from './visibility.ts'

/** Characters of context in one answer: beyond, events come without it. An RPC carries 32 MB at most. */
const MAX_CONTEXT = 4_000_000
/** Beyond every position. */
const FAR = 1e15

/** Of these events, those that the viewer may see with their text. */
export function visibleEvents(room: RoomContext, userId: string, eventIds: readonly string[]): string[] {
  const viewer = new Viewer(room.store, userId)
  return eventIds.filter((eventId) => readable(room, viewer, eventId) !== undefined)
}

/** The events that the viewer may see, each with what stands around it. */
export function foundEvents(
  room: RoomContext,
  session: Session,
  eventIds: readonly string[],
  context: SearchContext | undefined,
): FoundEvent[] {
  const viewer = new Viewer(room.store, session.userId)
  const show = (row: ShownRow) =>
    forViewer(timelineEvent(room.store, row), session, room.clock.now(), room.store.roomId)
  const found: FoundEvent[] = []
  let spent = 0
  for (const eventId of eventIds) {
    const row = readable(room, viewer, eventId)
    if (row === undefined) continue
    const entry: FoundEvent = { event: show(row) }
    if (context !== undefined && spent < MAX_CONTEXT) {
      const around = surroundings(room, viewer, row, context)
      spent += [...around.before, ...around.after].reduce((sum, { pdu }) => sum + pdu.length, 0)
      entry.context = contextOf(room, row, around, context, show)
    }
    found.push(entry)
  }
  return found
}

/** The event as it may be shown; undefined where it may not, or where its text is gone. */
function readable({ store }: RoomContext, viewer: Viewer, eventId: string): ShownRow | undefined {
  const row = store.event(eventId)
  const shown = row && viewer.shown(row)
  if (shown === undefined || shown.pruned) return undefined
  return (JSON.parse(shown.pdu) as Pdu).unsigned?.redacted_because === undefined ? shown : undefined
}

interface Surroundings {
  before: ShownRow[]
  after: ShownRow[]
}

function surroundings(
  { store }: RoomContext,
  viewer: Viewer,
  { pos }: ShownRow,
  limits: SearchContext,
): Surroundings {
  return {
    before: scan(store, viewer, { dir: 'b', from: pos, to: -FAR, limit: limits.before }).rows,
    after: scan(store, viewer, { dir: 'f', from: pos + 1, to: FAR, limit: limits.after }).rows,
  }
}

function contextOf(
  room: RoomContext,
  row: ShownRow,
  { before, after }: Surroundings,
  { profiles }: SearchContext,
  show: (row: ShownRow) => ClientEvent,
): FoundEvent['context'] {
  const context: FoundEvent['context'] = {
    start: placeToken(before.at(-1)?.pos ?? row.pos),
    end: placeToken((after.at(-1)?.pos ?? row.pos) + 1),
    events_before: before.map(show),
    events_after: after.map(show),
  }
  if (profiles) context.profile_info = profilesAt(room, [...before, row, ...after])
  return context
}

/** "The historic profile information": as the senders were called at the newest of the events. */
function profilesAt({ store }: RoomContext, rows: readonly ShownRow[]): Record<string, Profile> {
  const profiles: Record<string, Profile> = {}
  for (const { sender, pos } of rows) {
    const member = store.stateRowAt('m.room.member', sender, pos)
    const event = member && store.event(member.event_id)
    if (event === undefined) continue
    const { displayname, avatar_url: avatar } = (JSON.parse(event.pdu) as Pdu).content
    const profile: Profile = {}
    if (stringField(displayname) !== undefined) profile.displayname = stringField(displayname)
    if (stringField(avatar)?.startsWith('mxc://')) profile.avatar_url = stringField(avatar)
    profiles[sender] = profile
  }
  return profiles
}

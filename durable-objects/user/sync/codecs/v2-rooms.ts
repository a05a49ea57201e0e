/** One room of a `/sync` answer (Client-Server API §GET /sync, `Joined Room` and `Left Room`). */
import type { RoomSlice } from '../../../../src/objects/room/sync.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { ClientEvent } from '../../../../src/protocol/events/event.ts'
import { objectField } from '../../../../src/protocol/json-fields.ts'
import { eventWithFields, type Filter, matchesRoomEvent } from '../../../../src/protocol/matching/filter.ts'
import { forViewer } from '../../../for-viewer.ts'
import type { AccountDataEvent } from '../../settings/account-data.ts'
import type { SyncQuery } from '../query.ts'
import type { RoomData, RoomNews } from '../streams/news.ts'
import type { PassingEvent, PassingPart } from '../streams/passing.ts'
import { receipts } from '../streams/receipts.ts'
import { typing } from '../streams/typing.ts'
import type { UnreadList } from '../streams/unread-list.ts'
import { unreadFields } from '../unread.ts'

/** In the order in which clients have always had them. */
const PASSING: readonly PassingPart[] = [typing, receipts]

/**
 * A room under `rooms.join` or `rooms.leave` (Client-Server API §GET /sync).
 * @returns undefined where nothing in it would be news
 */
export function roomSection(
  { room: { roomId }, first, slice, data, unread }: RoomNews,
  query: SyncQuery,
  now: number,
): JsonObject | undefined {
  const { filter, session } = query
  const select = (event: ClientEvent) => eventWithFields(event, filter?.event_fields)
  const timeline: JsonObject = {
    events: slice.events.map((event) => select(forViewer(event, session, now))),
    limited: slice.limited,
    prev_batch: slice.prevBatch,
  }
  const passing = passingEvents(slice, query, roomId)
  // A receipt of the user's own changes the counts, even where the client does not want to see receipts.
  const hasRead = slice.receipts?.some(({ userId }) => userId === session.userId) === true
  const accountData = wantedData(data, query, roomId)
  const hasNews =
    first ||
    slice.events.length > 0 ||
    slice.limited ||
    slice.state.length > 0 ||
    passing.length > 0 ||
    hasRead
  if (!hasNews) return dataOnly(accountData, slice.prevBatch, unread, filter)
  const state = { events: slice.state.map(select) }
  const section: JsonObject = { timeline }
  if (query.stateAfter) {
    // MSC4222: stable since 1.16, but today's clients read the unstable name.
    section.state_after = state
    section['org.matrix.msc4222.state_after'] = state
  } else {
    section.state = state
  }
  section.account_data = { events: accountData }
  if (slice.membership !== 'join') return section
  section.ephemeral = { events: passing }
  section.summary = summary(slice)
  return { ...section, ...unreadFields(unread, filter) }
}

/** A room in which nothing but the user's own data has changed; undefined where the client does not want that. */
export function dataSection(
  { roomId, place, data, unread }: RoomData,
  query: SyncQuery,
): JsonObject | undefined {
  return dataOnly(wantedData(data, query, roomId), `p${place}`, unread, query.filter)
}

function dataOnly(
  accountData: JsonObject[],
  prevBatch: string,
  unread: UnreadList | undefined,
  filter: Filter | undefined,
): JsonObject | undefined {
  if (accountData.length === 0) return undefined
  // Clients page back from `prev_batch` wherever a room is shown.
  const timeline = { events: [], limited: false, prev_batch: prevBatch }
  return { timeline, account_data: { events: accountData }, ...unreadFields(unread, filter) }
}

/** The events under `ephemeral` that a client wants. */
function passingEvents(slice: RoomSlice, { filter, ignored }: SyncQuery, roomId: string): PassingEvent[] {
  return PASSING.map((part) => part.shown(slice, ignored))
    .filter((event) => event !== undefined)
    .filter((event) => matchesRoomEvent(filter?.room?.ephemeral, { ...event, sender: '' }, roomId))
}

/** The account data of a room that a client wants. */
function wantedData(
  data: readonly AccountDataEvent[],
  { filter, session }: SyncQuery,
  roomId: string,
): JsonObject[] {
  return data
    .map(shownData)
    .filter((event) => matchesRoomEvent(filter?.room?.account_data, ownData(event, session.userId), roomId))
}

/** Account data as clients read it. */
export function shownData({ type, content }: AccountDataEvent): { type: string; content: JsonObject } {
  return { type, content }
}

/** Account data has no sender: it counts as the user's own. */
function ownData({ type, content }: JsonObject, sender: string) {
  return { type: String(type), sender, content: objectField(content) ?? {} }
}

function summary({ counts, heroes }: RoomSlice): JsonObject {
  const result: JsonObject = {}
  if (counts !== undefined) {
    result['m.joined_member_count'] = counts.joined
    result['m.invited_member_count'] = counts.invited
  }
  if (heroes !== undefined) result['m.heroes'] = heroes
  return result
}

/** The body of an answer of sliding sync (MSC4186), made of what the streams gave, and what the client has with it. */
import type { RestOfState } from '../../../../../src/objects/room/sync.ts'
import type { SlidingAsked } from '../../../../../src/objects/user/sliding.ts'
import type { JsonObject } from '../../../../../src/protocol/events/canonical-json.ts'
import { isSame, type SentRoom, type SentRooms, sentBy } from '../../sliding/sent-rooms.ts'
import type { Windows } from '../../sliding/windows.ts'
import type { RoomNews, SyncNews } from '../../streams/news.ts'
import { type ExtensionParts, extensionsOf } from './extensions.ts'
import { directResult, requiredState, roomResult, strippedResult } from './rooms.ts'
import type { SlidingView } from './view.ts'

export interface SlidingParts {
  news: SyncNews
  asked: SlidingAsked
  windows: Windows
  sent: SentRooms
  view: SlidingView
  keys: JsonObject
  toDevice: ExtensionParts['toDevice']
  threads: ExtensionParts['threads']
  profiles: JsonObject
  txnId: string | undefined
}

export interface Encoded {
  /** The answer without its token. */
  body: JsonObject
  rest: RestOfState[]
  news: boolean
  /** What the client has if the answer arrives; the same object where nothing changes. */
  sent: SentRooms
}

export function encodeSliding(parts: SlidingParts): Encoded {
  const { news, asked, windows, view, sent } = parts
  const rooms: JsonObject = {}
  const rest: RestOfState[] = []
  const after = new Map(sent)
  for (const one of news.rooms) {
    const { room, slice } = one
    const wanted = windows.wanted.get(room.no)
    const shown = wanted ?? { room, config: windows.widest, lists: [], subscribed: false }
    const result = roomResult(one, shown, requiredState(one, shown, view), view)
    const now = sentNow(one, wanted, sent.get(room.no))
    if (now === undefined) after.delete(room.no)
    else after.set(room.no, withDirect(now, room.roomId, view))
    if (result === undefined) continue
    rooms[room.roomId] = result
    if (slice.rest !== undefined) rest.push({ kind: 'sliding', roomId: room.roomId, request: slice.rest })
  }
  for (const wanted of windows.wanted.values()) {
    const { room } = wanted
    const isOffered = room.membership === 'invite' || room.membership === 'knock'
    if (!isOffered || sent.get(room.no)?.own === room.own || room.own > news.span.own) continue
    rooms[room.roomId] = strippedResult(wanted, view)
    after.set(room.no, { own: room.own, limit: 0, required: [] })
  }
  addDirect(parts, rooms, after)
  const { extensions, news: isExtended } = extensionsOf(parts, asked.extensions)
  return {
    body: bodyOf(parts, rooms, extensions),
    rest,
    news: isExtended || Object.keys(rooms).length > 0,
    sent: isEqual(sent, after) ? sent : after,
  }
}

function withDirect({ direct: _, ...sent }: SentRoom, roomId: string, view: SlidingView): SentRoom {
  return view.direct.has(roomId) ? { ...sent, direct: true } : sent
}

/** `is_dm`, "must be included … if the DM state changes": of rooms that have no other news. */
function addDirect(
  { windows, sent, view }: SlidingParts,
  rooms: JsonObject,
  after: Map<number, SentRoom>,
): void {
  for (const wanted of windows.wanted.values()) {
    const { room } = wanted
    const known = sent.get(room.no)
    if (known === undefined || known.own !== room.own || room.membership !== 'join') continue
    if (rooms[room.roomId] !== undefined || (known.direct ?? false) === view.direct.has(room.roomId)) continue
    rooms[room.roomId] = directResult(wanted, view)
    after.set(room.no, withDirect(after.get(room.no) ?? known, room.roomId, view))
  }
}

/** The fields of an answer without its token. */
export function bodyOf(
  { windows, txnId }: Pick<SlidingParts, 'windows' | 'txnId'>,
  rooms: JsonObject,
  extensions: JsonObject,
): JsonObject {
  const lists = Object.entries(windows.counts).map(([name, count]) => [name, { count }] as const)
  return {
    ...(txnId !== undefined && { txn_id: txnId }),
    lists: Object.fromEntries(lists),
    rooms,
    extensions,
  }
}

/** What the client has of a room after its part of the answer; undefined: it is not told of it again. */
function sentNow(
  { room, slice, task }: RoomNews,
  wanted: ReturnType<Windows['wanted']['get']>,
  known: SentRoom | undefined,
): SentRoom | undefined {
  if (wanted === undefined || room.membership !== 'join') {
    return room.membership === 'join' || wanted !== undefined
      ? { own: room.own, limit: 0, required: [] }
      : undefined
  }
  const before = task.slide?.unsent ? undefined : known
  return sentBy(wanted.config, room.own, { before, limited: slice.limited })
}

function isEqual(one: SentRooms, other: SentRooms): boolean {
  return one.size === other.size && [...other].every(([no, room]) => isSame(one.get(no), room))
}

/** The extensions of sliding sync: MSC3884, MSC3885, MSC3959, MSC3960, MSC3961, MSC4262, MSC4308, and presence. */
import type { RoomSlice } from '../../../../../src/objects/room/sync.ts'
import type { ThreadChanges } from '../../../../../src/objects/user/settings.ts'
import {
  PROFILES,
  type Scope,
  type SlidingExtensions,
  THREADS,
} from '../../../../../src/objects/user/sliding.ts'
import type { JsonObject } from '../../../../../src/protocol/events/canonical-json.ts'
import { isInScope } from '../../sliding/scope.ts'
import type { Windows } from '../../sliding/windows.ts'
import type { RoomNews, SyncNews } from '../../streams/news.ts'
import { receipts } from '../../streams/receipts.ts'
import { typing } from '../../streams/typing.ts'
import { shownData } from '../v2-rooms.ts'
import type { SlidingView } from './view.ts'

export interface ExtensionParts {
  news: SyncNews
  windows: Windows
  /** What the device has left of its keys. */
  keys: JsonObject
  /** The messages that wait for the device, and where it stands behind them. */
  toDevice: { events: JsonObject[]; next: string }
  /** What is told of profiles, by user. */
  profiles: JsonObject
  /** The threads that the user has begun or ceased to follow. */
  threads: ThreadChanges | undefined
  view: Pick<SlidingView, 'isSent'>
}

interface Extended {
  extensions: JsonObject
  /** Whether they hold anything that a client waits for. */
  news: boolean
}

interface Extension {
  body: JsonObject
  news: boolean
}

/** How each extension is answered; undefined: it has nothing to say. */
const EXTENSIONS: {
  [Name in keyof SlidingExtensions]-?: (
    parts: ExtensionParts,
    asked: NonNullable<SlidingExtensions[Name]>,
  ) => Extension | undefined
} = {
  e2ee: ({ news: { deviceLists }, keys }) => ({
    body: { ...(deviceLists !== undefined && { device_lists: deviceLists }), ...keys },
    news: deviceLists !== undefined,
  }),
  to_device: ({ toDevice: { events, next } }) => ({
    body: { next_batch: next, events },
    news: events.length > 0,
  }),
  account_data: accountData,
  receipts: (parts, scope) => byRoom(parts, scope, receiptsOf),
  typing: (parts, scope) =>
    byRoom(parts, scope, ({ news }, { slice }) => typing.shown(slice, news.query.ignored)),
  presence: ({ news: { presence } }) =>
    presence.length === 0 ? undefined : { body: { events: presence }, news: true },
  [PROFILES]: ({ profiles: users }) =>
    Object.keys(users).length === 0 ? undefined : { body: { users }, news: true },
  [THREADS]: ({ threads }) => (threads === undefined ? undefined : followed(threads)),
}

/** The `extensions` of an answer. */
export function extensionsOf(parts: ExtensionParts, asked: SlidingExtensions): Extended {
  const extensions: JsonObject = {}
  let news = false
  for (const name of Object.keys(asked) as (keyof SlidingExtensions)[]) {
    const make = EXTENSIONS[name] as (parts: ExtensionParts, asked: unknown) => Extension | undefined
    const made = make(parts, asked[name])
    if (made === undefined) continue
    extensions[name] = made.body
    news ||= made.news
  }
  return { extensions, news }
}

function followed({ subscribed, unsubscribed, end }: ThreadChanges): Extension | undefined {
  const body: JsonObject = {
    ...(Object.keys(subscribed).length > 0 && { subscribed }),
    ...(Object.keys(unsubscribed).length > 0 && { unsubscribed }),
    ...(end !== undefined && { prev_batch: end }),
  }
  return Object.keys(body).length === 0 ? undefined : { body, news: true }
}

function accountData(parts: ExtensionParts, scope: Scope): Extension | undefined {
  const { news, view } = parts
  const rooms: JsonObject = {}
  for (const { room, data } of news.rooms)
    if (data.length > 0 && isInScope(parts.windows, scope, room)) rooms[room.roomId] = data.map(shownData)
  for (const { roomId, data } of news.roomData)
    if (data.length > 0 && view.isSent(roomId) && isInScope(parts.windows, scope, { roomId }))
      rooms[roomId] = data.map(shownData)
  const body: JsonObject = {}
  if (news.accountData.length > 0) body.global = news.accountData.map(shownData)
  if (Object.keys(rooms).length > 0) body.rooms = rooms
  return Object.keys(body).length === 0 ? undefined : { body, news: true }
}

/** What passes in the rooms of the answer. */
function byRoom(
  parts: ExtensionParts,
  scope: Scope,
  shown: (parts: ExtensionParts, one: RoomNews) => JsonObject | undefined,
): Extension | undefined {
  const rooms: JsonObject = {}
  for (const one of parts.news.rooms) {
    const { room } = one
    if (room.membership !== 'join' || !isInScope(parts.windows, scope, room)) continue
    const event = shown(parts, one)
    if (event !== undefined) rooms[room.roomId] = event
  }
  return Object.keys(rooms).length === 0 ? undefined : { body: { rooms }, news: true }
}

/** Of a timeline that goes back, the receipts of its events and the user's own; else what came since. */
function receiptsOf({ news }: ExtensionParts, { slice, first, task }: RoomNews): JsonObject | undefined {
  const { ignored, session } = news.query
  const isShown = (receipt: NonNullable<RoomSlice['receipts']>[number]) =>
    (!first && receipt.pos > task.since) ||
    receipt.userId === session.userId ||
    slice.events.some(({ event }) => event.event_id === receipt.eventId)
  const wanted = slice.receipts?.filter(isShown)
  return wanted && receipts.shown({ ...slice, receipts: wanted }, ignored)
}

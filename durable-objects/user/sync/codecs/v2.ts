/** The body of `GET /sync` (Client-Server API §Syncing), made of what the streams gave. */
import type { RestOfState } from '../../../../src/objects/room/sync.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { ClientEvent } from '../../../../src/protocol/events/event.ts'
import { matchesEvent, wantsRoom } from '../../../../src/protocol/matching/filter.ts'
import type { KeyCounts } from '../key-counts.ts'
import { type LazyMembers, loadsLazily, stayOf } from '../lazy-members.ts'
import type { ListedRoom } from '../streams/listed.ts'
import type { SyncNews } from '../streams/news.ts'
import { isInitial } from '../streams/stream.ts'
import type { Codec, SyncAnswer } from './codec.ts'
import { Sections } from './sections.ts'
import { dataSection, roomSection, shownData } from './v2-rooms.ts'

/** The fields of an answer that are worth waking a client for. */
const NEWS = ['rooms', 'to_device', 'device_lists', 'account_data', 'presence']

export class V2Codec implements Codec {
  readonly #lazy: LazyMembers
  readonly #keys: KeyCounts

  constructor({ lazy, keys }: { lazy: LazyMembers; keys: KeyCounts }) {
    this.#lazy = lazy
    this.#keys = keys
  }

  encode(news: SyncNews): SyncAnswer {
    const { query, token, deviceLists, toDevice } = news
    const { deviceId } = query.session
    const rest: RestOfState[] = []
    const rooms = this.#rooms(news, rest)
    const presence = news.presence.filter((event) => matchesEvent(query.filter?.presence, event))
    const accountData = news.accountData
      .map(shownData)
      .filter((event) => matchesEvent(query.filter?.account_data, event))
    const body: JsonObject = { next_batch: token, ...this.#keys.of(deviceId) }
    if (deviceLists !== undefined) body.device_lists = deviceLists
    if (toDevice.length > 0) body.to_device = { events: toDevice }
    if (presence.length > 0) body.presence = { events: presence }
    if (accountData.length > 0) body.account_data = { events: accountData }
    if (!rooms.empty) body.rooms = rooms.byKind
    return { body, token, rest, news: NEWS.some((field) => field in body) }
  }

  #rooms(news: SyncNews, rest: RestOfState[]): Sections {
    const { query, span, now, token } = news
    const { filter } = query
    const rooms = new Sections()
    const isLazy = loadsLazily(filter)
    const stays = new Map<string, ClientEvent[]>()
    for (const one of news.rooms) {
      const { room, slice } = one
      if (isLazy) stays.set(stayOf(room), this.#lazy.withoutKnown(query, one))
      const section = roomSection(one, query, now)
      if (section === undefined) continue
      const kind = room.membership === 'join' ? 'join' : 'leave'
      rooms.add(kind, room.roomId, section)
      const fields = filter?.event_fields
      if (slice.rest !== undefined) rest.push({ kind, roomId: room.roomId, request: slice.rest, fields })
    }
    for (const one of news.roomData) {
      const section = wantsRoom(filter?.room, one.roomId) ? dataSection(one, query) : undefined
      if (section !== undefined) rooms.add('join', one.roomId, section)
    }
    for (const one of news.listed) if (wantsRoom(filter?.room, one.roomId)) addListed(one, rooms)
    if (isLazy) this.#lazy.give(query.session.deviceId, token, { initial: isInitial(span), stays })
    return rooms
  }
}

function addListed(room: ListedRoom, rooms: Sections): void {
  if (room.kind === 'forgotten') {
    const timeline = { events: room.events, limited: false, prev_batch: `p${room.pos + 1}` }
    rooms.add('leave', room.roomId, { timeline })
  } else rooms.add(room.kind, room.roomId, { [`${room.kind}_state`]: { events: room.stripped } })
}

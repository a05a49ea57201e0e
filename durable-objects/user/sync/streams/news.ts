/** What the streams of a sync gave: everything an answer tells, before a codec makes a body of it. */
import type { RoomSlice } from '../../../../src/objects/room/sync.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { AccountDataEvent } from '../../settings/account-data.ts'
import type { UserRoom } from '../memberships.ts'
import type { SyncQuery } from '../query.ts'
import type { DeviceListsBody } from './device-lists.ts'
import type { ListedRoom } from './listed.ts'
import type { PresenceEvent } from './presence.ts'
import type { ToldMark } from './profiles.ts'
import type { Task } from './room-plan.ts'
import type { Span } from './stream.ts'
import type { UnreadList } from './unread-list.ts'

/** A room of which its Room, or its wakes, have told. */
export interface RoomNews {
  room: UserRoom
  slice: RoomSlice
  /** First sight in this chain of tokens: shown even when empty. */
  first: boolean
  /** The user's own data of the room. */
  data: readonly AccountDataEvent[]
  unread: UnreadList | undefined
  /** How the room was asked. */
  task: Task
}

/** A room in which only the user's own data changed. */
export interface RoomData extends Pick<RoomNews, 'data' | 'unread'> {
  roomId: string
  /** The room position behind what the client was told. */
  place: number
}

export interface SyncNews {
  query: SyncQuery
  span: Span
  now: number
  rooms: RoomNews[]
  roomData: RoomData[]
  listed: ListedRoom[]
  accountData: readonly AccountDataEvent[]
  toDevice: JsonObject[]
  deviceLists: DeviceListsBody | undefined
  presence: PresenceEvent[]
  /** Given where they are wanted. */
  profiles: ToldMark[]
  /** Stands for all of it. */
  token: string
}

/** MSC4186 §Lists and subscriptions: which rooms a request is about, and what it wants of each. */
import type { ListFilters, SlidingAsked } from '../../../../src/objects/user/sliding.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { objectField, stringField } from '../../../../src/protocol/json-fields.ts'
import { combine, type RoomConfig } from '../../../../src/protocol/sliding/room-config.ts'
import { isRemoved } from '../../standing.ts'
import type { UserRoom } from '../memberships.ts'
import type { RoomOrder } from './room-order.ts'

/** A room that the request is about. */
export interface WantedRoom {
  room: UserRoom
  config: RoomConfig
  /** The lists in whose ranges it is. */
  lists: readonly string[]
  subscribed: boolean
}

export interface Windows {
  counts: Record<string, number>
  /** By number, in the order of the rooms. */
  wanted: ReadonlyMap<number, WantedRoom>
  /** All that the request wants of any room: for a room that was left, and is in no list any more. */
  widest: RoomConfig
}

export interface ListedRooms {
  order: RoomOrder
  /** Whether an invite that is there is not shown. */
  hidesInvite: (room: UserRoom) => boolean
  /** The user's own data: of a room, or of none. */
  data: (roomId: string | null, type: string) => JsonObject | undefined
  roomOf: (roomId: string) => UserRoom | undefined
}

export function windowsOf(listed: ListedRooms, asked: SlidingAsked): Windows {
  const counts = new Map<string, number>()
  const indexes = new Map<UserRoom, { configs: Set<number>; lists: string[]; subscribed: boolean }>()
  const want = (room: UserRoom, config: number) => {
    const known = indexes.get(room) ?? { configs: new Set(), lists: [], subscribed: false }
    indexes.set(room, known)
    known.configs.add(config)
    return known
  }
  const lists = Object.entries(asked.lists)
  const rooms = lists.length === 0 ? [] : listed.order.sorted().filter((room) => isListed(listed, room))
  for (const [name, { ranges, filters, config }] of lists) {
    const matches = filters === undefined ? undefined : matcher(listed, filters)
    const matching = matches === undefined ? rooms : rooms.filter(matches)
    counts.set(name, matching.length)
    for (const room of within(matching, ranges)) want(room, config).lists.push(name)
  }
  for (const [roomId, config] of Object.entries(asked.rooms)) {
    const room = listed.roomOf(roomId)
    if (room !== undefined && isListed(listed, room)) want(room, config).subscribed = true
  }
  const configOf = combiner(asked.configs)
  const wanted = [...indexes].map(
    ([room, { configs, ...places }]) => [room.no, { room, config: configOf(configs), ...places }] as const,
  )
  return { counts: Object.fromEntries(counts), wanted: new Map(wanted), widest: combineAll(asked.configs) }
}

/**
 * "Rooms the user has been kicked or banned from will always be included"; those they left only if the client has them,
 * and then until it is told.
 */
function isListed({ hidesInvite }: ListedRooms, room: UserRoom): boolean {
  const { membership, forgotten } = room
  if (forgotten) return false
  if (membership === 'join' || membership === 'knock') return true
  if (membership === 'invite') return !hidesInvite(room)
  return isRemoved(room)
}

function within(rooms: readonly UserRoom[], ranges: [number, number][] | undefined): Iterable<UserRoom> {
  if (ranges === undefined) return rooms
  return new Set(ranges.flatMap(([from, to]) => rooms.slice(from, to + 1)))
}

/** Equal sets of configs give the same object. */
function combiner(configs: readonly RoomConfig[]): (indexes: ReadonlySet<number>) => RoomConfig {
  const known = new Map<string, RoomConfig>()
  return (indexes) => {
    const key = [...indexes].sort().join()
    const made = known.get(key) ?? combineAll([...indexes].map((index) => configs[index] as RoomConfig))
    known.set(key, made)
    return made
  }
}

function combineAll(configs: readonly RoomConfig[]): RoomConfig {
  return configs.reduce<RoomConfig | undefined>(combine, undefined) ?? { limit: 0, required: [] }
}

// ------------------------------------------------------------ filters

type Matches = (room: UserRoom) => boolean

/** How each filter chooses. An absent one admits every room. */
const MATCHERS: {
  [Name in keyof ListFilters]-?: (listed: ListedRooms, wanted: NonNullable<ListFilters[Name]>) => Matches
} = {
  is_dm: (listed, wanted) => {
    const direct = directRooms(listed)
    return ({ roomId }) => direct.has(roomId) === wanted
  },
  is_encrypted: (listed, wanted) => (room) => isEncrypted(listed, room) === wanted,
  is_invite: (_, wanted) => (room) => (room.membership === 'invite') === wanted,
  room_types: (listed, wanted) => (room) => wanted.includes(typeOf(listed, room)),
  not_room_types: (listed, wanted) => (room) => !wanted.includes(typeOf(listed, room)),
  tags: (listed, wanted) => (room) => hasAnyTag(listed, room, wanted),
  not_tags: (listed, wanted) => (room) => !hasAnyTag(listed, room, wanted),
  spaces: (listed, wanted) => {
    const children = new Set(wanted.flatMap((spaceId) => childrenOf(listed, spaceId)))
    return ({ roomId }) => children.has(roomId)
  },
}

function matcher(listed: ListedRooms, filters: ListFilters): Matches {
  const names = Object.keys(filters) as (keyof ListFilters)[]
  const all = names.map((name) => {
    const make = MATCHERS[name] as (listed: ListedRooms, wanted: unknown) => Matches
    return make(listed, filters[name])
  })
  return (room) => all.every((matches) => matches(room))
}

/** The rooms that the user's `m.direct` names. */
export function directRooms({ data }: Pick<ListedRooms, 'data'>): ReadonlySet<unknown> {
  const direct = data(null, 'm.direct') ?? {}
  return new Set(Object.values(direct).flatMap((rooms) => (Array.isArray(rooms) ? rooms : [])))
}

function hasAnyTag({ data }: ListedRooms, { roomId }: UserRoom, wanted: readonly string[]): boolean {
  const tags = objectField(data(roomId, 'm.tag')?.tags)
  return tags !== undefined && wanted.some((tag) => Object.hasOwn(tags, tag))
}

function childrenOf({ order, roomOf }: ListedRooms, spaceId: string): readonly string[] {
  const space = roomOf(spaceId)
  return space?.membership === 'join' ? (order.card(space).children ?? []) : []
}

/** Of a room that the user is not in, what its stripped state tells. */
function isEncrypted({ order }: ListedRooms, room: UserRoom): boolean {
  return order.card(room).encrypted || room.stripped.some(({ type }) => type === 'm.room.encryption')
}

function typeOf({ order }: ListedRooms, room: UserRoom): string | null {
  const create = room.stripped.find(({ type }) => type === 'm.room.create')
  return order.card(room).type ?? stringField(objectField(create?.content)?.type) ?? null
}
